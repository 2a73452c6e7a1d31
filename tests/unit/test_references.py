"""References to docs/behaviour resolve; nothing refers to a document that is not in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEHAVIOUR = ROOT / "docs" / "behaviour"
REFERENCE = re.compile(r"(?<![\w/.])behaviour/(?!index\b)([a-z]+(?:#[a-z-]+)?)(?![\w/.-]*\.(?:rst|html))")
LABEL = re.compile(r"^\.\. _behaviour/([a-z]+(?:#[a-z-]+)?):$", re.MULTILINE)


def texts() -> dict[str, str]:
    """Every text in the repository but this one and the generated grammar, by path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.split("\0")[:-1] if listed.returncode == 0 else []
    paths = [ROOT / name for name in names] or [
        path for folder in ("sysvinit_py", "tests", "docs", "man") for path in (ROOT / folder).rglob("*")
    ]
    suffixes = {".py", ".rst", ".lark", ".c", ".md"}
    skipped = {Path(__file__).name, "_grammar.py"}
    return {
        str(path.relative_to(ROOT)): path.read_text()
        for path in paths
        if path.suffix in suffixes and path.name not in skipped and path.is_file()
    }


def labels(page: Path) -> list[str]:
    return LABEL.findall(page.read_text())


@pytest.fixture(scope="module")
def everything() -> dict[str, str]:
    return texts()


def test_each_chapter_has_labels_of_its_own() -> None:
    for page in BEHAVIOUR.glob("*.rst"):
        if page.stem != "index":
            found = labels(page)
            assert found[0] == page.stem
            assert all(label.partition("#")[0] == page.stem for label in found)
            assert len(set(found)) == len(found)
            assert f"<{page.name}>`_" in (BEHAVIOUR / "index.rst").read_text()


def test_each_reference_leads_to_a_label(everything: dict[str, str]) -> None:
    known = {label for page in BEHAVIOUR.glob("*.rst") for label in labels(page)}
    used = {(where, name) for where, text in everything.items() for name in REFERENCE.findall(text)}
    assert sum(not where.startswith("docs/") for where, _ in used) > 50, "the code refers to the chapters"
    assert sorted((where, name) for where, name in used if name not in known) == []


def test_nothing_refers_to_a_document_that_is_not_here(everything: dict[str, str]) -> None:
    assert [
        where
        for where, text in everything.items()
        if re.search(r"\bSPEC\b|\bDESIGN\b|\bissue \d|\[we\]", text)
    ] == []


@pytest.mark.parametrize("bad", ["behaviour/nothing", "behaviour/throttle#nothing", "behaviour/boot#targets"])
def test_a_bad_reference_is_seen(bad: str) -> None:
    known = {label for page in BEHAVIOUR.glob("*.rst") for label in labels(page)}
    assert [name for name in REFERENCE.findall(f"({bad}).") if name not in known]
