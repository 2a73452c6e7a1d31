"""Parsing of an inittab into lines: each is an entry, a comment, blank, or refused with the reason.

``grammar/inittab.lark`` defines the format of a line, and ``_grammar.py`` is the parser generated from it.
This module converts its tokens into values, and checks the one rule that spans lines: ids are unique.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from sysvinit_py.inittab._grammar import Lark_StandAlone
from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import (
    MAX_ACTION,
    MAX_ID,
    MAX_LINE,
    MAX_RUNLEVELS,
    REPEATABLE_ID,
    Entry,
    Problem,
    Span,
)
from sysvinit_py.text import printable
from sysvinit_py.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

_grammar = Lark_StandAlone()

BLANKS = " \t"
#: Bytes, about, that the grammar parses at a time: its trees take a hundred times as much memory.
_BLOCK = 1 << 16

_ANY_ACTION = f"(expected one of {', '.join(ACTIONS)})"
#: The fault that each of these tokens stands for. If a line has several, the last one here is reported.
REASONS = {
    "UNKNOWN_ACTION": "{text}: unknown action field " + _ANY_ACTION,
    "NO_ID": f"missing id field (expected 1 to {MAX_ID} characters before the first colon)",
    "ENDS_IN_ACTION": "missing process field (expected a third colon, after the action)",
    "ENDS_EARLY": "missing action field (expected id:runlevels:action:process)",
    "NO_ACTION": "missing action field " + _ANY_ACTION,
    "LONG_ID": f"id field too long (max {MAX_ID} characters), this one has {{bytes}} bytes",
    "LONG_RUNLEVELS": f"rlevel field too long (max {MAX_RUNLEVELS} characters), this one has {{bytes}} bytes",
    "LONG_PROCESS": f"process field too long (max {{room}} characters), a line has up to {MAX_LINE} bytes",
    "LONG_ACTION": f"action field too long (max {MAX_ACTION} characters), this one has {{bytes}} bytes",
    "NUL": "NUL byte in the line (expected text)",
}
_RANK = {fault: rank for rank, fault in enumerate(REASONS)}
#: Tokens for missing fields: their span is empty, at the place where the field should be.
_ABSENT = ("NO_ID", "NO_ACTION", "ENDS_EARLY", "ENDS_IN_ACTION")


class Line(Value):
    """A line of an inittab: its text, without the newline, and its meaning."""

    number: int  # from 1
    text: str  # bytes that are not UTF-8 are surrogates, here and in the entry
    kind: str  # "blank", "comment", "entry" or "refused"
    entry: Entry | None = None  # if kind is "entry"
    problem: Problem | None = None  # if kind is "refused"


class Document(Value):
    """An inittab as written: the texts of its lines, joined by newlines, are the file."""

    file: str
    lines: tuple[Line, ...]
    final_newline: bool  # whether the file ends with one; False if it is empty

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that init accepts, in file order."""
        return tuple(line.entry for line in self.lines if line.entry)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the lines that init refuses, in file order."""
        return tuple(line.problem for line in self.lines if line.problem)


def parse(data: bytes, file: str, seen: dict[str, Entry] | None = None) -> Document:
    """Parse one file. Never fails: a malformed line is a problem.

    ``seen`` has the first entry of each id in the files parsed before; those of this file are added.
    """
    return Document(file, tuple(lines(data, file, {} if seen is None else seen)), data.endswith(b"\n"))


def lines(data: bytes, file: str, seen: dict[str, Entry]) -> Iterator[Line]:
    """Parse one file lazily: :func:`parse` for large files of which little is kept."""
    text = data.decode("latin-1")  # the grammar has a character for each byte
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start + _BLOCK) + 1 or len(text)
        block = text[start:end]
        for statement in _grammar.parse(block if block.endswith("\n") else block + "\n").children:
            for line in _lines_of(statement, file, number, seen):
                yield line
                number += 1
        start = end


def _lines_of(statement: Any, file: str, number: int, seen: dict[str, Entry]) -> Iterator[Line]:
    """Yield the line of an entry or a refused line, or a run of comments and blank lines."""
    if isinstance(statement, str):
        for at, text in enumerate(_decode(statement)[:-1].split("\n"), number):
            yield Line(at, text, "comment" if text.strip(BLANKS) else "blank")
        return
    tokens = statement.children
    text = _decode("".join(tokens))[:-1]
    if statement.data == "refused":
        yield Line(number, text, "refused", problem=_problem(tokens, file, number))
        return
    entry = _entry(tokens, file, number)
    first = seen.setdefault(entry.id, entry)
    if first is entry or entry.id == REPEATABLE_ID:
        yield Line(number, text, "entry", entry)
    else:
        yield Line(number, text, "refused", problem=_duplicate(entry, first))


def _entry(tokens: list[Any], file: str, number: int) -> Entry:
    entry_id, *fields = (_decode(token)[:-1] for token in tokens)
    stripped = entry_id.lstrip(BLANKS)
    return entry_of([stripped, *fields], len(entry_id) - len(stripped), file, number)


def entry_of(fields: list[str], indent: int, file: str, number: int) -> Entry:
    """Return the entry on a line of these four fields; ``indent``: characters before the first."""
    entry_id, runlevels, action, process = fields
    places = tuple(spans(fields, indent))
    return Entry(entry_id, runlevels, action.lower(), process, file, number, places)  # type: ignore[arg-type]


def spans(fields: list[str], indent: int) -> list[Span]:
    """Return the columns of the fields of a line; ``indent``: characters before the first."""
    ends = list(accumulate((len(field) + 1 for field in fields), initial=indent + 1))
    return [Span(start, end - 1) for start, end in pairwise(ends)]


def _duplicate(entry: Entry, first: Entry) -> Problem:
    where = f"line {first.line}" if first.file == entry.file else first.place
    reason = f'duplicate ID field "{printable(entry.id)}", the first one is in {where}'
    return Problem(entry.file, entry.line, reason, entry.spans[0] if entry.spans else None)


def _problem(tokens: list[Any], file: str, number: int) -> Problem:
    at = max(range(len(tokens)), key=lambda at: _RANK.get(tokens[at].type, -1))
    before, token = "".join(tokens[:at]), tokens[at]
    skipped, fault = _fault(token)
    start = len(_decode(before + skipped)) + 1
    text = _decode(fault)
    reason = REASONS[token.type].format(
        text=printable(text), bytes=len(fault), room=max(0, MAX_LINE - len(before))
    )
    return Problem(file, number, reason, Span(start, start + len(text)))


def _fault(token: Any) -> tuple[str, str]:
    """Return the text of a faulty token before the characters at fault, and these characters."""
    if token.type == "NUL":
        return token[: token.index("\0")], "\0"
    field = token[:-1] if token[-1] in ":\n" else token
    if token.type in _ABSENT:
        return field, ""
    if token.type == "LONG_ID":
        entry_id = field.lstrip(BLANKS)
        return field.removesuffix(entry_id), entry_id
    return "", field


def _decode(text: str) -> str:
    """Return the text of which the grammar has a character for each byte."""
    return str(text) if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
