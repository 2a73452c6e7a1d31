"""Words of our own, where the field has others, are not used in docs, man pages, docstrings and messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What not to write, and what to write instead.
DIALECT = {
    r"\bit cannot be\b": "raises X if ...",
    r"\bis none\b(?! of)": "is not a ...",
    r"\bfor ever\b": "forever",
    r"\bsmall letters?\b": "lower case",
    r"\bblanks\b": "whitespace, or spaces and tabs",
    r"\bthe init before (this|it)\b": "the previous init",
    r"\ball of it or nothing\b": "atomically",
    r"\bnot a word the second time\b": "reported once",
    r"\bcannot be run here\b": "what is missing",
    r"\bthis comment is not understood\b": "unrecognised ... comment",
    r"\bthere is no rule\b": "unknown rule",
    r"\bwants? root\b": "requires root",
    r"\bmay not be run\b": "what is missing",
    r"(?<!\bthere )\bis no (whole )?(number|file|folder|fifo|level|program)\b": "is not a ...",
}
PAGES = sorted(
    [
        ROOT / "CONTRIBUTING.rst",
        *ROOT.glob("docs/**/*.rst"),
        *ROOT.glob("man/*.rst"),
        *ROOT.glob("tests/*.rst"),
    ]
)


def found(text: str) -> list[str]:
    text = " ".join(text.split()).replace("is None", "")
    return [
        f"{match[0]!r}: {better}"
        for pattern, better in DIALECT.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def strings(path: Path) -> Iterator[str]:
    """Docstrings, messages, and all else that stands in quotes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path) -> None:
    assert found(page.read_text()) == []


def test_package() -> None:
    left = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in sorted((ROOT / "sysvinit_py").rglob("*.py"))
        if path.name != "_grammar.py"
        for text in strings(path)
        for word in found(text)
    ]
    assert left == []


@pytest.mark.parametrize("text", ["It waits for ever.", "this wants\nroot", "X is none.", "in Small Letters"])
def test_they_are_seen(text: str) -> None:
    assert found(text)
