"""What the machine wants done, in this order: PID 1 carries it out, a test or a simulator pretends to."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.job import Key
from sysvinit_py.value import Value


class Effect(Value):
    """Something is to be done."""


class ReadInittab(Effect):
    """Read the inittab; answered by InittabRead or InittabNotRead. Replaces a reading under way."""


class Start(Effect):
    """Start the entry's process, if its terminal is there.

    Answered by Started, CannotExecute, CannotFork or TerminalMissing, before any other event.
    """

    key: Key
    entry: Entry
    stage: str
    owns_console: bool
    runlevel: str
    prevlevel: str
    variables: tuple[tuple[str, str], ...]  # INIT_*
    terminal: str = ""  # the path of the terminal that it needs; empty: none


class WatchTerminals(Effect):
    """What terminals are waited for has changed (``Machine.awaited``); answered by TerminalsSeen, later."""


class Signal(Effect):
    """Send the signal, "TERM", "KILL" or a number, to the process group."""

    group: int
    name: str | int
    leader_only: bool = False


class Probe(Effect):
    """Look whether the process group still has members; answered by GroupGone if not."""

    group: int


class Say(Effect):
    """Tell people: on the console, in syslog, or both."""

    text: str
    console: bool = True
    log: bool = True


class AskLevel(Effect):
    """Ask ``Enter runlevel: `` on the console; answered by LevelAnswered or NoAnswer."""


class StopAsking(Effect):
    """The question has an answer from elsewhere."""


class SaneConsole(Effect):
    """Give the console its sane settings."""


class ShowStage(Effect):
    """The stage is a new one: for the process title and /run/runlevel."""

    stage: str


class RecordBoot(Effect):
    """Write the BOOT_TIME record."""


class RecordLevel(Effect):
    """Write a RUN_LVL record."""

    level: str
    old: str


class RecordStart(Effect):
    """Write an INIT_PROCESS record."""

    id: str
    pid: int
    read_by_child: bool = False  # as a getty does: the record is not to be put off


class RecordEnd(Effect):
    """Write a DEAD_PROCESS record."""

    id: str
    pid: int
    status: int


class Reexecute(Effect):
    """Become the /sbin/init that is there now, with this state."""
