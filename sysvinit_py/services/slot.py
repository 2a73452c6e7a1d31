"""One slot of a service."""

from __future__ import annotations

from sysvinit_py.services.unit import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sysvinit_py.services.adoption import Times
    from sysvinit_py.services.folder import Folder
    from sysvinit_py.services.unit import Effect, Unit


class Slot:
    """A unit, the folder where it is published, and what waits while a program in ``control/`` runs."""

    def __init__(self, unit: Unit, folder: Folder) -> None:
        self.unit, self.folder = unit, folder
        self.held: list[tuple[Callable[..., Iterable[Effect] | None], tuple[Any, ...]]] = []
        self.alive = False  # the process has not been reaped
        self.started: Times = (0, 0)  # when it was started
        self.pidfd = -1  # of a process that is not our child
        self.later: tuple[float, Callable[[], None]] | None = None  # what is tried again, and when
        self.complaint, self.times = "", 0  # the last one, and how often

    @property
    def deadline(self) -> float:
        """When to call ``Service.tick``; infinite: never."""
        return min(self.unit.deadline, self.later[0] if self.later else NEVER)

    def is_news(self, text: str) -> bool:
        """Count a complaint, and return whether it is to be told: the first, second, fourth, eighth time."""
        self.times = self.times + 1 if text == self.complaint else 1
        self.complaint = text
        return not self.times & self.times - 1
