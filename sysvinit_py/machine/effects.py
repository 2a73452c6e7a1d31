"""The effects that the machine requests: PID 1 carries them out, tests and the simulator emulate that."""

from __future__ import annotations

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.job import Key
from sysvinit_py.value import Value


class Effect(Value):
    """Base of all effects."""


class ReadInittab(Effect):
    """Read the inittab; answered by InittabRead or InittabNotRead. Replaces a reading in progress."""


class Start(Effect):
    """Start the entry's process, if its terminal exists.

    Answered by Started, CannotExecute, CannotFork or TerminalMissing, before any other event.
    """

    key: Key
    entry: Entry
    stage: str
    owns_console: bool
    runlevel: str
    prevlevel: str
    variables: tuple[tuple[str, str], ...]  # INIT_*
    terminal: str = ""  # path of the terminal that it needs; empty: none


class WatchTerminals(Effect):
    """Watch the terminals in ``Machine.awaited``, which has changed; answered by TerminalsSeen, later."""


class Signal(Effect):
    """Send the signal, "TERM", "KILL" or a number, to the process group."""

    group: int
    name: str | int
    leader_only: bool = False


class Probe(Effect):
    """Check whether the process group still has members; answered by GroupGone if not."""

    group: int


class Say(Effect):
    """Write a message to the console, to syslog, or to both."""

    text: str
    console: bool = True
    log: bool = True


class AskLevel(Effect):
    """Ask ``Enter runlevel: `` on the console; answered by LevelAnswered or NoAnswer."""


class StopAsking(Effect):
    """Withdraw that question, as the level was requested in another way."""


class SaneConsole(Effect):
    """Reset the settings of the console, as ``stty sane`` does."""


class ShowStage(Effect):
    """Show the new stage in the process title and in /run/runlevel."""

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
    read_by_child: bool = False  # as a getty does, so the record must not be deferred


class RecordEnd(Effect):
    """Write a DEAD_PROCESS record."""

    id: str
    pid: int
    status: int


class Reexecute(Effect):
    """Execute the present /sbin/init in place of this one, and pass the state on."""
