"""Reaping of children: processes of entries, whose ends are events, and orphans."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.machine import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.driver import Driver

#: Children reaped at a time, so that a flood of them does not delay other events for long.
_REAPED_AT_ONCE = 1000
#: Seconds to wait if only orphans have ended: many of them end together, and are then reaped together.
_LULL = 0.001


class Children:
    """Reaps children.

    orphan_ended  called with the pid of each child that is not an entry's
    more          called if there may be more of them
    """

    def __init__(
        self, driver: Driver, orphan_ended: Callable[[int], object], more: Callable[[], None]
    ) -> None:
        self._driver = driver
        self._orphan_ended = orphan_ended
        self._more = more

    def reap(self) -> None:
        """Reap all children that have ended: SIGCHLD."""
        if self.collect() and self._driver.idle:
            calls.sleep(_LULL)

    def collect(self) -> int:
        """Reap the children that have ended, and queue events for those of entries.

        Returns the number of orphans.
        """
        running = self._driver.machine.running
        orphans = 0
        for _ in range(_REAPED_AT_ONCE):
            try:
                pid, status = calls.waitpid(-1, calls.WNOHANG)
            except OSError:
                return orphans  # no children
            if not pid:
                return orphans
            if pid in running:
                self._driver.add(ev.ChildExited(pid, status))
            else:
                orphans += 1
                self._orphan_ended(pid)
        self._more()
        return orphans
