"""Carries out the effects of the machine."""

from __future__ import annotations

from sysvinit_py.linux import calls, terminals, title
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.stages import BOOT, SYSINIT
from sysvinit_py.pid1.groups import Groups
from sysvinit_py.pid1.outputs import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sysvinit_py.pid1.inputs.reader import Reader
    from sysvinit_py.pid1.inputs.terminals import TerminalWatch
    from sysvinit_py.pid1.outputs.accounting import Accounting
    from sysvinit_py.pid1.outputs.console import Console

RUNLEVEL_FILE = "/run/runlevel"

_NAMED_SIGNALS = {"TERM": calls.SIGTERM, "KILL": calls.SIGKILL}


class EffectRunner:
    """Carries out effects, each by a method of its own.

    report      writes a message to the console, to syslog, or to both
    is_running  returns whether a pid is that of an entry's process that was not reaped yet
    output      returns the descriptor for the output of a process, or CONSOLE
    now         returns the time for the machine
    """

    def __init__(
        self,
        console: Console,
        reader: Reader,
        accounting: Accounting,
        watch: TerminalWatch,
        environment: dict[str, str],
        report: Callable[..., None],
        is_running: Callable[[int], bool],
        output: Callable[[fx.Start], int],
        now: Callable[[], float],
    ) -> None:
        self.successor_wanted = False  # re-execution was requested; it follows at the end of the turn
        self._console = console
        self._reader = reader
        self._environment = environment
        self._report = report
        self._is_running = is_running
        self._output = output
        self._now = now
        self._groups = Groups()
        self._perform: dict[type[fx.Effect], Callable[[Any], ev.Event | None]] = {
            fx.ReadInittab: lambda effect: reader.start(now()),
            fx.Start: self._start,
            fx.WatchTerminals: lambda effect: watch.changed(),
            fx.Signal: self._signal,
            fx.Probe: self._probe,
            fx.Say: lambda effect: report(effect.text, effect.console, effect.log),
            fx.AskLevel: self._ask_level,
            fx.StopAsking: lambda effect: console.stop_asking(),
            fx.SaneConsole: lambda effect: console.make_sane(),
            fx.ShowStage: self._show_stage,
            fx.RecordBoot: lambda effect: accounting.boot(),
            fx.RecordLevel: lambda effect: accounting.level(effect.level, effect.old),
            fx.RecordStart: lambda effect: accounting.started(effect.id, effect.pid, effect.read_by_child),
            fx.RecordEnd: lambda effect: accounting.ended(effect.id, effect.pid),
            fx.Reexecute: self._want_successor,
        }

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        """Carry it out; return the answer, if there is one at once."""
        return self._perform[type(effect)](effect)

    def _start(self, effect: fx.Start) -> ev.Event:
        if effect.terminal and terminals.missing((effect.terminal,)):
            return ev.TerminalMissing(effect.key)
        try:
            output = self._output(effect)
            pid = spawn.start(effect, self._environment, self._console, self._report, output)
        except spawn.CannotExecuteError as error:
            return ev.CannotExecute(effect.key, error.command, error.reason)
        except spawn.CannotForkError:
            return ev.CannotFork(effect.key)
        return ev.Started(effect.key, pid)  # nothing else, as an error here would lose the child

    def _signal(self, effect: fx.Signal) -> None:
        self._groups.signalled()
        number = effect.name if isinstance(effect.name, int) else _NAMED_SIGNALS[effect.name]
        try:
            try:
                (calls.kill if effect.leader_only else calls.killpg)(effect.group, number)
            except ProcessLookupError:
                # A process that was just forked has not made its group yet.
                if self._is_running(effect.group):
                    calls.kill(effect.group, number)
        except OSError:
            pass  # it is gone

    def _probe(self, effect: fx.Probe) -> ev.Event | None:
        return ev.GroupGone(effect.group) if self._groups.is_gone(effect.group, self._now()) else None

    def _ask_level(self, effect: fx.AskLevel) -> ev.Event | None:
        return None if self._console.ask() else ev.NoAnswer()

    def _show_stage(self, effect: fx.ShowStage) -> None:
        title.show("init boot" if effect.stage in (SYSINIT, BOOT) else f"init [{effect.stage}]")
        if effect.stage == SYSINIT:
            return  # /run may not be mounted yet
        try:
            how = calls.O_WRONLY | calls.O_CREAT | calls.O_TRUNC | calls.O_NONBLOCK | calls.O_NOFOLLOW
            file = calls.open(RUNLEVEL_FILE, how, 0o644)
            try:
                calls.write(file, effect.stage.encode())
            finally:
                calls.close(file)
        except OSError:
            pass

    def _want_successor(self, effect: fx.Reexecute) -> None:
        self.successor_wanted = True
