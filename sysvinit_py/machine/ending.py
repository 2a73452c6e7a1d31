"""Process groups that are being ended: SIGTERM, then SIGKILL, then given up (behaviour/runlevels#ending)."""

from __future__ import annotations

from sysvinit_py.machine.limits import HANG_TIME, PROBE_TIME
from sysvinit_py.machine.plain import Plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NEVER = float("inf")


class Ending(Plain):
    """A process group that was sent SIGTERM."""

    __slots__ = SAVED = ("group", "entry_id", "kill_at", "give_up_at", "alone")

    def __init__(
        self, group: int, entry_id: str, kill_at: float, give_up_at: float = NEVER, alone: bool = False
    ) -> None:
        self.group = group
        self.entry_id = entry_id
        self.alone = alone  # nothing waits for its end
        self.kill_at = kill_at  # NEVER: SIGKILL was sent
        self.give_up_at = give_up_at  # NEVER: SIGKILL was not sent yet

    def kill(self, now: float) -> None:
        """Note that it was sent SIGKILL."""
        self.kill_at, self.give_up_at = NEVER, now + HANG_TIME

    def hurry(self, now: float) -> None:
        """Make SIGKILL due now, if it was not sent yet."""
        if self.kill_at != NEVER:
            self.kill_at = now

    @property
    def due_at(self) -> float:
        """When the next step is due."""
        return min(self.kill_at, self.give_up_at)


class Endings:
    """All endings, by group. True while there are any that something waits for."""

    def __init__(self) -> None:
        self.by_group: dict[int, Ending] = {}
        self.orphaned: dict[int, Ending] = {}  # the leader was reaped, but members may be left
        self.probe_at = NEVER  # when to probe orphaned groups
        self._due_at = NEVER

    def __bool__(self) -> bool:
        for ending in self.by_group.values():  # noqa: SIM110 - called for each event; any() takes twice as long
            if not ending.alone:
                return True
        return False

    def __contains__(self, group: int) -> bool:
        return group in self.by_group

    def waits_for(self, group: int) -> bool:
        """Return whether something waits for the group's end."""
        return group in self.by_group and not self.by_group[group].alone

    @property
    def deadline(self) -> float:
        """When the next step is due, or NEVER."""
        return min(self._due_at, self.probe_at)

    def add(self, ending: Ending) -> None:
        """Add a group that was sent SIGTERM."""
        self.by_group[ending.group] = ending
        self._due_at = min(self._due_at, ending.due_at)

    def resume(self, endings: Iterable[Ending], orphaned: Iterable[int], probe_at: float) -> None:
        """Continue those of the previous init."""
        for ending in endings:
            self.add(ending)
        self.orphaned = {group: self.by_group[group] for group in orphaned}
        self.probe_at = probe_at

    def leader_ended(self, group: int, now: float) -> None:
        """Note that the leader was reaped: from now on the group is probed for members."""
        self.orphaned[group] = self.by_group[group]
        self.probe_at = min(self.probe_at, now + PROBE_TIME)

    def remove(self, group: int) -> None:
        """Remove a group that has no process left, or is given up."""
        del self.by_group[group]
        self.orphaned.pop(group, None)
        if not self.orphaned:
            self.probe_at = NEVER
        if not self.by_group:
            self._due_at = NEVER

    def to_probe(self, now: float) -> list[int]:
        """Return the groups to probe now; they are due again after PROBE_TIME."""
        if now < self.probe_at:
            return []
        self.probe_at = now + PROBE_TIME
        return list(self.orphaned)

    def to_give_up(self, now: float) -> list[Ending]:
        """Remove and return the groups that SIGKILL has not ended in time."""
        hanging = [ending for ending in self.by_group.values() if ending.give_up_at <= now]
        for ending in hanging:
            self.remove(ending.group)
        self._set_due()
        return hanging

    def hurry(self, now: float) -> None:
        """Make SIGKILL due now for all groups."""
        for ending in self.by_group.values():
            ending.hurry(now)
        self._set_due()

    def to_kill(self, now: float) -> list[int]:
        """Return the groups for which SIGKILL is due, each once."""
        overdue = [ending for ending in self.by_group.values() if ending.kill_at <= now]
        for ending in overdue:
            ending.kill(now)
        self._set_due()
        return [ending.group for ending in overdue]

    def _set_due(self) -> None:
        self._due_at = min((ending.due_at for ending in self.by_group.values()), default=NEVER)
