"""The machine's deadline."""

from __future__ import annotations

from sysvinit_py.linux.loop import Source
from sysvinit_py.machine import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.machine.driver import Driver


class Timer(Source):
    """Generates a Tick when the machine's deadline has passed."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def deadline(self) -> float | None:
        """When the machine needs a Tick."""
        return self._driver.machine.deadline

    def serve(self, ready: set[int], now: float) -> Iterator[ev.Event]:
        """Yield a Tick if the deadline has passed."""
        if self.is_due(now):
            yield ev.Tick()
