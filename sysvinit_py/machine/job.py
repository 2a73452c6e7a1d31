"""A job: an entry and its marks; and the throttle of respawned entries (SPEC 4)."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.rules import STARTS_ALLOWED, WINDOW

#: Names a job: the id, and which of several entries with it (only ``~~`` repeats).
Key = tuple[str, int]

#: In ``Job.pid``: told to start, and the answer has not come yet.
STARTING = -1


class Throttle:
    """Counts the starts in a window of time that opens with the first."""

    __slots__ = ("opened", "starts")

    def __init__(self) -> None:
        self.opened = 0.0
        self.starts = 0

    def allows(self, now: float) -> bool:
        """Count a start at this time, unless it is one too many."""
        if self.starts == 0 or now - self.opened >= WINDOW:
            self.opened, self.starts = now, 0
        if self.starts >= STARTS_ALLOWED:
            return False
        self.starts += 1
        return True

    def take_back(self) -> None:
        """The start counted last did not come about."""
        self.starts = max(0, self.starts - 1)

    def clear(self) -> None:
        """Forget the starts so far."""
        self.starts = 0


class Job:
    """An entry of the inittab and what has become of it."""

    __slots__ = (
        "called", "demanded", "entry", "forking", "has_run", "key", "pid", "position", "resting", "throttle",
    )  # fmt: skip

    def __init__(self, key: Key, entry: Entry) -> None:
        self.key = key
        self.entry = entry
        self.pid = 0  # of the process, which leads its group; 0: none; STARTING
        self.has_run = False  # wait, once, boot: not again until its levels are left
        self.demanded = False  # started by a, b or c: runs in every level but S
        self.called = False  # an event has called it, and it could not run yet
        self.resting = False  # the throttle, or a fork that failed, keeps it from starting
        self.forking = False  # resting because its fork failed
        self.throttle = Throttle()
        self.position = -1  # in the agenda of the stage; -1: not in it
