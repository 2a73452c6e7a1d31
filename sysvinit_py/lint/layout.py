"""How an inittab is laid out: what can be changed in its bytes, and says the same to the init.

In an entry whitespace belongs to the fields, so columns cannot be aligned. Each line is laid out by itself,
as its kind allows; then all is read again and compared.
"""

from __future__ import annotations

from itertools import zip_longest

from sysvinit_py.inittab.entry import LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.inittab.options import Comments
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.inittab import ACTION, RUNLEVELS
from sysvinit_py.lint.reading import JoinedLine, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.inittab.parser import Document, Line
    from sysvinit_py.lint.targets import Target

_CR = "\r"
#: Runlevels are put in this order, if they consist of nothing else.
_ORDER = LEVELS + ON_DEMAND_LEVELS


class MeaningError(Exception):
    """The init would no longer read the same; the message says in which line."""


def formatted(data: bytes, target: Target) -> bytes:
    """Return an inittab in the common layout. Raises MeaningError if the target would read something else."""
    before = read(data, "", target, {})
    after = "\n".join(_lines(before, target)).encode("utf-8", "surrogateescape")
    if after != data:
        _compare(before, read(after, "", target, {}), target)
    return after


def kept_returns(data: bytes, target: Target) -> int:
    """Return how many lines keep the CR at their end, which is a part of what init reads there."""
    lines = read(data, "", target, {}).lines if b"\r" in data else ()
    return sum(line.kind in ("entry", "refused") and line.text.endswith(_CR) for line in lines)


def _lines(document: Document, target: Target) -> Iterator[str]:
    """Yield the lines, of several blank ones one, and none at the beginning and the end."""
    begun = blank = False
    for line in document.lines:
        if line.kind == "blank" and not isinstance(line, JoinedLine):
            blank = True
            continue
        if blank and begun:
            yield ""
        yield from _laid_out(line, target)
        begun, blank = True, False
    if begun and (document.final_newline or blank or _can_be_finished(document.lines[-1], target)):
        yield ""


def _can_be_finished(line: Line, target: Target) -> bool:
    """Return whether the last line is still the same if it ends with a newline."""
    return line.kind != "refused" or target.reader == "ours"


def _laid_out(line: Line, target: Target) -> tuple[str, ...]:
    if isinstance(line, JoinedLine):
        return line.written
    if line.kind == "refused" or "\0" in line.text:
        return (line.text,)
    return (_entry(line.entry, line.text, target) if line.entry else _comment(line.text),)


def _comment(text: str) -> str:
    """Return a comment without whitespace around it, unless it would then end in what has a meaning there."""
    body = text.removesuffix(_CR).rstrip(BLANKS)
    return text if body.endswith((_CR, "\\")) else body.lstrip(BLANKS)


def _entry(entry: Entry, text: str, target: Target) -> str:
    if not target.sysv:
        return text
    fields = [text[span.start - 1 : span.end - 1] for span in entry.spans or ()]
    fields[RUNLEVELS] = _runlevels(fields[RUNLEVELS], target)
    fields[ACTION] = entry.action
    return ":".join(fields)


def _runlevels(text: str, target: Target) -> str:
    levels = {*(text.replace("s", "S") if target.small_s else text)}
    return "".join(sorted(levels, key=_ORDER.index)) if levels <= {*_ORDER} else text


def _compare(before: Document, after: Document, target: Target) -> None:
    for (number, one), (_, other) in zip_longest(
        _meaning(before, target), _meaning(after, target), fillvalue=(0, ())
    ):
        if one != other:
            raise MeaningError(f"{target.name} would no longer read the same in line {number}")


def _meaning(document: Document, target: Target) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Yield the number of each line that is not blank, and what it says; but not what follows from that."""
    comments = Comments("")
    for line in document.lines:
        if line.entry:
            entry = comments.bind(line.entry)
            levels = frozenset(entry.levels if target.small_s else entry.runlevels)
            yield line.number, (entry.id, levels, entry.action, entry.process, entry.options)
        elif line.kind == "refused":
            comments.skip()
            yield line.number, ("refused", line.text)
        elif line.kind == "comment":
            faults = tuple(problem.reason for problem in comments.take(line.number, line.text))
            yield line.number, ("comment", line.text.strip(BLANKS + _CR), faults)
    unbound = tuple(problem.reason for problem in comments.unbound())
    yield document.lines[-1].number if document.lines else 0, (unbound, comments.of_file)
