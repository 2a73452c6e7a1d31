"""Text to a document, as each target reads it.

Our own init's reading is its own parser's. The others cannot be its grammar's affair: they cut lines where
ours does not, and BusyBox has another format. What is here was found by running the binaries
(tests/system/lint).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from sysvinit_py.inittab.entry import MAX_ACTION, MAX_ID, MAX_RUNLEVELS, REPEATABLE_ID, Entry, Problem
from sysvinit_py.inittab.parser import BLANKS, Document, Line, entry_of, parse, spans
from sysvinit_py.lint.finding import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysvinit_py.lint.targets import Target

    Read = Callable[[bytes, str, Target, dict[str, Entry]], Document]


def read(data: bytes, file: str, target: Target, seen: dict[str, Entry]) -> Document:
    """Read one file as the target would. ``seen`` has the ids of the files before it, and gets this one's."""
    return READERS[target.reader](data, file, target, seen)


def _ours(data: bytes, file: str, target: Target, seen: dict[str, Entry]) -> Document:
    return parse(data, file, seen)


def _c(data: bytes, file: str, target: Target, seen: dict[str, Entry]) -> Document:
    """C sysvinit: a line ends at a NUL too, and an overlong one is cut, or refused."""
    first_only = target.one_entry_a_tab and file.endswith(".tab")
    lines: list[Line] = []
    read_one, lost = False, ""
    for number, raw, finished in _raw_lines(data):
        unread, lost = lost, lost if first_only else ""
        if first_only and read_one:
            unread = "never read: this init takes one entry from a .tab file"
        elif not (unread or finished or first_only) and target.needs_newlines:
            unread = "never read: this init drops a last line that has no newline"
        line = _c_line(raw, finished, file, number, target, {} if unread else seen)
        if line.kind not in ("blank", "comment"):
            read_one = True
            if unread:
                line = Line(number, line.text, "refused", problem=Problem(file, number, unread))
        if target.needs_newlines and not unread:
            lost = _what_is_lost(raw, first_only, target)
        lines.append(line)
    return Document(file, tuple(lines), data.endswith(b"\n") or not data)


def _what_is_lost(raw: bytes, first_only: bool, target: Target) -> str:
    """Return why an init that does not see this line's newline drops what follows; else nothing."""
    if b"\0" in raw:
        return "never read: this init drops what follows a line with a NUL"
    if first_only and len(raw) > target.max_line:
        return f"never read: there is a comment of more than {target.max_line} bytes before it"
    return ""


def _c_line(
    raw: bytes, finished: bool, file: str, number: int, target: Target, seen: dict[str, Entry]
) -> Line:
    text = _decode(raw)
    is_comment = raw[: target.max_line + 1].lstrip(BLANKS.encode()).startswith(b"#")
    if len(raw) > target.max_line and not (target.needs_newlines and is_comment):
        then = "it is refused" if target.needs_newlines else "the rest is read as a line of its own"
        reason = f"line too long (max {target.max_line} bytes), this one has {len(raw)}: {then}"
        return Line(number, text, "refused", problem=Problem(file, number, reason))
    if is_comment:
        return Line(number, text, "comment")
    seen_part, nul, _ = raw.partition(b"\0")
    body = seen_part.lstrip(BLANKS.encode())
    if nul and target.needs_newlines and not file.endswith(".tab"):
        return Line(number, text, "refused", problem=Problem(file, number, "NUL byte in the line"))
    if not body and not nul and finished:
        return Line(number, text, "blank")
    # C splits before it drops the newline, so that of an incomplete line it counts in the last field.
    newline = b"\n" if finished and not nul else b""
    fields = (body + newline).split(b":", 3)
    if len(fields) == 4:
        fields[3] = fields[3].removesuffix(newline)
    fault = _c_fault(fields, target)
    indent = len(seen_part) - len(body)
    decoded = [_decode(field) for field in fields]
    if fault:
        reason, at = fault
        span = spans(decoded, indent)[at] if at < len(fields) else None
        return Line(number, text, "refused", problem=Problem(file, number, reason, span))
    entry = entry_of(decoded, indent, file, number)
    first = seen.setdefault(entry.id, entry)
    if first is not entry and entry.id != REPEATABLE_ID:
        assert entry.spans
        reason = f'duplicate ID field "{printable(entry.id)}"'
        return Line(number, text, "refused", problem=Problem(file, number, reason, entry.spans[0]))
    return Line(number, text, "entry", entry=entry)


