"""Going on with processes whose supervisor was killed.

Beside status, ``supervise/lock`` names the process so that no other can be taken for it: the boot, between
which times it was started, the pipe to the logger, and its first status. It is written before status, over
what was there, so it needs no space on a disk. Where C's runsv was, status alone has to do: the process that
it names must have been started at its time, or be in the folder.
"""

from __future__ import annotations

from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.linux.proc import TICKS, contents, start_time
from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, UP, Status, decode, encode
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysvinit_py.services.folder import Folder

    Times = tuple[int, int]  # in clock ticks since the boot: it was then, or between the two

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_SECOND = 10**9
#: Nanoseconds between the start of a process and the time in its status, with C's runsv.
_TOLERANCE = _SECOND


class Found(Value):
    """What a killed supervisor has left: its last word, and the inode of its pipe to the logger, or 0."""

    status: Status
    started: Times
    pipe: int
    alive: bool  # the process


def boot() -> bytes:
    """Return the id of the boot; it is not empty."""
    try:
        return contents(_BOOT_ID).strip().encode()
    except FileNotFoundError:
        return b"-"


def ticks(seconds: float) -> int:
    """Return a time since the boot in clock ticks."""
    return int(seconds * TICKS)


def record(boot_id: bytes, status: Status, started: Times, pipe: int) -> bytes:
    """Return what ``supervise/lock`` says while a process, or none if its pid is 0, has this status."""
    return b"%s %d %d %d %s\n" % (boot_id, *started, pipe, encode(status).hex().encode())


def find(folder: Folder, boot_id: bytes) -> Found | None:
    """Return what a killed supervisor has left; None: nothing that is to be gone on with. Raises OSError."""
    last = told(folder)
    try:
        boot_then, *numbers, noted = folder.record().split()
        first, latest, pipe = map(int, numbers)
        status = decode(bytes.fromhex(noted.decode()))
    except ValueError:  # C's runsv was there, or it is damaged
        return _found_by_status(folder, last) if last and last.state == RUN else None
    if boot_then != boot_id:
        return None
    if last and last.pid == status.pid:  # or it was killed before it wrote that, or the disk was full
        status = last
    alive = status.pid > 0 and 0 < first <= start_time(status.pid) <= latest
    return Found(status, (first, latest), pipe, alive)


def told(folder: Folder) -> Status | None:
    """Return what status says; None if it is damaged. Raises OSError."""
    try:
        status = decode(folder.read("supervise/status"))
    except ValueError:
        return None
    is_whole = status.want in (UP, NOT_UP) and status.state <= FINISH
    return status if is_whole and (status.state > DOWN) >= (status.pid > 0) else None


def _found_by_status(folder: Folder, status: Status) -> Found | None:
    pid = status.pid
    start = start_time(pid)
    runs_since = abs(_started_at(start) - status.since) < _TOLERANCE
    if not start or not (runs_since or _is_in(pid, folder.fd)):
        return None
    return Found(status, (start, start), _pipe_at(pid, 1) or _pipe_at(pid, 0), True)


def _started_at(start: int) -> int:
    """Return clock ticks since the boot in nanoseconds since 1970."""
    boot_time = calls.clock_gettime_ns(calls.CLOCK_REALTIME) - calls.clock_gettime_ns(calls.CLOCK_BOOTTIME)
    return boot_time + start * _SECOND // TICKS


def _is_in(pid: int, folder: int) -> bool:
    """Return whether a folder is a process's current directory; the clock may have been set since."""
    try:
        there, ours = calls.stat(f"/proc/{pid}/cwd"), calls.fstat(folder)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _pipe_at(pid: int, number: int) -> int:
    """Return the inode of the pipe at a descriptor of a process; 0 if it is not a pipe."""
    try:
        status = calls.stat(f"/proc/{pid}/fd/{number}")
    except OSError:
        return 0
    return status.st_ino if S_ISFIFO(status.st_mode) else 0


def reopen(pipe: int, places: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """Return both ends of a pipe that a process still has, at one of these descriptors of pids."""
    for pid, number in places:
        if not pipe or _pipe_at(pid, number) != pipe:
            continue
        path = f"/proc/{pid}/fd/{number}"
        try:
            both = calls.open(path, calls.O_RDWR | calls.O_CLOEXEC)  # which waits for nobody
            try:
                if calls.fstat(both).st_ino == pipe:
                    ends = (calls.O_RDONLY, calls.O_WRONLY)
                    read, write = (calls.open(path, end | calls.O_CLOEXEC) for end in ends)
                    return read, write
            finally:
                calls.close(both)
        except OSError:
            pass
    return None
