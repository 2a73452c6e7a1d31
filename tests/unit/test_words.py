"""Words of our own, where the field has others, are not used in docs, docstrings, comments and messages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
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
    r"\bso many (seconds|minutes|bytes|times|words|in a row)\b": "that many, N ..., the number of ...",
    r"\bin the midst of\b": "during, in the middle of",
    r"\bthe person\b": "the user",
    r"\bwhat is the matter\b": "what has failed",
    r"\b(is|are|be) seen to\b": "is handled",
    r"\bto be had\b": "available",
    r"\bfor want of\b": "for lack of",
    r"\bhears? of it\b": "is notified",
    r"\b(ignored|dropped|reaped|obeyed) without a word\b": "silently",
    r"\b(an )?enem(y|ies)\b": "untrusted, hostile",
    r"\bseam\b(?! of)": "the module that ...",
}
PAGES = sorted(
    [
        ROOT / "README.rst",
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
    """Docstrings, messages, and all else that stands in quotes; and comments."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield " ".join(token.string.lstrip("#:") for token in tokens if token.type == tokenize.COMMENT)


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
