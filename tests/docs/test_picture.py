"""The picture of the README is what the programs say now."""

from __future__ import annotations

import re
import runpy
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.sandbox.refusal import NamespaceError
from tests.system.conftest import OURS

DOCS = Path(__file__).parents[2] / "docs"


def texts(svg: str) -> list[tuple[str, str]]:
    """The texts of a drawing with their classes, without pids and times."""
    found = re.findall(r'<text class="status-(r\d+|title)"[^>]*>([^<]*)</text>', svg)
    return [(style, " ".join(re.sub(r"\d+", "0", unescape(text)).split())) for style, text in found]


def test_the_picture_is_what_make_picture_draws_of_a_real_run() -> None:
    script: dict[str, Any] = runpy.run_path(str(DOCS / "draw_status.py"))
    try:
        drawn = script["drawing"](*script["frames"](OURS))
    except NamespaceError as refusal:
        pytest.skip(f"no namespaces: {refusal}")
    assert texts(drawn) == texts((DOCS / "status.svg").read_text()), "make picture draws another one"
    assert "url(" not in drawn.replace("url(#", ""), "it loads nothing"
