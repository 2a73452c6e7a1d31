"""The state of an init that publishes none, as far as utmp and /proc have it."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
from stat import S_ISREG

from sysvinit_py.protocol import utmp
from sysvinit_py.report.item import Item
from sysvinit_py.report.slots import start_time
from sysvinit_py.report.states import STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UTMP = "/run/utmp"
_MAX_BYTES = 4 << 20
#: A record with another level was not written by an init.
_LEVELS = "0123456789S"
_RUNNING = (utmp.INIT_PROCESS, utmp.LOGIN_PROCESS, utmp.USER_PROCESS)


def records(path: str = UTMP) -> list[utmp.Record]:
    """Return the records of utmp; none if there is no such file."""
    try:
        handle = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_NOCTTY)
    except OSError:
        return []
    with open(handle, "rb") as file:
        if not S_ISREG(posix.fstat(handle).st_mode):
            return []
        content = file.read(_MAX_BYTES)
    return [utmp.unpack(content, at) for at in range(0, len(content) - utmp.SIZE + 1, utmp.SIZE)]


def levels(found: list[utmp.Record]) -> tuple[str | None, str]:
    """Return the level, and the one before."""
    for record in found:
        if record.type == utmp.RUN_LVL:
            level, before = (chr(record.pid >> shift & 0xFF) for shift in (0, 8))
            return level if level in _LEVELS else None, before if before in _LEVELS else "N"
    return None, "N"


def items(found: list[utmp.Record], offset: float) -> Iterator[Item]:
    """Yield the entries in utmp: those that run, and those that have ended with an unknown status."""
    for record in found:
        if record.type in _RUNNING and (process := _process(record.pid)):
            began, command = process
            yield Item(record.id, "", "", STATES["running"], record.pid, began + offset, command=command)
        elif record.id and record.type in (*_RUNNING, utmp.DEAD_PROCESS):
            since = record.seconds + record.microseconds / 1e6 if record.type == utmp.DEAD_PROCESS else None
            yield Item(record.id, "", "", STATES["done"], since=since)


def _process(pid: int) -> tuple[float, str] | None:
    """Return when the process began, on CLOCK_BOOTTIME, and its command line; or None."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            began = start_time(file.read()) / posix.sysconf("SC_CLK_TCK")
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(4096).rstrip(b"\0").split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return began, b" ".join(words).decode("utf-8", "surrogateescape")
