"""The documentation: well-formed, linked, built without a warning, and true where a test can see it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docutils.core import publish_string
from docutils.parsers.rst import Directive, directives

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.rst"))
OTHERS = [ROOT / "CONTRIBUTING.rst", ROOT / "tests" / "README.rst"]
LINK = re.compile(r"`<([^>`:]+\.rst)>`_")


class Toctree(Directive):
    """Sphinx's; docutils by itself has none."""

    has_content = True
    option_spec = {"hidden": directives.flag}  # noqa: RUF012 - as docutils declares it

    def run(self) -> list[object]:  # type: ignore[override]
        return []


directives.register_directive("toctree", Toctree)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=name)
def test_is_right(page: Path) -> None:
    publish_string(
        page.read_text(), source_path=str(page), writer="html5", settings_overrides={"halt_level": 2}
    )
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).exists(), link


def test_every_page_is_linked_from_its_index() -> None:
    for page in PAGES:
        index = page.parent / "index.rst"
        if page != index:
            assert page.name in LINK.findall(index.read_text()), name(page)
    assert "behaviour/index.rst" in LINK.findall((DOCS / "index.rst").read_text())


@pytest.mark.skipif(not importlib.util.find_spec("sphinx"), reason="no Sphinx here; make docs installs it")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    sites = {str(page.relative_to(tmp_path).with_suffix("")) for page in tmp_path.rglob("*.html")}
    assert {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES} <= sites
    for page in tmp_path.rglob("*.html"):
        for link in re.findall(r'href="([^":#?]+\.html)', page.read_text()):
            assert (page.parent / link).exists(), f"{page}: {link}"


@pytest.mark.parametrize("page", [*PAGES, *OTHERS, ROOT / "README.rst"], ids=name)
def test_offers_only_what_there_is(page: Path) -> None:
    """No index has the package, no public host the repository; and a branch is not a revision to pin."""
    text = page.read_text()
    assert not re.search(r"example\.(org|com|net)", text)
    assert not re.search(r"pip3? install (?!\S*[./])\S*sysvinit", text)
    assert not re.search(r"rev: (main|master|HEAD)\b", text)


def test_security_names_tests_that_there_are() -> None:
    named = re.findall(
        r"``((?:system|unit|property|faults|vm)/[\w./]*)``", (DOCS / "SECURITY.rst").read_text()
    )
    assert len(named) > 20
    assert [path for path in named if not (ROOT / "tests" / path).exists()] == []


@pytest.mark.parametrize(
    "page",
    ["README.rst", "docs/architecture.rst", "docs/glossary.rst", "CONTRIBUTING.rst", "tests/README.rst"],
)
def test_names_files_that_there_are(page: str) -> None:
    """A file or folder of the package or the tests, as ``machine/rules.py``."""
    named = re.findall(r"``((?:[\w.-]+/)+(?:[\w-]+\.\w+)?|\w+\.py)``", (ROOT / page).read_text())
    bases = ROOT, ROOT / "sysvinit_py", ROOT / "tests"
    assert len(named) > 3
    generated = {"dist/man", "dist/docs", "dist/init"}
    assert [
        path for path in named if path not in generated and not any((base / path).exists() for base in bases)
    ] == []


def test_the_differences_are_those_of_the_chapters() -> None:
    """Each chapter that differs says so, and the summary leads back to the chapters."""
    differing = [page for page in (DOCS / "behaviour").glob("*.rst") if "**Differs.**" in page.read_text()]
    assert len(differing) > 8
    assert "behaviour/index.rst" in LINK.findall((DOCS / "differences.rst").read_text())
