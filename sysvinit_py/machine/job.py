"""A job: an entry of the inittab and its marks.

A mark is changed by the methods of :class:`Job` and by nothing else. What follows from the marks stands in
``rules``.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL, ON_EVENT
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.getty import terminal_of
from sysvinit_py.machine.plain import Plain
from sysvinit_py.machine.throttle import Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Names a job: id and action, as an entry whose action changed is a new one (behaviour/runlevels#change),
#: and which of several
#: entries with both (only the id ``~~`` repeats).
Key = tuple[str, str, int]

#: In ``Job.pid``: told to start, and the answer has not come yet.
STARTING = -1
#: In ``Job.status``: none has ended yet, or nobody knows how.
UNKNOWN = -1
#: As if the command had ended with 127, which is what a shell says of one that it cannot execute.
NOT_EXECUTED = 127 << 8

#: Why a process was ended, or has ended; empty: by itself. Words without whitespace, as they are published.
LEVEL_LEFT, ENTRY_GONE, ACTION_CHANGED = "level-left", "entry-gone", "action-changed"
STOPPED, RESTARTED, TERMINAL_GONE = "stopped", "restarted", "terminal-gone"
GIVEN_UP, CANNOT_EXECUTE = "given-up", "cannot-execute"
#: What has happened that is of interest to nobody but the one who has asked for it.
ANSWER = "answer"


class Job(Plain):
    """An entry of the inittab and what has become of it."""

    SAVED = (
        "pid", "accounted", "has_run", "on_demand", "pending_event", "rests_until", "forking", "terminal",
        "lacks_terminal", "said_so", "starts", "began", "ended_at", "stopped", "leaving", "ends_for", "why",
        "asked",
    )  # fmt: skip
    __slots__ = (*SAVED, "entry", "key", "place", "rule", "status", "throttle")

    def __init__(self, key: Key, entry: Entry, status: int = UNKNOWN) -> None:
        self.key = key
        self.entry = entry
        self.rule = entry.rule  # of its action, which never changes: that is part of the key
        self.pid = 0  # of the process, which leads its group; 0: none; STARTING
        self.status = status  # with which its last process ended, as wait(2) gives it
        self.accounted = False  # the process has an INIT_PROCESS record
        self.has_run = False  # not again, unless its action says so, until its levels are left
        self.on_demand = False  # started by a, b or c: has a place in every level but S
        self.pending_event = False  # an event has triggered it, and it could not run yet
        self.rests_until = 0.0  # not started before: for the throttle, or a failed fork; 0: does not rest
        self.forking = False  # rests because its fork failed
        self.terminal = terminal_of(entry)  # that its process needs, or would if it was started; empty: none
        self.lacks_terminal = False  # not started before that is there
        self.said_so = False  # people know
        self.stopped = False  # by request: not started until its levels are left, or somebody asks for it
        self.leaving = 0  # the group that was ended by request: not started before it is gone; 0: none
        self.throttle = Throttle()
        # For those who ask: nothing is decided by these.
        self.place = 0  # in the inittab, from 0
        self.starts = 0  # since the entry is there
        self.began = 0.0  # when its last process was to start; 0: never, or nobody knows
        self.ended_at = 0.0  # when that ended
        self.why = ""  # that ended
        self.ends_for = ""  # the same of one that was told to end
        self.asked = ""  # who has stopped or started it, as they say; empty: nobody

    # Its entry.

    def take(self, entry: Entry, place: int) -> None:
        """Take the entry as it stands in an inittab just read, with its key.

        A changed process field is used at the next start (behaviour/runlevels#change). A re-read ends all
        rests (behaviour/throttle).
        """
        self.entry, self.place, self.rests_until, self.forking = entry, place, 0.0, False
        self.throttle.clear()

    def stand_at(self, place: int) -> None:
        """Note where in the inittab its entry stands."""
        self.place = place

    # A start, and the four answers to it.

    def told_to_start(self, now: float) -> None:
        """Note that Start was said: a pending event is used up."""
        self.pid, self.has_run, self.pending_event = STARTING, True, False
        self.began = now
        self.terminal = terminal_of(self.entry)

    def started(self, pid: int) -> None:
        """Note that it runs."""
        self.pid, self.accounted, self.said_so = pid, self.entry.accounting, False
        self.starts += 1

    def not_forked(self, until: float) -> None:
        """Undo the start, and rest until then: there is no process."""
        self.pid, self.has_run, self.pending_event = 0, False, self.rule.when == ON_EVENT
        self.throttle.take_back()
        self.rests_until, self.forking = until, True

    def not_started(self) -> None:
        """Undo the start: its terminal does not exist."""
        self.pid, self.has_run = 0, False
        self.throttle.take_back()
        self.lose_terminal()

    # Its end.

    def told_to_end(self, why: str) -> None:
        """Note that it was sent SIGTERM: it has not run its course."""
        self.has_run, self.ends_for = False, why

    def ended(self, now: float, status: int = UNKNOWN, why: str = "") -> None:
        """Note that its process is gone; ``why``: it was given up, or could not be executed."""
        self.pid, self.status, self.ended_at = 0, status, now
        self.why, self.ends_for = why or self.ends_for, ""

    def given_up(self, now: float) -> Job:
        """Go on as if its process was gone; return a job for that, which writes the record if it ends."""
        abandoned = Job(self.key, self.entry)
        abandoned.accounted = self.accounted
        self.ended(now, why=GIVEN_UP)
        return abandoned

    # An error of our own.

    def adopt_child(self, pid: int) -> None:
        """Note a start that the machine could not be told of."""
        self.pid = pid

    def repair(self) -> None:
        """Undo a start that was not answered."""
        if self.pid == STARTING:
            self.not_forked(until=0.0)
            self.rested()

    # Its terminal (docs/devices.rst).

    def lose_terminal(self) -> None:
        """Note that its terminal does not exist, which is reported once."""
        self.lacks_terminal = self.said_so = True

    def find_terminal(self) -> None:
        """Note that its terminal may exist: that shows when the job is started."""
        self.lacks_terminal = False

    # Events, and requests on demand.

    def trigger(self) -> None:
        """Note its event (behaviour/boot#events)."""
        self.pending_event = True

    def set_on_demand(self) -> None:
        """Let it run, again if it has run, in all levels but S: its letter was requested.

        See behaviour/runlevels#on-demand.
        """
        self.on_demand, self.has_run = True, False
        self.forget_stop()

    def clear_on_demand(self) -> None:
        """Forget that its letter was requested: S has no place for it (behaviour/runlevels#who-ends)."""
        self.on_demand = False

    def forget_run(self) -> None:
        """Let it run again on the next entering of its levels. Boot entries run once.

        See behaviour/runlevels#change.
        """
        if self.rule.when == IN_LEVEL:
            self.has_run = False

    # Requests for it alone (machine/steering.py).

    def hold(self, by: str) -> None:
        """Do not start it: it counts as having run. One that waits for events waits for the next one."""
        self.asked = by
        if self.rule.when == ON_EVENT:
            self.pending_event = False
        else:
            self.stopped = self.has_run = True

    def release(self, by: str) -> None:
        """Let it run once more, as if its time had come."""
        self.asked, self.stopped, self.has_run, self.lacks_terminal = by, False, False, False
        self.pending_event = self.rule.when == ON_EVENT

    def forget_stop(self) -> None:
        """Let it run again when its levels are entered: they were left."""
        self.asked, self.stopped = "", False

    def leave(self, group: int) -> None:
        """Note the group that has to be gone before it is started; 0: it is."""
        self.leaving = group

    # The throttle.

    def rest(self, until: float) -> None:
        """Do not start it before this time: it was started too often."""
        self.rests_until = until

    def rested(self) -> None:
        """End its rest, and clear its throttle unless the rest was for a failed fork."""
        if not self.forking:
            self.throttle.clear()
        self.rests_until, self.forking = 0.0, False


def numbered(entries: Iterable[Entry]) -> Iterator[tuple[Key, Entry]]:
    """Yield the entries with the keys of their jobs, in file order."""
    keys = set()
    for entry in entries:
        number = 0
        while (key := (entry.id, entry.action, number)) in keys:
            number += 1
        keys.add(key)
        yield key, entry
