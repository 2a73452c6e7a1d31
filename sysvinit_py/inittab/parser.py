"""Text to a document: every line of an inittab, as an entry or with the reason why it is none.

``grammar/inittab.lark`` says what a line may be, ``_grammar.py`` is the parser generated from it. Here its tokens
become values, and the one rule that concerns more than a line is kept: an id stands once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sysvinit_py.inittab._grammar import Lark_StandAlone
from sysvinit_py.inittab.entry import (
    ACTIONS,
    MAX_ACTION,
    MAX_ID,
    MAX_LINE,
    MAX_RUNLEVELS,
    REPEATABLE_ID,
    Entry,
    Problem,
    Span,
)
from sysvinit_py.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

_grammar = Lark_StandAlone()

BLANKS = " \t"

#: What is wrong where the grammar finds such a token. Of several in a line the last one in this order is named.
REASONS = {
    "UNKNOWN_ACTION": "{text}: unknown action field (expected one of {actions})",
    "NO_ID": "missing id field (expected 1 to {max_id} characters before the first colon)",
    "ENDS_IN_ACTION": "missing process field (expected a third colon, after the action)",
    "ENDS_EARLY": "missing action field (expected id:runlevels:action:process)",
    "NO_ACTION": "missing action field (expected one of {actions})",
    "LONG_ID": "id field too long (max {max_id} characters), this one has {bytes} bytes",
    "LONG_RUNLEVELS": "rlevel field too long (max {max_runlevels} characters), this one has {bytes} bytes",
    "LONG_PROCESS": "process field too long (max {max_process} characters), as a line has up to {max_line} bytes",
    "LONG_ACTION": "action field too long (max {max_action} characters), this one has {bytes} bytes",
    "NUL": "NUL byte in the line (expected text)",
}
_RANK = {fault: rank for rank, fault in enumerate(REASONS)}
#: Tokens for something that is not there: their span is the empty one at the place where it should be.
ABSENT = ("NO_ID", "NO_ACTION", "ENDS_EARLY", "ENDS_IN_ACTION")


class Line(Value):
    """One line of an inittab: its text, without the newline, and what it means."""

    number: int  # from 1
    text: str  # bytes that are no UTF-8 are surrogates, as in all values made from it
    kind: str  # "blank", "comment", "entry" or "refused"
    entry: Entry | None = None  # of an entry
    problem: Problem | None = None  # of a refused line


class Document(Value):
    """An inittab as it is written: the texts of the lines and the newlines between them are the file."""

    file: str
    lines: tuple[Line, ...]
    final_newline: bool  # whether the last line ends with one; True for an empty file

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What init would run, in file order."""
        return tuple(line.entry for line in self.lines if line.entry is not None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What init would refuse, in file order."""
        return tuple(line.problem for line in self.lines if line.problem is not None)


def parse(data: bytes, file: str, seen: dict[str, Entry] | None = None) -> Document:
    """Read one inittab. Never fails: what is no entry becomes a problem.

    ``seen`` holds the first entry of each id in the files read before, and gets those of this one.
    """
    final_newline = data.endswith(b"\n") or not data
    text = data.decode("latin-1")
    tree = _grammar.parse(text if final_newline else text + "\n")
    lines = tuple(_lines(tree, file, {} if seen is None else seen))
    return Document(file, lines, final_newline)


def _lines(tree: Any, file: str, seen: dict[str, Entry]) -> Iterator[Line]:
    number = 1
    for node in tree.children:
        if isinstance(node, str):  # SKIPPED: comments and blank lines
            for text in _decode(node).split("\n")[:-1]:
                yield Line(number, text, "comment" if text.strip(BLANKS) else "blank")
                number += 1
            continue
        tokens = node.children
        text = _decode("".join(tokens))[:-1]
        if node.data == "entry":
            entry = _entry(tokens, file, number)
            first = seen.setdefault(entry.id, entry)
            if first is entry or entry.id == REPEATABLE_ID:
                yield Line(number, text, "entry", entry=entry)
            else:
                yield Line(number, text, "refused", problem=_duplicate(entry, first))
        else:
            yield Line(number, text, "refused", problem=_problem(tokens, file, number))
        number += 1


def _entry(tokens: list[Any], file: str, number: int) -> Entry:
    fields = [_decode(token)[:-1] for token in tokens]
    spans = []
    column = 1
    for field in fields:
        spans.append(Span(column, column + len(field)))
        column += len(field) + 1
    name = fields[0].lstrip(BLANKS)
    spans[0] = Span(spans[0].end - len(name), spans[0].end)
    _, runlevels, action, process = fields
    return Entry(name, runlevels, action.lower(), process, file, number, tuple(spans))  # type: ignore[arg-type]


def _duplicate(entry: Entry, first: Entry) -> Problem:
    assert entry.spans
    where = f"line {first.line}" if first.file == entry.file else f"{first.file}, line {first.line}"
    reason = f'duplicate ID field "{_printable(entry.id)}", first in {where}'
    return Problem(entry.file, entry.line, reason, entry.spans[0])


def _problem(tokens: list[Any], file: str, number: int) -> Problem:
    at = max(range(len(tokens)), key=lambda i: _RANK.get(tokens[i].type, -1))
    fault, before = tokens[at], "".join(tokens[:at])
    blanks, field = _field_at_fault(fault)
    start = len(_decode(before + blanks)) + 1
    reason = REASONS[fault.type].format(
        text=_printable(_decode(field)),
        bytes=len(field),
        actions=", ".join(ACTIONS),
        max_id=MAX_ID,
        max_runlevels=MAX_RUNLEVELS,
        max_action=MAX_ACTION,
        max_line=MAX_LINE,
        max_process=max(0, MAX_LINE - len(before)),
    )
    return Problem(file, number, reason, Span(start, start + len(_decode(field))))


def _field_at_fault(token: Any) -> tuple[str, str]:
    """What stands in a faulty token before the characters at fault, and these."""
    if token.type == "NUL":
        return token.partition("\0")[:2]  # type: ignore[no-any-return]
    text = token[:-1] if token.endswith((":", "\n")) else token
    if token.type in ABSENT:
        return text, ""
    if token.type == "LONG_ID":
        field = text.lstrip(BLANKS)
        return text.removesuffix(field), field
    return "", text


def _decode(token: str) -> str:
    """The text that a token's bytes stand for: the grammar has a character for each byte."""
    return str(token) if token.isascii() else token.encode("latin-1").decode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    """Text fit for a console, whatever bytes it came from."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
