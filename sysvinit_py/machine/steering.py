"""Requests for one entry: stop, start, restart, kill (docs/status.rst#steering).

An entry that was stopped stays so until its levels are left, or it is requested. Nothing else waits for a
process that is ended by request; and it is not started again before its whole process group is gone.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL
from sysvinit_py.inittab.entry import DIGIT_LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import RESTARTED, STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.events import EntryRequested
    from sysvinit_py.machine.job import Job
    from sysvinit_py.machine.processes import Processes

STOP, START, RESTART, KILL = "stop", "start", "restart", "kill"
#: Not for an entry: read the inittab, and answer when that is done.
RELOAD = "reload"

#: The answers: done, or nothing to do; and the reasons for a refusal.
OK, UNKNOWN, NOT_RUNNING, BEHIND = "ok", "unknown", "not-running", "behind"
NO_PLACE, EMPTY = "no-place", "empty"
INCOMPLETE = "incomplete"  # the inittab is incomplete or cannot be read, and nothing was changed

# Situations, besides the verdicts of rules.
ENDING = "ending"  # its process is being ended
OUTLASTS = "outlasts"  # its process runs where it would not be started: that of a boot entry
ON_DEMAND = "on demand"  # it has a letter, which was not requested


class Steering:
    """Applies requests to jobs."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def situation(self, job: Job) -> str:
        """Return the row of TABLE for the job."""
        processes = self._processes
        stage = processes.position.stage
        placed, verdict = processes.has_place(job), rules.verdict(job, stage)
        if verdict == rules.RUNS:
            if job.pid in processes.endings:
                return ENDING if placed else NO_PLACE
            return verdict if placed else OUTLASTS
        if verdict == rules.EMPTY or (placed and verdict != rules.DUE):
            return verdict
        if placed:
            return BEHIND if processes.holder(job) else verdict
        letters = set(ON_DEMAND_LEVELS) & set(job.entry.levels)
        called = job.rule.when == IN_LEVEL and letters and stage in DIGIT_LEVELS
        return ON_DEMAND if called else NO_PLACE

    def ask(self, job: Job, event: EntryRequested, wait_time: float, now: float) -> str:
        """Carry out the request; return the answer."""
        if event.verb == KILL:
            steps = "signal" if job.pid > 0 else NOT_RUNNING
        else:
            steps = TABLE[self.situation(job)][VERBS.index(event.verb)]
        if steps.partition(", ")[0] not in STEPS:
            return steps
        if steps != "nothing":
            self._processes.report_request(job, event.verb, event.by, now)
        for step in steps.split(", "):
            STEPS[step](self._processes, job, event, wait_time, now)
        return OK


#: What can be done. Anything else in the table is the reason why the request is refused.
STEPS: dict[str, Callable[[Processes, Job, EntryRequested, float, float], None]] = {
    "nothing": lambda processes, job, event, *_: None,
    "end": lambda processes, job, event, *times: processes.end(job, STOPPED, *times),
    "end to restart": lambda processes, job, event, *times: processes.end(job, RESTARTED, *times),
    "hold": lambda processes, job, event, *_: processes.hold(job, event.by),
    "release": lambda processes, job, event, *_: processes.release(job, event.by),
    "call": lambda processes, job, event, *_: processes.call(job, event.by),
    "signal": lambda processes, job, event, *_: processes.signal(job, event.signal),
}
VERBS = (STOP, START, RESTART)
#: By the situation of the entry: the steps that stop, start and restart it.
TABLE = {
    rules.RUNS: ("end, hold", "nothing", "end to restart, release"),
    ENDING: ("hold", "release", "release"),
    OUTLASTS: ("end", "nothing", "end"),
    rules.LEAVING: ("hold", "release", "release"),
    rules.STOPPED: ("nothing", "release", "release"),
    rules.RESTS: ("hold", "release", "release"),
    rules.NO_TERMINAL: ("hold", "release", "release"),
    rules.HAS_RUN: ("nothing", "release", "release"),
    rules.NOT_TRIGGERED: ("nothing", "release", "release"),
    rules.DUE: ("hold", "nothing", "nothing"),
    BEHIND: ("hold", BEHIND, BEHIND),
    ON_DEMAND: ("nothing", "call", "call"),
    NO_PLACE: ("nothing", NO_PLACE, NO_PLACE),
    rules.EMPTY: ("nothing", EMPTY, EMPTY),
}
