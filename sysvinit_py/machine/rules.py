"""The rules: what may run, what must end and what is waited for (behaviour/inittab and behaviour/runlevels).

They are functions of a job and a stage, without side effects. The properties of actions are in
``inittab.actions``.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import IN_LEVEL, NEVER, ON_EVENT
from sysvinit_py.inittab.entry import DIGIT_LEVELS
from sysvinit_py.machine.stages import BOOT, SINGLE_USER, SYSINIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.machine.job import Job


#: The verdicts: why an entry is started, or is not.
DUE = "due"  # it is started in its turn
RUNS = "runs"  # or is being started
LEAVING = "leaving"  # the rest of its process group is being ended
STOPPED = "stopped"  # by request
RESTS = "rests"  # in backoff, by the throttle or a failed fork
NO_TERMINAL = "no terminal"
HAS_RUN = "has run"  # and its action runs it once
NOT_TRIGGERED = "not triggered"  # by its event
NO_PLACE = "no place"  # it may not run in the stage
EMPTY = "empty"  # it has no command, or its action starts none


def verdict(job: Job, stage: str) -> str:
    """Return the verdict on an entry in the stage, regardless of the entries that it has to wait for."""
    if job.pid or job.leaving:
        return readiness(job)
    if not job.entry.command or job.rule.when == NEVER:
        return EMPTY
    return readiness(job) if has_place(job, stage) else NO_PLACE


def readiness(job: Job) -> str:
    """Return the verdict on an entry that may run in the stage (behaviour/inittab)."""
    if job.pid:
        return RUNS
    if job.leaving:
        return LEAVING
    if job.stopped:
        return STOPPED
    if job.rests_until:
        return RESTS
    if job.lacks_terminal:
        return NO_TERMINAL
    if not job.entry.command:
        return EMPTY
    if wants_run(job):
        return DUE
    return NOT_TRIGGERED if job.rule.when == ON_EVENT else HAS_RUN


def wants_run(job: Job) -> bool:
    """Return whether the marks say that the entry has to be started, if it does not run."""
    if job.rule.when == ON_EVENT:
        return job.pending_event
    return not job.stopped and (job.rule.again or not job.has_run)


def starts_again(job: Job, stage: str) -> bool:
    """Return whether the entry is restarted in the stage when its process ends."""
    return wants_run(job) and has_place(job, stage)


def has_place(job: Job, stage: str) -> bool:
    """Return whether the entry may run in the stage: by its levels, or because it was started on demand.

    See behaviour/runlevels#on-demand. In S that does not count, and ondemand entries may not run
    (behaviour/inittab#actions).
    """
    if job.rule.when not in (IN_LEVEL, ON_EVENT):
        return stage == job.rule.when
    if stage in DIGIT_LEVELS:
        return job.on_demand or stage in job.entry.levels
    return stage == SINGLE_USER and job.entry.in_s


def answers(entry: Entry, letter: str) -> bool:
    """Return whether a, b or c starts the entry (behaviour/runlevels#on-demand)."""
    return letter in entry.levels and entry.rule.when == IN_LEVEL


def must_end(job: Job, stage: str) -> bool:
    """Return whether its process has to end in the stage. Those of boot entries keep running.

    See behaviour/runlevels#who-ends.
    """
    return not job.rule.outlasts_stage and not has_place(job, stage)


def is_waited_for(job: Job) -> bool:
    """Return whether the entry holds back all entries after it until its process has ended.

    See behaviour/boot#entries.
    """
    return job.rule.waited and (job.pid != 0 or job.forking or (job.leaving != 0 and wants_run(job)))


def owns_console(entry: Entry, stage: str) -> bool:
    """Return whether the console becomes its controlling terminal (behaviour/children#terminal)."""
    return entry.rule.owns_console and stage in (SYSINIT, BOOT, SINGLE_USER)


def cannot_execute(entry: Entry, command: str, reason: str) -> str:
    """Return the message: as C sysvinit has it, then the reason and the entry."""
    why = f": {reason}" if reason else ""
    where = f", {entry.place}" if entry.file else ""
    return f'cannot execute "{command}"{why} (id {entry.id}{where})'


def ways_out(entries: tuple[Entry, ...]) -> dict[str, list[str]]:
    """Return the commands of levels 0 and 6, which halt and restart the machine, by level."""
    return {
        level: [
            entry.command
            for entry in entries
            if entry.rule.waited and entry.rule.when == IN_LEVEL and level in entry.levels
        ]
        for level in "06"
    }


def initdefault(entries: tuple[Entry, ...]) -> str:
    """Return the highest level of the first initdefault entry, which may be invalid; empty: no entry."""
    for entry in entries:
        if entry.action == "initdefault":
            return max(entry.runlevels.upper() or "9")
    return ""
