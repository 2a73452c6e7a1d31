"""A job: an entry of the inittab and its state, the marks.

Marks are changed only by the methods of :class:`Job`. What follows from them is in ``rules``.
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

#: Identifies a job: the id; the action, as an entry whose action was changed is a new one
#: (behaviour/runlevels#change); and a number, as the id ``~~`` may be repeated.
Key = tuple[str, str, int]

#: In ``Job.pid``: Start was requested, and is not answered yet.
STARTING = -1
#: In ``Job.status``: no process has ended yet, or its status is unknown.
UNKNOWN = -1
#: The wait status of exit code 127, which a shell returns for a command that it cannot execute.
NOT_EXECUTED = 127 << 8

#: Why a process was ended, or has ended; empty: by itself. Published, so without whitespace.
LEVEL_LEFT, ENTRY_GONE, ACTION_CHANGED = "level-left", "entry-gone", "action-changed"
STOPPED, RESTARTED, TERMINAL_GONE = "stopped", "restarted", "terminal-gone"
GIVEN_UP, CANNOT_EXECUTE = "given-up", "cannot-execute"
#: A note that is only for the client whose request it answers.
ANSWER = "answer"


class Job(Plain):
    """An entry of the inittab and its state."""

    SAVED = (
        "pid", "accounted", "has_run", "on_demand", "pending_event", "rests_until", "forking", "terminal",
        "lacks_terminal", "said_so", "starts", "began", "ended_at", "stopped", "leaving", "ends_for", "why",
        "asked",
    )  # fmt: skip
    __slots__ = (*SAVED, "entry", "key", "place", "rule", "status", "throttle")

    def __init__(self, key: Key, entry: Entry, status: int = UNKNOWN) -> None:
        self.key = key
        self.entry = entry
        self.rule = entry.rule  # constant, as the action is part of the key
        self.pid = 0  # of the process, which leads its group; 0: none; or STARTING
        self.status = status  # wait status of its last process
        self.accounted = False  # the process has an INIT_PROCESS record
        self.has_run = False  # not started again, unless its action says so, until its levels are left
        self.on_demand = False  # started by a, b or c: may run in every level but S
        self.pending_event = False  # triggered by an event, but not started yet
        self.rests_until = 0.0  # in backoff until then, by the throttle or a failed fork; 0: not in backoff
        self.forking = False  # in backoff because its fork failed
        self.terminal = terminal_of(entry)  # needed by its process; empty: none
        self.lacks_terminal = False  # not started until the terminal exists
        self.said_so = False  # that was reported
        self.stopped = False  # by request: not started until its levels are left, or another request
        self.leaving = 0  # group that was ended by request: not started before it is gone; 0: none
        self.throttle = Throttle()
        # For status only: nothing is decided by these.
        self.place = 0  # index in the inittab, from 0
        self.starts = 0  # since the entry exists
        self.began = 0.0  # when Start was requested last; 0: never, or unknown
        self.ended_at = 0.0  # when its last process ended
        self.why = ""  # that process ended
        self.ends_for = ""  # why the present process is being ended
        self.asked = ""  # who has stopped or started it, as given by the requester; empty: nobody

    # Its entry.

    def take(self, entry: Entry, place: int) -> None:
        """Take the entry with the same key from an inittab just read.

        A changed process field is used at the next start (behaviour/runlevels#change). A re-read ends the
        backoff (behaviour/throttle).
        """
        self.entry, self.place, self.rests_until, self.forking = entry, place, 0.0, False
        self.throttle.clear()

    def stand_at(self, place: int) -> None:
        """Set the index of its entry in the inittab."""
        self.place = place

    # A start, and the four answers to it.

    def told_to_start(self, now: float) -> None:
        """Note that Start was requested: a pending event is consumed."""
        self.pid, self.has_run, self.pending_event = STARTING, True, False
        self.began = now
        self.terminal = terminal_of(self.entry)

    def started(self, pid: int) -> None:
        """Note that it runs."""
        self.pid, self.accounted, self.said_so = pid, self.entry.accounting, False
        self.starts += 1

    def not_forked(self, until: float) -> None:
        """Undo the start, as there is no process, and back off until then."""
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
        """Note that it was sent SIGTERM: this does not count as a run."""
        self.has_run, self.ends_for = False, why

    def ended(self, now: float, status: int = UNKNOWN, why: str = "") -> None:
        """Note that its process is gone; ``why``: it was given up, or could not be executed."""
        self.pid, self.status, self.ended_at = 0, status, now
        self.why, self.ends_for = why or self.ends_for, ""

    def given_up(self, now: float) -> Job:
        """Continue as if its process was gone; return a job for it, for the record if it ends after all."""
        abandoned = Job(self.key, self.entry)
        abandoned.accounted = self.accounted
        self.ended(now, why=GIVEN_UP)
        return abandoned

    # After an internal error.

    def adopt_child(self, pid: int) -> None:
        """Note a start whose answer could not be handled."""
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
        """Note that its terminal may exist, which is checked when the job is started."""
        self.lacks_terminal = False

    # Events, and requests on demand.

    def trigger(self) -> None:
        """Note that its event has happened (behaviour/boot#events)."""
        self.pending_event = True

    def set_on_demand(self) -> None:
        """Let it run in all levels but S, even if it has run: its letter was requested.

        See behaviour/runlevels#on-demand.
        """
        self.on_demand, self.has_run = True, False
        self.forget_stop()

    def clear_on_demand(self) -> None:
        """Forget that its letter was requested, as it may not run in S (behaviour/runlevels#who-ends)."""
        self.on_demand = False

    def forget_run(self) -> None:
        """Let it run again when its levels are entered the next time. Boot entries run once.

        See behaviour/runlevels#change.
        """
        if self.rule.when == IN_LEVEL:
            self.has_run = False

    # Requests for this job (machine/steering.py).

    def hold(self, by: str) -> None:
        """Do not start it: it counts as having run. If it is for an event, wait for the next one."""
        self.asked = by
        if self.rule.when == ON_EVENT:
            self.pending_event = False
        else:
            self.stopped = self.has_run = True

    def release(self, by: str) -> None:
        """Let it run again, as if its levels were entered or its event happened."""
        self.asked, self.stopped, self.has_run, self.lacks_terminal = by, False, False, False
        self.pending_event = self.rule.when == ON_EVENT

    def forget_stop(self) -> None:
        """Undo :meth:`hold`, as its levels were left."""
        self.asked, self.stopped = "", False

    def leave(self, group: int) -> None:
        """Set the group that has to be gone before it is started; 0: none."""
        self.leaving = group

    # The throttle.

    def rest(self, until: float) -> None:
        """Back off until then: it was started too often."""
        self.rests_until = until

    def rested(self) -> None:
        """End the backoff, and clear the throttle unless it was for a failed fork."""
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
