"""Children that have ended: the entries', of which the machine is told, and orphans."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.machine import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.driver import Driver

#: Children reaped before something else gets its turn, so that a flood of them leaves time for it.
_REAPED_AT_ONCE = 1000
#: Seconds after orphans and nothing else: they come in storms, and the next ones are taken together.
_LULL = 0.001


class Children:
    """Reaps them.

    orphan_ended  called with the pid of each child that is not an entry's
    more          called if some may be left
    """

    def __init__(
        self, driver: Driver, orphan_ended: Callable[[int], object], more: Callable[[], None]
    ) -> None:
        self._driver = driver
        self._orphan_ended = orphan_ended
        self._more = more

    def reap(self) -> None:
        """Take all children that have ended: SIGCHLD."""
        if self.collect() and self._driver.idle:
            calls.sleep(_LULL)

    def collect(self) -> int:
        """Take the children that have ended, and queue the ends of the entries' for the machine.

        Returns how many orphans there were.
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
