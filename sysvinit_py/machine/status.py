"""What a job is doing and why, in the words that people are told; and what the machine waits for.

For those who ask: nothing here is needed to decide anything.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL
from sysvinit_py.inittab.entry import ON_DEMAND_LEVELS
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import UNKNOWN, Job
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.machine import Machine


class State(Value):
    """A row of the table of states."""

    word: str
    verdict: str  # of rules.verdict
    condition: str = ""  # a key of CONDITIONS; empty: always


#: What a verdict is called: the first row that has it, and whose condition is met.
STATES = (
    State("stopping", rules.RUNS, "told to end"),
    State("running", rules.RUNS),
    State("pending", rules.RESTS, "cannot fork"),
    State("throttled", rules.RESTS),
    State("no-terminal", rules.NO_TERMINAL),
    State("failed", rules.HAS_RUN, "ended badly"),
    State("done", rules.HAS_RUN),
    State("idle", rules.NOT_TRIGGERED),
    State("triggered", rules.DUE, "triggered by an event"),
    State("pending", rules.DUE),
    State("idle", rules.NO_PLACE, "has a letter a, b or c"),
    State("inactive", rules.NO_PLACE),
    State("disabled", rules.EMPTY),
)

CONDITIONS: dict[str, Callable[[Machine, Job], bool]] = {
    "": lambda machine, job: True,
    "told to end": lambda machine, job: job.pid in machine.processes.endings,
    "cannot fork": lambda machine, job: job.forking,
    "ended badly": lambda machine, job: job.status not in (0, UNKNOWN),
    "triggered by an event": lambda machine, job: job.pending_event,
    "has a letter a, b or c": lambda machine, job: (
        job.rule.when == IN_LEVEL and not set(ON_DEMAND_LEVELS).isdisjoint(job.entry.levels)
    ),
}

#: What the machine as a whole waits for, before it starts anything more: the first that is so.
INITTAB, ANSWER, ENDS, JOB, NOTHING = "the inittab", "an answer", "ends", "a job", ""


class Wait(Value):
    """What is waited for, and the ids of the entries that it depends on."""

    what: str  # INITTAB, ANSWER, ENDS, JOB or NOTHING
    ids: tuple[str, ...] = ()


def state(machine: Machine, job: Job) -> str:
    """Return the word for what the job is doing."""
    verdict = rules.verdict(job, machine.position.stage)
    rows = (row for row in STATES if row.verdict == verdict and CONDITIONS[row.condition](machine, job))
    return next(rows).word


def held_back_by(machine: Machine, job: Job) -> Job | None:
    """Return the job that has to end before this one's turn comes, if any."""
    jobs = machine.processes.run_queue.jobs
    before = jobs[: jobs.index(job)] if job in jobs else []
    return next(filter(rules.is_waited_for, before), None)


def waits_for(machine: Machine) -> Wait:
    """Return what has to happen before the machine starts anything more."""
    if machine.must_read:
        return Wait(INITTAB)
    if machine.asking:
        return Wait(ANSWER)
    if machine.processes.endings:
        return Wait(
            ENDS,
            tuple(
                ending.entry_id for ending in machine.processes.endings.by_group.values() if not ending.alone
            ),
        )
    waited = filter(rules.is_waited_for, machine.processes.run_queue.jobs)
    return next((Wait(JOB, (job.entry.id,)) for job in waited), Wait(NOTHING))