def _c_fault(fields: list[bytes], target: Target) -> tuple[str, int] | None:
    """Why these are no entry, and which of them is at fault: of several, C names the last in this order."""
    entry_id, runlevels, action, process = (*fields, b"", b"", b"")[:4]
    faults = (
        (not entry_id, "missing id field", 0),
        (len(fields) < 2, "missing runlevel field", 1),
        (len(fields) < 4, "missing process field", 3),
        (not action, "missing action field", 2),
        (len(entry_id) > MAX_ID, f"id field too long (max {MAX_ID} characters)", 0),
        (len(runlevels) > MAX_RUNLEVELS, f"rlevel field too long (max {MAX_RUNLEVELS} characters)", 1),
        (
            len(process) > target.max_process,
            f"process field too long (max {target.max_process} characters)",
            3,
        ),
        (len(action) > MAX_ACTION, "action field too long", 2),
    )
    for broken, reason, at in reversed(faults):
        if broken:
            return reason, at
    if _decode(action.lower()) not in target.actions:
        return f"{printable(_decode(action))}: unknown action field", 2
    return None


class JoinedLine(Line):
    """What BusyBox joins from several lines: the number is the first one's, the text has no backslashes."""

    written: tuple[str, ...] = ()  # the lines as they are in the file
    starts: tuple[int, ...] = ()  # the column of the text at which each of them begins

    def goes_on(self, column: int) -> bool:
        """Return whether there is another line after the one in which a column of the text stands."""
        return bisect_right(self.starts, column) < len(self.starts)

    def place(self, start: int, end: int) -> tuple[int, int, int, str]:
        """Return where a piece of the text stands: the line's number, its columns there, and that line.

        Of a piece that goes on in the next line it is the beginning.
        """
        at = bisect_right(self.starts, start) - 1
        line = self.written[at]
        if start > len(self.text):  # behind all, a last backslash too
            return self.number + at, len(line) + 1, len(line) + 1, line
        before = self.starts[at] - 1
        return self.number + at, start - before, min(end - before, len(line.removesuffix("\\")) + 1), line


def _busybox(data: bytes, file: str, target: Target, seen: dict[str, Entry]) -> Document:
    """BusyBox: a # ends the line wherever it stands, a backslash at its end joins the next one to it."""
    lines: list[Line] = []
    first, held = 1, list[bytes]()
    for number, raw, _ in _raw_lines(data):
        held.append(raw)
        if not raw.endswith(b"\\"):
            lines.append(_busybox_line(held, first, file, target))
            first, held = number + 1, []
    if held:
        lines.append(_busybox_line(held, first, file, target))
    return Document(file, tuple(lines), data.endswith(b"\n") or not data)


def _busybox_line(held: list[bytes], number: int, file: str, target: Target) -> Line:
    """Take lines that are joined for one; ``number`` is that of the first."""
    written = tuple(_decode(raw) for raw in held)
    pieces = [line.removesuffix("\\") for line in written]
    text = "".join(pieces)
    meaning = _busybox_meaning(text, file, number, target)
    if written == (text,):
        return Line(number, text, *meaning)
    starts = accumulate((len(piece) for piece in pieces[:-1]), initial=1)
    return JoinedLine(number, text, *meaning, written, tuple(starts))


def _busybox_meaning(
    text: str, file: str, number: int, target: Target
) -> tuple[str, Entry | None, Problem | None]:
    """Return a line's kind, and its entry, or what is wrong with it."""
    text = text.partition("\0")[0]
    fields = text.partition("#")[0].split(":", 3)
    if fields == [""]:
        return "comment" if text else "blank", None, None
    _, _, action, process = (*fields, "", "", "")[:4]
    span = None
    if not action:
        reason = "missing action field"
    elif action not in target.actions:
        reason, span = f"{printable(action)}: unknown action field", spans(fields, 0)[2]
    elif not process:
        reason = "missing process field"
    else:
        return "entry", entry_of(fields, 0, file, number), None
    return "refused", None, Problem(file, number, reason, span)


READERS: dict[str, Read] = {"ours": _ours, "c": _c, "busybox": _busybox}


def _raw_lines(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Every line's number, its bytes without the newline, and whether it had one."""
    raw = data.split(b"\n")
    unfinished = raw.pop()
    for number, line in enumerate(raw, 1):
        yield number, line, True
    if unfinished:
        yield len(raw) + 1, unfinished, False


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
