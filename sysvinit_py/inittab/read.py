"""Files to a reading: inittab, then every ``*.tab`` of inittab.d, whatever is found in their places.

Nothing here waits for a file that is none, and nothing is read without end.
"""

from __future__ import annotations

import os
from errno import EFBIG, EINVAL
from stat import S_ISREG

from sysvinit_py.inittab.entry import EVENT_ACTIONS, SULOGIN, Entry, Problem, Reading
from sysvinit_py.inittab.parser import lines

INITTAB = "/etc/inittab"
DIRECTORY = "/etc/inittab.d"

#: How many bytes all files together may have.
MAX_BYTES = 4 << 20

#: How many refused lines are worth saying why; a file that is no inittab at all can have millions.
MAX_REFUSED = 100

#: The actions that can start something in level S; the others do so at boot, in digit levels, or never.
_STARTED_IN_S = ("wait", "once", "respawn", *EVENT_ACTIONS)


def read(inittab: str = INITTAB, directory: str = DIRECTORY) -> Reading:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names.

    Never fails: a file that cannot be read is a problem with line 0.
    """
    reader = _Reader()
    reader.read_main(inittab)
    reader.read_directory(directory)
    return reader.reading()


class _Reader:
    """What the files read so far say."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._problems: list[Problem] = []
        self._refused = 0
        self._missing = self._unreadable = False
        self._seen: dict[str, Entry] = {}
        self._left = MAX_BYTES

    def read_main(self, path: str) -> None:
        try:
            self._read_file(path)
        except FileNotFoundError:
            self._missing = True
            self._problems.append(Problem("", 0, "No inittab file found"))
        except OSError as error:
            self._cannot_read(path, error)

    def read_directory(self, directory: str) -> None:
        """Read its tab files; hidden ones are none, as for a shell's ``*.tab``. It need not be there."""
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            self._cannot_read(directory, error)
            return
        for name in sorted(names, key=os.fsencode):
            if name.endswith(".tab") and not name.startswith("."):
                path = os.path.join(directory, name)
                try:
                    self._read_file(path)
                except OSError as error:
                    self._cannot_read(path, error)

    def reading(self) -> Reading:
        if self._refused > MAX_REFUSED:
            more = self._refused - MAX_REFUSED
            self._problems.append(Problem("", 0, f"{more} more lines of inittab are refused"))
        if not any(map(_starts_in_s, self._entries)):
            self._entries.append(SULOGIN)
        return Reading(tuple(self._entries), tuple(self._problems), self._missing, self._unreadable)

    def _read_file(self, path: str) -> None:
        data = _contents(path, self._left)
        self._left -= len(data)
        for line in lines(data, path, self._seen):
            if line.entry:
                self._entries.append(line.entry)
            elif line.problem:
                self._refused += 1
                if self._refused <= MAX_REFUSED:
                    self._problems.append(line.problem)

    def _cannot_read(self, path: str, error: OSError) -> None:
        self._unreadable = True
        self._problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))


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
