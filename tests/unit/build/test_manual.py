"""The man pages: built without a warning of docutils', shown without one of man's."""

from __future__ import annotations

import re
import shutil
import subprocess
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py import __version__
from sysvinit_py.build import manual
from sysvinit_py.install.cli import parser as install_parser
from sysvinit_py.sandbox.cli import parser as sandbox_parser

NAMES = [source.stem for source in sorted(manual.SOURCES.glob("*.rst"))]


@pytest.fixture(scope="session")
def pages() -> dict[str, bytes]:
    return manual.pages()


def shown(page: bytes) -> str:
    done = subprocess.run(
        ["man", "--warnings", "--local-file", "-"],
        input=page, capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100"},
    )  # fmt: skip
    assert done.stderr == b""
    return re.sub(r".\x08", "", done.stdout.decode())


@pytest.mark.parametrize("name", ["init.8", "telinit.8", "inittab.5", "inittab-try.1"])
def test_the_page_is_there(pages: dict[str, bytes], name: str) -> None:
    assert name in pages


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
def test_man_shows_it(pages: dict[str, bytes], name: str) -> None:
    text = shown(pages[name])
    title, section = name.split(".")
    assert f"{title}({section})" in text
    for heading in "SYNOPSIS", "DESCRIPTION", "SEE ALSO":
        assert f"\n{heading}\n" in text or (heading == "SYNOPSIS" and section == "5")
    assert "**" not in text


#: The sections of a page, in this order, as man-pages(7) has them.
SECTIONS = (
    "NAME", "SYNOPSIS", "CONFIGURATION", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "RETURN VALUE", "ERRORS",
    "ENVIRONMENT", "FILES", "ATTRIBUTES", "VERSIONS", "STANDARDS", "HISTORY", "NOTES", "CAVEATS", "BUGS",
    "EXAMPLES", "AUTHORS", "REPORTING BUGS", "COPYRIGHT", "SEE ALSO",
)  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, "inittab-lint-rules.7"])
def test_headings_are_those_of_man_pages_7(pages: dict[str, bytes], name: str) -> None:
    text = pages[name].decode().replace("\\-", "-")
    title, section = name.split(".")
    version = re.escape(f"sysvinit_py {__version__}")
    assert re.search(rf'^\.TH "?{title}"? "?{section}"? "?\d{{4}}-\d\d-\d\d"? "{version}"$', text, re.M)
    headings = re.findall(r'^\.SH "?([^"\n]*)"?$', text, re.M)
    assert headings == [heading for heading in SECTIONS if heading in headings]
    assert re.search(rf"^{title} - \w[^\n]*[^.\n]$", text, re.M)  # what apropos lists


@pytest.mark.parametrize(
    ("page", "parser", "untold"),
    [("inittab-try.1", sandbox_parser, ["-h", "--help"]), ("inittab-install.8", install_parser, [])],
)
def test_the_page_has_all_options_in_it(
    pages: dict[str, bytes], page: str, parser: Callable[[], ArgumentParser], untold: list[str]
) -> None:
    told = pages[page].decode().replace("\\-", "-")
    options = [option for action in parser()._actions for option in action.option_strings]
    assert [option for option in options if option not in told] == untold


def test_a_warning_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docutils.utils import SystemMessage

    (tmp_path / "bad.1.rst").write_text("Title\n==\n\n`no\n")
    monkeypatch.setattr(manual, "SOURCES", tmp_path)
    with pytest.raises(SystemMessage):
        manual.pages()
