"""Process groups on their way out: SIGTERM, then SIGKILL, then given up (SPEC 3, "How")."""

from __future__ import annotations

from sysvinit_py.machine.rules import HANG_TIME, PROBE_TIME

NEVER = float("inf")


class Ending:
    """A process group that was told to end."""

    __slots__ = ("give_up_at", "group", "id", "kill_at", "leader_gone")

    def __init__(self, group: int, id: str, kill_at: float) -> None:
        self.group = group
        self.id = id
        self.kill_at = kill_at  # NEVER: was killed
        self.give_up_at = NEVER
        self.leader_gone = False


class Endings:
    """All of them, by group. True while there are any."""

    def __init__(self) -> None:
        self._endings: dict[int, Ending] = {}
        self._leaderless: dict[int, Ending] = {}
        self._probe_at = NEVER
        self._next_at = NEVER

    def __bool__(self) -> bool:
        return bool(self._endings)

    def __contains__(self, group: int) -> bool:
        return group in self._endings

    @property
    def deadline(self) -> float | None:
        """When something is due; None: nothing ever."""
        due = min(self._next_at, self._probe_at)
        return None if due == NEVER else due

    def add(self, group: int, id: str, kill_at: float) -> None:
        """The group was sent SIGTERM."""
        self._endings[group] = Ending(group, id, kill_at)
        self._next_at = min(self._next_at, kill_at)

    def leader_ended(self, group: int, now: float) -> None:
        """Its leader was reaped: from now on one has to look whether members are left."""
        self._leaderless[group] = self._endings[group]
        self._probe_at = min(self._probe_at, now + PROBE_TIME)

    def remove(self, group: int) -> None:
        """No process of the group is left, or it is given up."""
        del self._endings[group]
        self._leaderless.pop(group, None)
        if not self._leaderless:
            self._probe_at = NEVER
        if not self._endings:
            self._next_at = NEVER

    def to_probe(self, now: float) -> list[int]:
        """The groups to look at now, each again after a while."""
        if now < self._probe_at:
            return []
        self._probe_at = now + PROBE_TIME
        return list(self._leaderless)

    def to_kill(self, now: float) -> list[int]:
        """The groups whose time after SIGTERM is up, each once."""
        due = [ending for ending in self._endings.values() if ending.kill_at <= now]
        for ending in due:
            ending.kill_at = NEVER
            ending.give_up_at = now + HANG_TIME
        self._set_next()
        return [ending.group for ending in due]

    def to_give_up(self, now: float) -> list[Ending]:
        """Those that SIGKILL has not ended in its time."""
        return [ending for ending in self._endings.values() if ending.give_up_at <= now]

    def _set_next(self) -> None:
        times = [min(ending.kill_at, ending.give_up_at) for ending in self._endings.values()]
        self._next_at = min(times, default=NEVER)
