"""Watching for terminals that entries wait for (docs/devices.rst)."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Source, clock
from sysvinit_py.linux.terminals import missing
from sysvinit_py.linux.watching import watch
from sysvinit_py.machine import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

#: Seconds from a change in a folder to the check, so that a flood of devices costs little.
_LULL = 0.05
#: Seconds until a failed inotify call is retried.
_TRY_AGAIN = 5.0

_CHANGES = calls.IN_CREATE | calls.IN_MOVED_TO | calls.IN_DELETE_SELF | calls.IN_MOVE_SELF | calls.IN_ONLYDIR


class TerminalWatch(Source):
    """Watches the folders of missing terminals by inotify; its descriptor is open only if there are any."""

    deadline: float | None = None  # when to check

    def __init__(self, awaited: Callable[[], Collection[str]]) -> None:
        """Watch for the paths that ``awaited`` returns."""
        self._awaited = awaited
        self._fd = -1

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the inotify descriptor, unless a check is scheduled already."""
        return ((self._fd if self.deadline is None else -1, READABLE),)

    def serve(self, ready: set[int], now: float) -> Iterator[ev.Event]:
        """Check the terminals, a moment after a change."""
        if self._fd in ready:
            self.changed()
        if self.is_due(now):
            awaited = self._awaited()
            absent = self._look(awaited)
            if len(absent) < len(awaited):
                yield ev.TerminalsSeen(absent)

    def changed(self) -> None:
        """Schedule a check, as a folder, or the set of awaited terminals, has changed."""
        if self.deadline is None:
            self.deadline = clock() + _LULL

    def mounted(self) -> None:
        """Schedule a check, if a terminal is awaited, as something was mounted."""
        if self._awaited():
            self.changed()

    def _look(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Watch the folders, and then check the terminals; return the paths without a terminal."""
        self.deadline = None
        if self._fd >= 0:
            calls.close(self._fd)  # with all pending events
            self._fd = -1
        try:
            for path in paths:
                if self._fd < 0:
                    self._fd = calls.inotify_init1(calls.O_CLOEXEC | calls.O_NONBLOCK)
                watch(self._fd, path, _CHANGES)
        except OSError:
            self.deadline = clock() + _TRY_AGAIN
        return missing(paths)
