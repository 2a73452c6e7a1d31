"""The terminals that gettys need: whether they are there, and when one may have come (docs/devices.rst)."""

from __future__ import annotations

from errno import ENOMEM, ENOSPC
from stat import S_ISCHR

from sysvinit_py.linux import calls
from sysvinit_py.linux.proc import kernel_command_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: On the kernel's command line: start every getty, as SysV does.
OFF = "init.ttycheck=0"

#: Seconds from a change in a folder to the look at it, so that a flood of devices costs little.
_LULL = 0.05
#: Seconds after which to try again what the kernel had no room for.
_TRY_AGAIN = 5.0
#: Links followed from one path, as many as the kernel does.
_LINKS = 40

_CHANGES = calls.IN_CREATE | calls.IN_MOVED_TO | calls.IN_DELETE_SELF | calls.IN_MOVE_SELF | calls.IN_ONLYDIR


def missing(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of the paths at which there is no terminal; none where nobody wants to know."""
    absent = tuple(path for path in paths if not _is_there(path))
    if absent and OFF in kernel_command_line().split():
        return ()
    return absent


def _is_there(path: str) -> bool:
    try:
        return S_ISCHR(calls.stat(path).st_mode)  # a mistyped redirection leaves a plain file
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # who knows: its getty finds out


class Watch:
    """An inotify descriptor for the folders of missing terminals; closed while none is waited for."""

    def __init__(self) -> None:
        self._fd = -1
        self.deadline: float | None = None  # when to look

    @property
    def fd(self) -> int:
        """Ready when a folder has changed; -1 when it is known already that it is time to look."""
        return self._fd if self.deadline is None else -1

    def changed(self) -> None:
        """Something has changed: there, or what is waited for."""
        if self.deadline is None:
            self.deadline = calls.clock_gettime(calls.CLOCK_BOOTTIME) + _LULL

    def look(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Watch the folders as they are now, and only then look; return the paths without a terminal."""
        self.deadline = None
        if self._fd >= 0:
            calls.close(self._fd)  # with all events on it
            self._fd = -1
        try:
            for path in paths:
                if self._fd < 0:
                    self._fd = calls.inotify_init1(calls.O_CLOEXEC | calls.O_NONBLOCK)
                self._add(path)
        except OSError:
            self.deadline = calls.clock_gettime(calls.CLOCK_BOOTTIME) + _TRY_AGAIN
        return missing(paths)

    def _add(self, path: str, links: int = _LINKS) -> None:
        """Watch the folder, or the nearest one above it that exists; and that of what a link points to."""
        folder = path.rpartition("/")[0] or "/"
        try:
            calls.inotify_add_watch(self._fd, folder, _CHANGES)
        except OSError as error:
            if folder == "/" or error.errno in (ENOMEM, ENOSPC):
                raise
            self._add(folder, links)
            return
        try:
            target = calls.readlink(path)
        except OSError:
            return  # not a link
        if links:
            self._add(target if target.startswith("/") else f"{folder}/{target}", links - 1)
