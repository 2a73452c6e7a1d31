"""Parsing without the grammar, for files of which every line is plain; PID 1 does this itself.

A plain line is blank, a comment without a fault, or an entry that breaks no rule. If any line is not plain,
all files are left to the grammar, in a process of its own. So this module only splits and compares, and has
no messages.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import (
    MAX_ID,
    MAX_LINE,
    MAX_RUNLEVELS,
    NO_OPTIONS,
    REPEATABLE_ID,
    Entry,
    FileOptions,
    Reading,
    with_single_user_shell,
)
from sysvinit_py.inittab.options import Comments, mark_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sysvinit_py.inittab.sources import Source

#: Bytes in all sources together that PID 1 parses between two events.
MAX_BYTES = 64 << 10
#: Lines to parse between two pauses: about half a millisecond.
_A_FEW = 100

_ACTIONS = {action.encode(): action for action in ACTIONS}
_BLANKS = b" \t"
_MARK = "\ufeff".encode()
#: A part of each comment with options.
_OPTIONS = b"inittab"


def read(sources: Sequence[Source], pause: Callable[[], object] = lambda: None) -> Reading | None:
    """Return the reading of plain sources; None if they are not plain.

    ``pause`` is called regularly while there are many lines, for work that cannot wait.
    """
    if sum(len(source.data) for source in sources) > MAX_BYTES:
        return None
    entries: list[Entry] = []
    ids: set[str] = set()
    files: list[tuple[str, FileOptions]] = []
    for source in sources:
        if source.error or b"\0" in source.data or source.data.startswith(_MARK):
            return None
        comments, before = None, len(entries)
        for number, line in enumerate(source.data.split(b"\n"), 1):
            if number % _A_FEW == 0:
                pause()
            fields = line.lstrip(_BLANKS)
            if not fields or fields.startswith(b"#"):
                if _OPTIONS in fields and mark_of(_text(line)):
                    comments = comments or Comments(source.path, len(entries) > before)
                    if any(comments.take(number, _text(line))):
                        return None
                continue
            entry = _entry(fields, source.path, number) if len(line) <= MAX_LINE else None
            if entry is None or (entry.id in ids and entry.id != REPEATABLE_ID):
                return None
            ids.add(entry.id)
            entries.append(comments.bind(entry) if comments else entry)
        if comments and any(comments.unbound()):
            return None
        if comments and comments.of_file.text:
            files.append((source.path, comments.of_file))
    return Reading(with_single_user_shell(entries), files=tuple(files))


def _entry(line: bytes, file: str, number: int) -> Entry | None:
    """Return the entry on a line without leading whitespace, or None if it breaks a rule."""
    entry_id, _, rest = line.partition(b":")
    runlevels, _, rest = rest.partition(b":")
    action, colon, process = rest.partition(b":")
    name = _ACTIONS.get(action.lower())
    if not colon or not 0 < len(entry_id) <= MAX_ID or len(runlevels) > MAX_RUNLEVELS or name is None:
        return None
    return Entry(_text(entry_id), _text(runlevels), name, _text(process), file, number, None, NO_OPTIONS)


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
