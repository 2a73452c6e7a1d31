"""The folder of a service, or of a logger, as clients see it: its runsv, its status, its FIFO."""

from __future__ import annotations

import errno
import posix  # and not os, which takes 2 ms to import
import time
from stat import S_ISFIFO, S_ISREG

from sysvinit_py.clients.runit.common import complain
from sysvinit_py.protocol import supervise
from sysvinit_py.protocol.supervise import DOWN, RUN, UP, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.protocol.supervise import Status

#: Bytes: of a file that holds a number, and of one in ``supervise/``.
_DIGITS, _MOST = 16, 1024
_SECOND = 10**9


class TroubleError(Exception):
    """The service cannot be asked; the text, after the name of the service, says why, in runit's words."""

    kind = "warning"


class NoFolderError(TroubleError):
    """Its folder is not to be entered."""

    kind = "fail"


class NoRunsvError(TroubleError):
    """No runsv has it."""

    kind = "fail"


def status(folder: str, *, careful: bool = False) -> Status:
    """Return what its runsv says. Raises TroubleError.

    ``careful``: the folder may be anybody's, so nothing is opened whose opening does something; needs /proc.
    """
    try:
        posix.close(posix.open(f"{folder}/." if folder else "", posix.O_PATH | posix.O_CLOEXEC))
    except OSError as error:
        raise NoFolderError(reason(error)) from None
    posix.close(_opened(folder, "ok", posix.O_WRONLY, careful))
    try:
        return supervise.decode(_read(folder, "status", careful))
    except ValueError as error:
        raise TroubleError(f"unable to read supervise/status: {error}") from None


def since(status: Status) -> int:
    """Return since when it is so, in nanoseconds by the present clock: it may have been set meanwhile."""
    now, uptime = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if status.state == RUN and not now - uptime - _SECOND <= status.since <= now + _SECOND:
        from sysvinit_py.linux.proc import TICKS, start_time

        if started := start_time(status.pid):
            return now - uptime + started * _SECOND // TICKS
    return status.since


def note(folder: str, status: Status, *, careful: bool = False) -> str:
    """Return what a start waits for, as its runsv says in words; or nothing."""
    if status.state != DOWN or status.want != UP:
        return ""
    try:
        return supervise.note(_read(folder, "stat", careful).decode(errors="surrogateescape"))
    except TroubleError:
        return ""


def order(folder: str, characters: str) -> None:
    """Write control characters, all in one. Raises TroubleError."""
    file = _opened(folder, "control", posix.O_WRONLY)
    try:
        if not S_ISFIFO(posix.fstat(file).st_mode):
            raise TroubleError("supervise/control: not a FIFO")
        posix.write(file, characters.encode())
    except OSError as error:
        raise TroubleError(f"unable to write to supervise/control: {reason(error)}") from None
    finally:
        posix.close(file)


def _read(folder: str, name: str, careful: bool) -> bytes:
    file = _opened(folder, name, posix.O_RDONLY, careful)
    try:
        return posix.read(file, _MOST)
    except OSError as error:
        raise TroubleError(f"unable to read supervise/{name}: {reason(error)}") from None
    finally:
        posix.close(file)


def _opened(folder: str, name: str, how: int, careful: bool = False) -> int:
    path = f"{folder}/supervise/{name}"
    handle = -1
    try:
        if careful:
            handle = posix.open(path, posix.O_PATH | posix.O_NOFOLLOW | posix.O_CLOEXEC)
            mode, path = posix.fstat(handle).st_mode, f"/proc/self/fd/{handle}"
            if not (S_ISREG(mode) or (S_ISFIFO(mode) and name == "ok")):
                raise TroubleError(f"supervise/{name}: neither a FIFO nor a regular file")
        follow = 0 if careful else posix.O_NOFOLLOW  # the descriptor that was looked at is a link of /proc
        return posix.open(path, how | follow | posix.O_NONBLOCK | posix.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO and name != "status":
            raise NoRunsvError("runsv not running") from None
        raise TroubleError(f"unable to open supervise/{name}: {reason(error)}") from None
    finally:
        if handle >= 0:
            posix.close(handle)


def exists(folder: str, name: str, shown: str) -> bool | None:
    """Return whether there is such a file; None, after a warning: nobody knows."""
    try:
        posix.stat(f"{folder}/{name}")
    except FileNotFoundError:
        return False
    except OSError as error:
        complain(f"warning: unable to stat {shown}/{name}: {reason(error)}\n")
        return None
    return True


def number(folder: str, name: str) -> int | None:
    """Return the number in a file; None: there is no such file, or no such number."""
    try:
        file = posix.open(f"{folder}/{name}", posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
        try:
            return int(posix.read(file, _DIGITS))
        finally:
            posix.close(file)
    except (OSError, ValueError):
        return None
