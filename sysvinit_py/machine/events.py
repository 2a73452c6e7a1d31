"""What happens to the machine: the events it is told of, with the time they are told at."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.machine.job import Key
from sysvinit_py.value import Value


class Event(Value):
    """Something happened."""


class Booted(Event):
    """Init has started as PID 1."""

    level: str = ""  # the kernel's argument: a level to enter; empty: none
    emergency: bool = False  # a sulogin before all else
    consoles: tuple[Entry, ...] = ()  # init.autocon: entries for consoles that the inittab does not name


class Resumed(Event):
    """Init goes on from a saved state, as PID 1 that was re-executed (behaviour/reexec#state)."""


class InittabRead(Event):
    """The answer to ReadInittab."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True  # False: something is missing or cannot be read; that is good enough at boot only
    graces: tuple[tuple[str, float], ...] = ()  # of files: how long a request to stop an entry waits


class InittabNotRead(Event):
    """The other answer to ReadInittab: it is missing, or cannot be read; what was read before stands."""

    reason: str


class Answer(Event):
    """An answer to Start: it is told before any other event."""

    key: Key


class Started(Answer):
    """The entry runs."""

    pid: int


class CannotExecute(Answer):
    """There is no such command, or it is not one."""

    command: str
    reason: str = ""


class CannotFork(Answer):
    """No process can be made now."""


class TerminalMissing(Answer):
    """The terminal that it needs does not exist."""


class TerminalsSeen(Event):
    """Somebody has looked which of the terminals exist that the machine names in ``terminals``."""

    missing: tuple[str, ...]


class ChildExited(Event):
    """A child of init has ended and was reaped: an entry's, or an orphan."""

    pid: int
    status: int  # as wait(2) gives it


class GroupGone(Event):
    """The answer to Probe when no process is left in the group."""

    group: int


class LevelRequested(Event):
    """telinit, or a program like it, asks for a level, a b c, q, or u.

    See behaviour/runlevels and behaviour/initctl.
    """

    level: str  # the character it sent
    wait_time: float  # seconds between SIGTERM and SIGKILL


class WaitTimeGiven(Event):
    """A request that asks for no level carried a wait time all the same."""

    wait_time: float


class RereadRequested(Event):
    """SIGHUP: as LevelRequested("q"), with the wait time there is."""


class Called(Event):
    """Power, ctrlaltdel, kbrequest or resume: one of actions.EVENTS."""

    what: str


class EntryRequested(Event):
    """Somebody asks for something to be done with one entry, and awaits an answer (machine/steering.py)."""

    token: str  # of the answer
    verb: str
    id: str
    by: str  # who asks, as they say
    wait_time: float | None = None  # from SIGTERM to SIGKILL; None: as the inittab says
    signal: int = 0


class VariablesGiven(Event):
    """INIT_* variables to set, or to unset where there is no value."""

    changes: tuple[tuple[str, str | None], ...]


class LevelAnswered(Event):
    """Somebody has typed a line at the question for a level."""

    answer: str


class NoAnswer(Event):
    """There is no console to ask on."""


class Tick(Event):
    """The machine's deadline has come."""
