"""Files to a reading: inittab, then every ``*.tab`` of inittab.d, whatever is found in their places.

Nothing here waits for a file that is none, and nothing is read without end.
"""

from __future__ import annotations

import os
from errno import EFBIG, EINVAL
from stat import S_ISREG

from sysvinit_py.inittab.entry import EVENT_ACTIONS, Entry, Problem, Reading
from sysvinit_py.inittab.parser import lines

INITTAB = "/etc/inittab"
DIRECTORY = "/etc/inittab.d"

#: How many bytes all files together may have.
MAX_BYTES = 4 << 20

#: How many refused lines are worth saying why; a file that is no inittab at all can have millions.
MAX_REFUSED = 100

#: Added where no entry can start in level S, so that single user mode has a shell (SPEC chapter 1).
SULOGIN = Entry("~~", "S", "wait", "/sbin/sulogin")
#: The actions that can start something in level S; the others do so at boot, in digit levels, or never.
_STARTED_IN_S = ("wait", "once", "respawn", *EVENT_ACTIONS)


def read(inittab: str = INITTAB, directory: str = DIRECTORY) -> Reading:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names.

    Never fails: a file that cannot be read is a problem with line 0.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    refused = 0
    missing = unreadable = False
    seen: dict[str, Entry] = {}
    left = MAX_BYTES
    for path in (inittab, *_tab_files(directory)):
        try:
            data = _contents(path, left)
        except OSError as error:
            if path == inittab and isinstance(error, FileNotFoundError):
                missing = True
                problems.append(Problem("", 0, "No inittab file found"))
            else:
                unreadable = True
                problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))
            continue
        left -= len(data)
        for line in lines(data, path, seen):
            if line.entry:
                entries.append(line.entry)
            elif line.problem:
                refused += 1
                if refused <= MAX_REFUSED:
                    problems.append(line.problem)
    if refused > MAX_REFUSED:
        problems.append(Problem("", 0, f"{refused - MAX_REFUSED} more lines of inittab are refused"))
    if not any(map(_starts_in_s, entries)):
        entries.append(SULOGIN)
    return Reading(tuple(entries), tuple(problems), missing, unreadable)


def _tab_files(directory: str) -> list[str]:
    """The tab files of a directory, hidden ones left out; the directory itself if it cannot be listed."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError:
        return [directory]  # reading it will say why
    tabs = [name for name in names if name.endswith(".tab") and not name.startswith(".")]
    return [os.path.join(directory, name) for name in sorted(tabs, key=os.fsencode)]


def _contents(path: str, limit: int) -> bytes:
    """The bytes of a regular file; OSError if it is none, or has more than ``limit``, or cannot be read."""
    # Without O_NONBLOCK, opening a FIFO would wait for a writer.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not S_ISREG(os.fstat(fd).st_mode):
            raise OSError(EINVAL, "not a regular file")
        data = bytearray()
        while chunk := os.read(fd, limit + 1 - len(data)):
            data += chunk
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(EFBIG, f"too big (all files together may have {MAX_BYTES} bytes)")
    return bytes(data)


def _starts_in_s(entry: Entry) -> bool:
    return entry.action in _STARTED_IN_S and "S" in entry.levels and bool(entry.command)
