"""The man pages: built without a warning of docutils', shown without one of man's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sysvinit_py import __version__
from sysvinit_py.build import manual
from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli.options import Program

DESCRIBED = manual.described()
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


@pytest.mark.parametrize(("name", "programs"), DESCRIBED.items(), ids=DESCRIBED)
def test_the_page_has_all_options_in_it(pages: dict[str, bytes], name: str, programs: list[Program]) -> None:
    [page] = [page for title, page in pages.items() if title.partition(".")[0] == name]
    text = page.decode().replace("\\-", "-")
    _, _, told = text.partition("OPTIONS")
    rows = [row for program in programs for row in program.options]
    options = [name for row in rows for name in row.names.split() if name != "-h"]
    assert [option for option in options if f"\\fB{option}\\fP" not in told] == []


@pytest.mark.parametrize(("name", "programs"), DESCRIBED.items(), ids=DESCRIBED)
@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
def test_the_synopsis_is_that_of_the_table(
    pages: dict[str, bytes], name: str, programs: list[Program]
) -> None:
    [page] = [page for title, page in pages.items() if title.partition(".")[0] == name]
    synopsis = re.sub(r"(?s).*\nSYNOPSIS\n(.*?)\nDESCRIPTION\n.*", r"\1", shown(page))
    usage = [line for program in programs for line in program.usage()]
    assert [line.strip() for line in synopsis.splitlines() if line.strip()] == usage


def test_verbs_that_share_a_page_are_found_by_man(pages: dict[str, bytes]) -> None:
    for name, (page, section) in manual.SHARED.items():
        assert pages[f"{name}.{section}"].decode() == f".so man{section}/{page}.{section}\n"
        assert f"{page}.{section}" in pages


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.name))
def test_the_forms_of_the_usage_are_made_of_what_is_in_the_table(program: Program) -> None:
    known = {name for row in program.options for name in row.names.split()} | {"-", "--"}
    rows = [row for part in (program, *program.verbs) for row in part.table]
    values = {word for row in rows for word in re.findall("[A-Z]+", row.value)} | {
        "OPTION",
        "FOLDER",
    }
    words = set(re.findall(r"(?<!\S)-[\w-]*|[A-Z]+", re.sub(r"[][|.]", " ", " ".join(program.forms))))
    assert words <= known | values | {"OPTION", "FOLDER"}


def test_a_warning_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docutils.utils import SystemMessage

    (tmp_path / "bad.1.rst").write_text("Title\n==\n\n`no\n")
    monkeypatch.setattr(manual, "SOURCES", tmp_path)
    with pytest.raises(SystemMessage):
        manual.pages()
