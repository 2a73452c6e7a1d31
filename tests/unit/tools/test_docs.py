"""The pages in docs: docutils has nothing to say about them, and no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils.core import publish_string

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(DOCS.glob("*.rst"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_is_right(page: Path) -> None:
    publish_string(
        page.read_text(), source_path=str(page), writer="html5", settings_overrides={"halt_level": 2}
    )
    for link in re.findall(r"`<([^>`]+\.rst)>`_", page.read_text()):
        assert (page.parent / link).exists()


def test_there_is_one_on_machines_and_one_on_differences() -> None:
    assert {"vm.rst", "differences.rst"} <= {page.name for page in PAGES}
