"""What an inittab means in a container: the roles of entries, the exit status, what is refused.

The functions have no side effects. See behaviour/container.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import ACTIONS, AT_BOOT, AT_SYSINIT, IN_LEVEL
from sysvinit_py.inittab.entry import DIGIT_LEVELS, SULOGIN
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sysvinit_py.inittab.entry import Entry, Problem, Reading
    from sysvinit_py.machine.job import Job

#: The roles of entries, by what follows from the end of their process.
SETUP = "set-up"  # if it has failed the container ends
SERVICE = "service"  # it is restarted; when it is throttled the container ends
BESIDE = "beside"  # nothing
MAIN = "main"  # the container ends
NEVER = "never"  # it is not started in a container
#: By three properties of the action: when, waited, again.
ROLES = {
    (AT_SYSINIT, True, False): SETUP,
    (AT_BOOT, True, False): SETUP,
    (AT_BOOT, False, False): SETUP,
    (IN_LEVEL, True, False): SETUP,
    (IN_LEVEL, False, True): SERVICE,
    (IN_LEVEL, False, False): BESIDE,
}

#: The level if there is no initdefault entry.
DEFAULT_LEVEL = "2"
#: Levels that end the container.
STOP_LEVELS = ("0", "6")
#: Programs in entries of level 0 that have no meaning in a container, so that these entries are skipped.
PASSED_OVER = ("halt", "poweroff", "reboot", "shutdown")
#: Seconds from a request to stop to SIGKILL: less than the ten seconds that engines wait.
GRACE = 8.0

_NO_SUCH_FILE = "No such file or directory"  # strerror(3) in the C locale, which Python does not change

#: Exit statuses (behaviour/container#exit-status).
FAILED, REFUSED, OWN_ERROR, NOT_EXECUTABLE, NOT_FOUND, BY_SIGNAL, KILLED = 1, 2, 70, 126, 127, 128, 137


def role(entry: Entry) -> str:
    """Return the role of the entry."""
    rule = entry.rule
    found = ROLES.get((rule.when, rule.waited, rule.again), NEVER)
    return MAIN if entry.options.main and found in (SERVICE, BESIDE) else found


def main_is_misplaced(entry: Entry) -> bool:
    """Return whether it has the option main, but cannot have that role. In an off entry it is allowed."""
    return entry.options.main and entry.action != "off" and role(entry) != MAIN


def cleans_up(entry: Entry, level: str) -> bool:
    """Return whether it is started when all others have ended: a wait entry that names the level."""
    program = entry.command.partition(" ")[0].rpartition("/")[2]
    waited = entry.rule.when == IN_LEVEL and entry.rule.waited
    return waited and level in entry.runlevels and program not in PASSED_OVER


def code_of(status: int) -> int:
    """Return the exit code for a wait status, as a shell does."""
    signal = status & 0x7F
    return BY_SIGNAL + signal if signal else status >> 8


def code_of_reason(reason: str) -> int:
    """Return the exit code for a command that cannot be executed, as a shell does."""
    return NOT_FOUND if reason == _NO_SUCH_FILE else NOT_EXECUTABLE


def own_code(code: int, signals: Iterable[int]) -> int:
    """Return the code of a main process that was sent these signals: 0 if one of them has ended it."""
    return 0 if code in [BY_SIGNAL + signal for signal in signals] else code


def exit_status(given: int | None, main: int, killed: bool) -> int:
    """Return the exit status of the container.

    given   the code, if it is determined already; None: a stop was requested
    main    the code of the main process
    killed  whether anything had to be killed
    """
    return given if given is not None else main or (KILLED if killed else 0)


def first_failure(jobs: Iterable[Job]) -> int:
    """Return the first exit code that is not 0, in the order of the file; else 0."""
    codes = (code_of(job.status) for job in jobs if job.status != UNKNOWN)
    return next((code for code in codes if code), 0)


# What is refused.


def level_of(entries: tuple[Entry, ...]) -> str:
    """Return the level to enter, which may be invalid."""
    return rules.initdefault(entries) or DEFAULT_LEVEL


def refusals(reading: Reading, level: str, command: bool) -> Iterator[str]:
    """Yield the reasons why the inittab cannot be used in the level, with or without a command."""
    if reading.missing:
        yield "no inittab: neither /etc/inittab nor /etc/inittab.d/*.tab"
        return
    yield from (fault(problem, guess=True) for problem in reading.problems)
    yield from bad_level(level or level_of(reading.entries), "--level" if level else "initdefault")
    level = level or level_of(reading.entries)
    yield from unusable(reading.entries, level, command)


def unusable(listed: Iterable[Entry], level: str, command: bool) -> Iterator[str]:
    """Yield the reasons why entries without faults cannot be used in the level."""
    entries = [entry for entry in listed if entry != SULOGIN]
    in_level = (e for e in entries if role(e) != NEVER and e.rule.when == IN_LEVEL and e.command)
    if not command and not any(level in entry.levels for entry in in_level):
        yield f"nothing to run in level {level}"
    for entry in filter(main_is_misplaced, entries):
        where = f"{entry.file}:{entry.line}: {entry.id}"
        yield f"{where}: main above a {entry.action} entry: expected a respawn or once entry"
    marked = [entry.id for entry in entries if role(entry) == MAIN]
    if command and marked:
        yield f"two mains: {marked[0]} is marked, and a command was given"


def bad_level(level: str, what: str) -> Iterator[str]:
    """Yield what is wrong with a level; ``what`` is where it was given."""
    if level == "S":
        yield "level S has no place in a container"
    elif level in STOP_LEVELS:
        yield f"{what} {level} would end the container at once"
    elif level not in [*DIGIT_LEVELS]:
        yield f"{what} {level}: no such level"


def fault(problem: Problem, guess: bool = False) -> str:
    """Return the message for a problem of an inittab; ``guess``: suggest an action if it is unknown."""
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    word, unknown, _ = problem.reason.partition(": unknown action field")
    reason = f"{word}: no such action{_meant(word) if guess else ''}" if unknown else problem.reason
    return f"{where}: {reason}" if where else reason


def _meant(word: str) -> str:
    """Return the action that may be meant. Imports difflib, so call it only before init serves."""
    try:
        from difflib import get_close_matches
    except ImportError:  # python3-minimal
        return ""
    close = get_close_matches(word[:40].lower(), ACTIONS, 1, 0.6)
    return f" ({close[0]}?)" if close else ""
