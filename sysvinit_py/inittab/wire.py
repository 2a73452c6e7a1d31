"""Serialization of a reading, for the pipe from the process that parses inittab to PID 1.

Fields are text, separated by NUL, which no field can contain: a header with the version of this format, the
flags and the counts, then the entries, the problems, the options of comments, and a trailer. Spans are not
sent, as PID 1 does not use them.
"""

from __future__ import annotations

from sys import intern

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry, FileOptions, Problem, Reading
from sysvinit_py.inittab.options import ENTRY_MARK, FILE_MARK, Comments

_HEADER = "inittab reading 1"
_TRAILER = "end of reading"
_PROBLEM = ("file", "line", "reason")
#: The number of fields of an entry.
_WIDTH = 6
_FLAGS = {"yes": True, "no": False}
#: Entries to build between two pauses: about a millisecond.
_A_FEW = 250

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def encode(reading: Reading) -> bytes:
    """Serialize a reading for :func:`decode`."""
    entries, problems = reading.entries, reading.problems
    flags = ["yes" if flag else "no" for flag in (reading.missing, reading.unreadable)]
    fields = [_HEADER, *flags, len(entries), len(problems)]
    # One f-string an entry, for speed: there may be many, and PID 1 publishes them.
    fields += [f"{e.id}\0{e.runlevels}\0{e.action}\0{e.process}\0{e.file}\0{e.line}" for e in entries]
    fields += [getattr(problem, name) for problem in problems for name in _PROBLEM]
    for at, entry in enumerate(entries):
        if entry.options.text:
            fields += [ENTRY_MARK, at, entry.options.text]
    for path, options in reading.files:
        fields += [FILE_MARK, path, options.text]
    fields.append(_TRAILER)
    return "\0".join(map(str, fields)).encode("utf-8", "surrogateescape")


def decode(data: bytes, pause: Callable[[], object] = lambda: None) -> Reading:
    """Return the reading that :func:`encode` serialized. Raises ValueError if it is truncated or damaged.

    ``pause`` is called regularly while there are many entries, for work that cannot wait.
    """
    fields = data.decode("utf-8", "surrogateescape").split("\0")
    if len(fields) < 6 or fields[0] != _HEADER or fields[-1] != _TRAILER:
        raise ValueError("not a reading, or truncated")
    pause()
    _, missing, unreadable, entry_count, problem_count, *body = fields[:-1]
    middle = int(entry_count) * _WIDTH
    end = middle + int(problem_count) * len(_PROBLEM)
    if not 0 <= middle <= end <= len(body) or {missing, unreadable} - set(_FLAGS):
        raise ValueError("the counts of the reading are wrong")
    # Built from columns: a loop over the entries would take PID 1 twice as long.
    ids, runlevels, actions, processes, files, lines = (body[i:middle:_WIDTH] for i in range(_WIDTH))
    if not set(actions) <= set(ACTIONS):
        raise ValueError("an entry of the reading has an unknown action")
    shared = map(intern, runlevels), map(intern, actions)
    pause()
    built = map(Entry, ids, *shared, processes, map(intern, files), map(int, lines))
    entries: list[Entry] = []
    while few := [entry for _, entry in zip(range(_A_FEW), built, strict=False)]:
        entries += few
        pause()
    files, lines, reasons = (body[i : end : len(_PROBLEM)] for i in range(middle, middle + len(_PROBLEM)))
    problems = map(Problem, files, map(int, lines), reasons)
    of_files = _bind(entries, body[end:], pause)
    return Reading(tuple(entries), tuple(problems), _FLAGS[missing], _FLAGS[unreadable], of_files)


def _bind(
    entries: list[Entry], fields: list[str], pause: Callable[[], object]
) -> tuple[tuple[str, FileOptions], ...]:
    """Set the options of the entries; return those of files."""
    files = []
    for at in range(0, len(fields), 3):
        mark, where, text = (*fields[at : at + 3], "", "")[:3]
        comments = Comments(where)
        if mark not in (ENTRY_MARK, FILE_MARK) or any(comments.take(0, f"#{mark}:{text}")):
            raise ValueError("invalid options in the reading")
        if mark == FILE_MARK:
            files.append((where, comments.of_file))
            continue
        number = int(where)
        if not 0 <= number < len(entries):
            raise ValueError("options for an entry that is not in the reading")
        entries[number] = comments.bind(entries[number])
        pause()
    return tuple(files)
