"""The states of an entry, in the words that people are told, and which one an entry is in.

For those who ask: nothing here is needed to decide anything.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL
from sysvinit_py.inittab.entry import ON_DEMAND_LEVELS
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import UNKNOWN
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sysvinit_py.machine.job import Job


class State(Value):
    """A row of the table of states."""

    word: str
    well: bool  # nothing is wrong, and nothing is still to come
    code: int  # the exit status of who asked for this entry
    symbol: str  # + it runs, or is done; ~ it is on its way; - it does not run; ! it should, and cannot


#: All there are, also those of services and of what a person has asked for.
STATES = {
    state.word: state
    for state in (
        State("running", True, 0, "+"),
        State("stopping", True, 0, "~"),
        State("restarting", True, 0, "~"),
        State("stopped", True, 3, "-"),
        State("throttled", False, 1, "!"),
        State("no-terminal", False, 1, "!"),
        State("pending", False, 3, "~"),
        State("done", True, 0, "+"),
        State("failed", False, 1, "!"),
        State("triggered", True, 3, "~"),
        State("idle", True, 3, "-"),
        State("disabled", True, 3, "-"),
        State("inactive", True, 3, "-"),
    )
}
#: Those that a service may be in: sv can stop one that runs, as SIGSTOP does.
OF_SERVICES = STATES | {"paused": State("paused", True, 3, "-")}


class Case(Value):
    """What a verdict is called."""

    word: str
    verdict: str  # of rules.verdict
    condition: str = ""  # a key of CONDITIONS; empty: always


#: The first row that has the verdict, and whose condition is met.
CASES = (
    Case("restarting", rules.RUNS, "starts again by request"),
    Case("stopping", rules.RUNS, "told to end"),
    Case("running", rules.RUNS),
    Case("restarting", rules.LEAVING, "starts again by request"),
    Case("stopping", rules.LEAVING),
    Case("stopped", rules.STOPPED),
    Case("pending", rules.RESTS, "cannot fork"),
    Case("throttled", rules.RESTS),
    Case("no-terminal", rules.NO_TERMINAL),
    Case("failed", rules.HAS_RUN, "ended badly"),
    Case("done", rules.HAS_RUN),
    Case("idle", rules.NOT_TRIGGERED),
    Case("triggered", rules.DUE, "triggered by an event"),
    Case("pending", rules.DUE),
    Case("idle", rules.NO_PLACE, "has a letter a, b or c"),
    Case("inactive", rules.NO_PLACE),
    Case("disabled", rules.EMPTY),
)

#: Of a job, the stage, and whether the job is being ended.
CONDITIONS: dict[str, Callable[[Job, str, bool], bool]] = {
    "": lambda job, stage, stopping: True,
    "told to end": lambda job, stage, stopping: stopping,
    "starts again by request": lambda job, stage, stopping: (
        bool(job.leaving) and rules.starts_again(job, stage)
    ),
    "cannot fork": lambda job, stage, stopping: job.forking,
    "ended badly": lambda job, stage, stopping: job.status not in (0, UNKNOWN),
    "triggered by an event": lambda job, stage, stopping: job.pending_event,
    "has a letter a, b or c": lambda job, stage, stopping: (
        job.rule.when == IN_LEVEL and not set(ON_DEMAND_LEVELS).isdisjoint(job.entry.levels)
    ),
}


def state(job: Job, stage: str, stopping: bool = False) -> State:
    """Return what the job is doing in the stage; ``stopping``: it was told to end."""
    verdict = rules.verdict(job, stage)
    rows = (
        row for row in CASES if row.verdict == verdict and CONDITIONS[row.condition](job, stage, stopping)
    )
    return STATES[next(rows).word]


def holders(in_turn: Iterable[Job]) -> Iterator[tuple[Job, Job | None]]:
    """Yield each job of a stage with the one that has to end before its turn comes, if there is one."""
    holder = None
    for job in in_turn:
        yield job, holder
        if holder is None and rules.is_waited_for(job):
            holder = job
