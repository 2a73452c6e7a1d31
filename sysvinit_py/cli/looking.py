"""Reading what an init publishes (report/slots.py), as any user, without a request to it.

The files are not trusted: no link is followed, only regular files of the user that init runs as are opened,
and their content has to name this boot and that process.
"""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import time
from stat import S_ISFIFO, S_ISREG

from sysvinit_py.report import slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysvinit_py.report.slots import Published

_FOLDERS = ("run", "inittab")
_FIFO = ("run", "initctl")
#: The files, and the descriptors that init keeps them at.
_FDS = {"status": 12, "entries": 13}
_MEMFD = "/memfd:status (deleted)"
_MAX_BYTES = 64 << 20
#: Seconds to wait for the end of a write, or for an init that takes over; and seconds between reads.
_PATIENCE, _PAUSE = 2.0, 0.01


class CannotLookError(Exception):
    """A status is published, but cannot be read; the message says why."""


class ForeignError(Exception):
    """The process publishes nothing: it is another init, or an older build, or only root may read it."""


def look(pid: int | None = None) -> tuple[int, Published]:
    """Return the pid of an init, and what it publishes; by default process 1, or one that has it in memory.

    Raises CannotLookError, ForeignError.
    """
    for candidate in (1, *_others()) if pid is None else (pid,):
        published = _of(candidate)
        if published is not None:
            return candidate, published
    raise ForeignError


def _others() -> Iterator[int]:
    """Yield the processes of root, or of this user, whose descriptor is such a memfd."""
    for process in filter(str.isdigit, posix.listdir("/proc")):
        try:
            is_one = posix.readlink(f"/proc/{process}/fd/{_FDS['status']}") == _MEMFD
            if is_one and posix.stat(f"/proc/{process}").st_uid in (0, posix.geteuid()):
                yield int(process)
        except OSError:
            pass


def _of(pid: int) -> Published | None:
    """Return what the process publishes, if anything."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            published = _once(pid)
        except slots.FormError as error:
            raise CannotLookError(
                f"process {pid} publishes for another version of this program: {error}"
            ) from None
        except slots.DamagedError as error:
            if time.monotonic() > give_up:
                raise CannotLookError(f"what process {pid} publishes is damaged: {error}") from None
        else:
            if published is None or not published.header.handed:
                return published
            waited_until = published.header.handed + _PATIENCE
            if time.clock_gettime(time.CLOCK_BOOTTIME) > waited_until or time.monotonic() > give_up:
                return None
        time.sleep(_PAUSE)


def _once(pid: int) -> Published | None:
    """Read each place; a status that was handed over counts if there is nothing newer.

    Raises DamagedError or FormError if one of them cannot be read, and there is nothing in the others.
    """
    handed, unread = None, None
    for read in _places(pid):
        try:
            published = slots.read(read("status"), read("entries"))
            header = published.header
            if (header.boot, header.started) == _identity(pid):
                if not header.handed:
                    return published
                handed = published
        except (slots.DamagedError, slots.FormError) as error:
            unread = unread or error
        except OSError:
            pass
    if unread and not handed:
        raise unread
    return handed


def _identity(pid: int) -> tuple[str, int]:
    with open(slots.BOOT_ID) as boot, open(f"/proc/{pid}/stat", errors="replace") as stat:
        return boot.read().strip(), slots.start_time(stat.read())


def _places(pid: int) -> Iterator[Callable[[str], bytes]]:
    yield lambda name: _in_folder(f"/proc/{pid}/root", name, pid)
    if pid == 1:
        yield lambda name: _in_folder("/", name, pid)  # only root may open /proc/PID/root
    yield lambda name: _contents(posix.open(f"/proc/{pid}/fd/{_FDS[name]}", posix.O_PATH), pid)


def places(pid: int) -> tuple[str, str]:
    """Return the paths to watch for changes: the folder, and the descriptor of init."""
    root = "" if pid == 1 else f"/proc/{pid}/root"
    return "/".join((root, *_FOLDERS)), f"/proc/{pid}/fd/{_FDS['status']}"


def boot_time() -> float:
    """Return the time at which CLOCK_BOOTTIME, on which init's times are, was 0, in seconds since 1970."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def control_channel(pid: int) -> str:
    """Return the path of the FIFO for an init's requests. Raises OSError if it does not exist.

    A FIFO in another root is not trusted: it has to belong to the user that this init runs as.
    """
    if pid == 1:
        return "/" + "/".join(_FIFO)
    handle = _beneath(f"/proc/{pid}/root", *_FIFO)
    status = posix.fstat(handle)
    if not (S_ISFIFO(status.st_mode) and status.st_uid == posix.stat(f"/proc/{pid}").st_uid):
        posix.close(handle)
        raise FileNotFoundError("not a FIFO of the user that init runs as")
    return f"/proc/self/fd/{handle}"


def _in_folder(root: str, name: str, pid: int) -> bytes:
    return _contents(_beneath(root, *_FOLDERS, name), pid)


def _beneath(root: str, *parts: str) -> int:
    """Return an O_PATH descriptor of a file below the root; no link is followed."""
    handle = posix.open(root, posix.O_PATH | posix.O_DIRECTORY)
    for part in parts:
        folder = handle
        try:
            handle = posix.open(part, posix.O_PATH | posix.O_NOFOLLOW, dir_fd=folder)
        finally:
            posix.close(folder)
    return handle


def _contents(handle: int, pid: int) -> bytes:
    """Read the file, and close the descriptor. Raises OSError, also if it belongs to another user."""
    try:
        status = posix.fstat(handle)
        if not (S_ISREG(status.st_mode) and status.st_uid == posix.stat(f"/proc/{pid}").st_uid):
            raise PermissionError("not a regular file of the user that init runs as")
        # The kernel's own files have no size, and reading one may take what it has, or wait.
        if not 0 < status.st_size <= _MAX_BYTES:
            raise FileNotFoundError("it was withdrawn, or is not a status")
        readable = posix.open(f"/proc/self/fd/{handle}", posix.O_RDONLY | posix.O_NONBLOCK)
        with open(readable, "rb", buffering=0) as file:
            content = file.read(status.st_size)
        if not content:
            raise FileNotFoundError("it was withdrawn")
        return content
    finally:
        posix.close(handle)
