"""The events that the machine handles."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.machine.job import Key
from sysvinit_py.value import Value


class Event(Value):
    """Base of all events."""


class Booted(Event):
    """Init has started as PID 1."""

    level: str = ""  # the level that the kernel's argument names; empty: none
    emergency: bool = False  # start a sulogin first
    consoles: tuple[Entry, ...] = ()  # init.autocon: entries for consoles that the inittab does not name


class Resumed(Event):
    """Init continues from a saved state, as after re-execution (behaviour/reexec#state)."""


class InittabRead(Event):
    """The answer to ReadInittab."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True  # False: a file is missing or cannot be read; it is used at boot only
    graces: tuple[tuple[str, float], ...] = ()  # by file: seconds to SIGKILL for a request to stop


class InittabNotRead(Event):
    """The other answer to ReadInittab: reading has failed, and the last reading stays in force."""

    reason: str


class Answer(Event):
    """An answer to Start: it is handled before any other event."""

    key: Key


class Started(Answer):
    """The entry runs."""

    pid: int


class CannotExecute(Answer):
    """The command does not exist, or cannot be executed."""

    command: str
    reason: str = ""


class CannotFork(Answer):
    """No process can be created now."""


class TerminalMissing(Answer):
    """The terminal that it needs does not exist."""


class TerminalsSeen(Event):
    """It was checked which of the terminals in ``Machine.terminals`` exist."""

    missing: tuple[str, ...]


class ChildExited(Event):
    """A child of init was reaped: an entry's process, or an orphan."""

    pid: int
    status: int  # as wait(2) gives it


class GroupGone(Event):
    """The answer to Probe if no process is left in the group."""

    group: int


class LevelRequested(Event):
    """telinit, or a similar program, requests a level, a, b, c, q or u.

    See behaviour/runlevels and behaviour/initctl.
    """

    level: str  # the character as sent
    wait_time: float  # seconds from SIGTERM to SIGKILL


class WaitTimeGiven(Event):
    """A request that is not for a level carried a wait time."""

    wait_time: float


class RereadRequested(Event):
    """SIGHUP: as LevelRequested("q"), but the wait time stays."""


class Called(Event):
    """One of actions.EVENTS has happened: power, ctrlaltdel, kbrequest or resume."""

    what: str


class EntryRequested(Event):
    """A request for one entry, which is answered (machine/steering.py)."""

    token: str  # identifies the answer
    verb: str
    id: str
    by: str  # the requester, as given by itself
    wait_time: float | None = None  # seconds from SIGTERM to SIGKILL; None: as the inittab says
    signal: int = 0


class VariablesGiven(Event):
    """INIT_* variables to set, or to unset if the value is None."""

    changes: tuple[tuple[str, str | None], ...]


class LevelAnswered(Event):
    """A line was typed in answer to the question for a level."""

    answer: str


class NoAnswer(Event):
    """The question for a level cannot be asked, as there is no console."""


class Tick(Event):
    """The machine's deadline has passed."""
