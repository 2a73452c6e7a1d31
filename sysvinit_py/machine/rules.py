"""The rules: what each action means, and who may run, who must end and who is waited for (SPEC 1 and 3).

A *stage* is where the machine stands: SYSINIT, BOOT, or the character of a level. Everything here is
a table, or a function of an entry, its marks and a stage; nothing changes anything.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import DIGIT_LEVELS, LEVELS, Entry
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.machine.job import Job

SYSINIT = "#"
BOOT = "*"
SINGLE_USER = "S"
NO_LEVEL = "N"  # what PREVLEVEL says before there was a level

#: Level characters of a request that start entries on demand, by what is asked for.
ON_DEMAND = {"a": "a", "b": "b", "c": "c", "A": "a", "B": "b", "C": "c"}
#: Level characters of a request that name a level to enter.
ENTERABLE = {level: level for level in LEVELS} | {"s": SINGLE_USER}
#: Level characters of a request that name none.
REREAD = ("q", "Q")
REEXECUTE = ("u", "U")
REQUESTS = (*ENTERABLE, *ON_DEMAND, *REREAD, *REEXECUTE)

#: On entering these the console gets sane settings.
SANE_CONSOLE_LEVELS = "S016"

AT_SYSINIT, AT_BOOT, IN_LEVEL, ON_EVENT, NEVER = "sysinit", "boot", "level", "event", "never"


class Rule(Value):
    """What an action means (inittab(5); the table of SPEC 1)."""

    when: str  # AT_SYSINIT, AT_BOOT, IN_LEVEL, ON_EVENT or NEVER
    waited: bool = False  # what comes after it waits for its end
    again: bool = False  # started whenever it ends
    first: bool = False  # goes before all entries that do not


RULES = {
    "sysinit": Rule(AT_SYSINIT, waited=True),
    "boot": Rule(AT_BOOT),
    "bootwait": Rule(AT_BOOT, waited=True),
    "initdefault": Rule(NEVER),
    "wait": Rule(IN_LEVEL, waited=True),
    "once": Rule(IN_LEVEL),
    "respawn": Rule(IN_LEVEL, again=True),
    "ondemand": Rule(IN_LEVEL, again=True),
    "off": Rule(NEVER),
    "powerwait": Rule(ON_EVENT, waited=True, first=True),
    "powerfail": Rule(ON_EVENT, first=True),
    "powerokwait": Rule(ON_EVENT, waited=True, first=True),
    "powerfailnow": Rule(ON_EVENT, waited=True, first=True),
    "ctrlaltdel": Rule(ON_EVENT, waited=True, first=True),
    "kbrequest": Rule(ON_EVENT),
    "resume": Rule(ON_EVENT),
}

#: Where the actions have their place whose levels are ignored.
_STAGE_OF = {AT_SYSINIT: SYSINIT, AT_BOOT: BOOT, NEVER: ""}

#: Which actions an event calls.
CALLS = {
    "power failed": ("powerwait", "powerfail"),
    "power low": ("powerfailnow",),
    "power ok": ("powerokwait",),
    "ctrlaltdel": ("ctrlaltdel",),
    "kbrequest": ("kbrequest",),
    "resume": ("resume",),
}

#: Throttle: so many starts in so many seconds, then a rest of so many.
STARTS_ALLOWED, WINDOW, REST = 10, 120.0, 300.0

#: Seconds from SIGTERM to SIGKILL until a request says otherwise.
WAIT_TIME = 5.0
#: Seconds after SIGKILL until a group that is still there is given up.
HANG_TIME = 0.5
#: Seconds between two looks at a group whose leader has ended.
PROBE_TIME = 0.02
#: Seconds until a fork that failed is tried again.
FORK_RETRY = 1.0
#: INIT_* variables kept at most.
MAX_VARIABLES = 16


def stages(entry: Entry) -> str:
    """The stages that it names, as people and scripts read them: its levels, ``#`` or ``*``."""
    return _STAGE_OF.get(RULES[entry.action].when, entry.runlevels or entry.levels)


def has_place(job: Job, stage: str) -> bool:
    """Whether the entry may run in the stage: by its levels, or called on demand (SPEC 3).

    S has no place for what was called, nor for ondemand entries (SPEC 1).
    """
    entry = job.entry
    if RULES[entry.action].when in _STAGE_OF:
        return stage == stages(entry)
    if stage in DIGIT_LEVELS:
        return job.demanded or stage in entry.levels
    return stage == SINGLE_USER and entry.action != "ondemand" and stage in entry.levels


def answers(entry: Entry, letter: str) -> bool:
    """Whether a, b or c starts the entry: not what waits for an event (SPEC 3)."""
    return letter in entry.levels and RULES[entry.action].when == IN_LEVEL


def must_end(job: Job, stage: str) -> bool:
    """Whether its process has to end in the stage (SPEC 3). What boot entries started lives on."""
    return not outlasts_stage(job) and not has_place(job, stage)


def wants_start(job: Job) -> bool:
    """Whether an entry that has a place in the stage is to be started when its turn comes (SPEC 1)."""
    rule = RULES[job.entry.action]
    if job.pid or job.rests_until or job.lacks_terminal or not job.entry.command:
        return False
    if rule.when == ON_EVENT:
        return job.called
    return rule.again or not job.has_run


def is_waited_for(job: Job) -> bool:
    """Whether the entry, its turn come, holds back all after it until its process has ended (SPEC 2)."""
    return RULES[job.entry.action].waited and (job.pid != 0 or job.forking)


def outlasts_stage(job: Job) -> bool:
    """Whether it lives on when a stage is over, or left: what boot entries start does (SPEC 2.4)."""
    return job.entry.action == "boot"


def owns_console(entry: Entry, stage: str) -> bool:
    """Whether the console becomes its controlling terminal (SPEC 7).

    Event entries do not take it from the sulogin of level S, as C's do.
    """
    rule = RULES[entry.action]
    return rule.waited and rule.when != ON_EVENT and stage in (SYSINIT, BOOT, SINGLE_USER)


def ways_out(entries: tuple[Entry, ...]) -> dict[str, list[str]]:
    """The commands that halt and restart the machine, by level."""
    return {
        level: [entry.command for entry in entries if entry.action == "wait" and level in entry.levels]
        for level in "06"
    }


def initdefault(entries: tuple[Entry, ...]) -> str:
    """The level of the first initdefault entry, the highest of several; may be invalid; none: empty."""
    for entry in entries:
        if entry.action == "initdefault":
            return max(entry.runlevels.upper() or "9")
    return ""
