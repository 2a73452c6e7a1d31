"""Going on with processes whose supervisor was killed.

Beside status, ``supervise/process`` names the process so that no other can be taken for it: the boot, the
pid, when it was started, and the pipe to the logger. Where C's runsv was, status alone has to do: the process
that it names must have been started at its time.
"""

from __future__ import annotations

import posix
from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, UP, Status, decode
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysvinit_py.services.folder import Folder

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_SECOND = 10**9
#: Nanoseconds between the start of a process and the time in its status, with C's runsv.
_TOLERANCE = _SECOND
_TICKS: int = posix.sysconf("SC_CLK_TCK")


class Found(Value):
    """What a killed supervisor has left: its last word, and the inode of its pipe to the logger, or 0."""

    status: Status
    pipe: int
    alive: bool  # the process


def _read(path: str) -> bytes:
    try:
        fd = calls.open(path, calls.O_RDONLY | calls.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return calls.read(fd, 4096)
    except OSError:
        return b""
    finally:
        calls.close(fd)


def _start_time(pid: int) -> int:
    """Return when a process was started, in clock ticks since the boot; 0 if it has ended."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in (b"Z", b"X") else 0


def boot() -> bytes:
    """Return the id of the boot; it is not empty."""
    return _read(_BOOT_ID).strip() or b"-"


def record(boot_id: bytes, pid: int, pipe: int) -> bytes:
    """Return what ``supervise/process`` says while this is the process; pid 0: no process runs."""
    return b"%s %d %d %d\n" % (boot_id, pid, _start_time(pid) if pid else 0, pipe)


def find(folder: Folder, boot_id: bytes) -> Found | None:
    """Return what a killed supervisor has left; None: nothing that is to be gone on with."""
    try:
        status = decode(folder.read("status"))
        if (
            status.want not in (UP, NOT_UP)
            or status.state > FINISH
            or (status.state > DOWN) < (status.pid > 0)
        ):
            return None  # it is damaged
        words = folder.read("process").split()
        if words:
            told, (pid, start, pipe) = words[0], map(int, words[1:])
            if told != boot_id:
                return None
            alive = pid > 0 and pid == status.pid and start > 0 and _start_time(pid) == start
            return Found(status, pipe, alive)
    except ValueError:
        return None
    if status.state != RUN or not _runs_since(status.pid, status.since):
        return None
    return Found(status, _pipe_at(status.pid, 1) or _pipe_at(status.pid, 0), True)


def _runs_since(pid: int, since: int) -> bool:
    start = _start_time(pid)
    boot_time = calls.clock_gettime_ns(calls.CLOCK_REALTIME) - calls.clock_gettime_ns(calls.CLOCK_BOOTTIME)
    return start > 0 and abs(boot_time + start * _SECOND // _TICKS - since) < _TOLERANCE


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
