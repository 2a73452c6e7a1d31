"""The rules: who may run, who must end and who is waited for (behaviour/inittab and behaviour/runlevels).

Each is a function of a job and a stage; nothing changes anything. What an action means stands in
``inittab.actions``.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL, ON_EVENT
from sysvinit_py.inittab.entry import DIGIT_LEVELS
from sysvinit_py.machine.stages import BOOT, SINGLE_USER, SYSINIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.machine.job import Job


def has_place(job: Job, stage: str) -> bool:
    """Whether the entry may run in the stage: by its levels, or called on demand.

    See behaviour/runlevels#on-demand.

    S has no place for what was called, nor for ondemand entries (behaviour/inittab#actions).
    """
    if job.rule.when not in (IN_LEVEL, ON_EVENT):
        return stage == job.rule.when
    if stage in DIGIT_LEVELS:
        return job.demanded or stage in job.entry.levels
    return stage == SINGLE_USER and job.entry.in_s


def answers(entry: Entry, letter: str) -> bool:
    """Whether a, b or c starts the entry: not what waits for an event (behaviour/runlevels#on-demand)."""
    return letter in entry.levels and entry.rule.when == IN_LEVEL


def must_end(job: Job, stage: str) -> bool:
    """Whether its process has to end in the stage. What boot entries started lives on.

    See behaviour/runlevels#who-ends.
    """
    return not job.rule.outlasts_stage and not has_place(job, stage)


def wants_start(job: Job) -> bool:
    """Whether an entry that has a place in the stage is to be started when its turn comes.

    See behaviour/inittab#actions.
    """
    if job.pid or job.rests_until or job.lacks_terminal or not job.entry.command:
        return False
    if job.rule.when == ON_EVENT:
        return job.called
    return job.rule.again or not job.has_run


def is_waited_for(job: Job) -> bool:
    """Whether the entry, its turn come, holds back all after it until its process has ended.

    See behaviour/boot#entries.
    """
    return job.rule.waited and (job.pid != 0 or job.forking)


def owns_console(entry: Entry, stage: str) -> bool:
    """Whether the console becomes its controlling terminal (behaviour/children#terminal)."""
    return entry.rule.owns_console and stage in (SYSINIT, BOOT, SINGLE_USER)


def ways_out(entries: tuple[Entry, ...]) -> dict[str, list[str]]:
    """The commands that halt and restart the machine, by level."""
    return {
        level: [
            entry.command
            for entry in entries
            if entry.rule.waited and entry.rule.when == IN_LEVEL and level in entry.levels
        ]
        for level in "06"
    }


def initdefault(entries: tuple[Entry, ...]) -> str:
    """The level of the first initdefault entry, the highest of several; may be invalid; none: empty."""
    for entry in entries:
        if entry.action == "initdefault":
            return max(entry.runlevels.upper() or "9")
    return ""
