"""Carries out the effects of a container's machine."""

from __future__ import annotations

from errno import EMFILE

from sysvinit_py.linux import calls, title
from sysvinit_py.linux.descendants import descendants
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.stages import BOOT, SYSINIT
from sysvinit_py.pid1.container.machine import OTHERS, Forward, LookForOthers, OthersGone, OthersLeft
from sysvinit_py.pid1.groups import Groups
from sysvinit_py.pid1.outputs import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.pid1.container.machine import ContainerMachine
    from sysvinit_py.pid1.container.relay import Relay
    from sysvinit_py.pid1.inputs.reader import Reader

#: The name of processes that end their children themselves: C's runsv, and the child of our runsvdir.
_SUPERVISOR = b"runsv"
_STDIN = 0
_TITLES = {SYSINIT: "init boot", BOOT: "init boot"}


class ContainerRunner:
    """Carries out effects, each by a method of its own.

    command  the entry that stands for the command, and its words
    """

    def __init__(
        self,
        machine: Callable[[], ContainerMachine],
        reader: Reader,
        relay: Relay,
        environment: Mapping[str, str],
        command: tuple[Entry | None, Sequence[str]],
        now: Callable[[], float],
    ) -> None:
        self._machine = machine
        self._relay = relay
        self._environment = dict(environment)
        self._command, self._words = command
        self._now = now
        self._groups = Groups()
        self._others_signal = calls.SIGTERM
        self._signalled: set[int] = set()  # of the others, by pid
        self._refused: set[int | None] = set()  # errors of starts that were reported
        self._perform: dict[type[fx.Effect], Callable[[Any], ev.Event | None]] = {
            fx.ReadInittab: lambda effect: reader.start(now()),
            fx.Start: self._start,
            fx.Signal: self._signal,
            fx.Probe: self._probe,
            fx.Say: self._say,
            fx.ShowStage: lambda effect: title.show(_TITLES.get(effect.stage, f"init [{effect.stage}]")),
            LookForOthers: self._look_for_others,
            Forward: self._forward,
        }

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        """Carry it out; return the answer, if there is one at once. Those for a machine are ignored."""
        perform = self._perform.get(type(effect))
        return perform(effect) if perform else None

    def _say(self, effect: fx.Say) -> None:
        if effect.console and effect.log:  # the others report normal operation
            self._relay.say(effect.text)

    # Starts.

    def _start(self, effect: fx.Start) -> ev.Event:
        try:
            pid = self._spawn(effect)
        except spawn.CannotExecuteError as error:
            return ev.CannotExecute(effect.key, error.command, error.reason)
        except spawn.CannotForkError:
            return ev.CannotFork(effect.key)
        except OSError as error:
            if error.errno not in self._refused:  # report it once, as it may last
                self._refused.add(error.errno)
                what = f"{error.strerror}: see ulimit -n" if error.errno == EMFILE else error.strerror
                self._relay.say(f"{effect.entry.id}: cannot be started, and is tried again: {what}")
            return ev.CannotFork(effect.key)
        return ev.Started(effect.key, pid)  # nothing else, as an error here would lose the child

    def _spawn(self, effect: fx.Start) -> int:
        variables = self._environment | dict(effect.variables)
        search = variables.get("PATH", spawn.PATH)
        variables |= {
            "INIT_VERSION": spawn.VERSION, "RUNLEVEL": effect.runlevel, "PREVLEVEL": effect.prevlevel,
        }  # fmt: skip
        if effect.entry is self._command:
            if calls.isatty(_STDIN):
                return self._on_terminal(variables, search)
            return self._captured(effect.entry.id, [*self._words], variables, search)
        words = spawn.words(effect.entry, effect.stage, search)
        nothing = open_nothing()
        try:
            return self._captured(effect.entry.id, words, variables, search, nothing)
        finally:
            calls.close(nothing)

    def _captured(
        self, name: str, words: list[str], variables: dict[str, str], search: str, stdin: int = _STDIN
    ) -> int:
        capture = self._relay.capture(name)
        try:
            ends = ((_STDIN, stdin), *capture.ends.items())  # also unchanged ones, which may be close-on-exec
            files = [(calls.POSIX_SPAWN_DUP2, fd, number) for number, fd in ends]
            capture.process = spawn.execute(words, variables, search, file_actions=files, setsid=True)
        finally:
            for fd in capture.owned:  # the process, if there is one, has copies now
                calls.close(fd)
        return capture.process

    def _on_terminal(self, variables: dict[str, str], search: str) -> int:
        """Start the command in the foreground of the terminal, and let init write to it all the same."""
        calls.signal(calls.SIGTTOU, calls.SIG_IGN)
        pid = spawn.execute([*self._words], variables, search, setpgroup=0)
        try:
            calls.tcsetpgrp(_STDIN, pid)
            calls.killpg(pid, calls.SIGCONT)  # it may have been stopped before it was in the foreground
        except OSError:
            pass  # not our controlling terminal, or the command has ended
        return pid

    # Signals.

    def _signal(self, effect: fx.Signal) -> None:
        self._groups.signalled()
        is_kill = effect.name == "KILL"
        if effect.group == OTHERS:
            self._others_signal, self._signalled = (calls.SIGKILL if is_kill else calls.SIGTERM), set()
            self._signal_others()
            return
        job = self._machine().running.get(effect.group)
        stop = job.entry.options.stop if job else 0
        number = effect.name if isinstance(effect.name, int) else stop or calls.SIGTERM
        try:
            (calls.kill if effect.leader_only else calls.killpg)(
                effect.group, calls.SIGKILL if is_kill else number
            )
        except OSError:
            pass  # it is gone

    def _probe(self, effect: fx.Probe) -> ev.Event | None:
        if effect.group != OTHERS:
            return ev.GroupGone(effect.group) if self._groups.is_gone(effect.group, self._now()) else None
        if not self._others():
            return ev.GroupGone(OTHERS)
        self._signal_others()
        return OthersLeft()

    def _others(self, supervisor: bytes = b"") -> set[int]:
        """Return the descendants that are not in the process group of an entry."""
        machine = self._machine()
        groups = {*machine.running, *machine.processes.endings.by_group}
        return {pid for pid in descendants(supervisor) if _group_of(pid) not in groups}

    def _signal_others(self) -> None:
        """Signal those that were not; supervisors end their children themselves, loggers last."""
        is_kill = self._others_signal == calls.SIGKILL
        pids = self._others(b"" if is_kill else _SUPERVISOR) - self._signalled
        self._signalled |= pids
        for pid in pids:
            kill(pid, self._others_signal)
            kill(pid, calls.SIGCONT)  # a stopped process handles no other signal

    def _look_for_others(self, effect: LookForOthers) -> ev.Event | None:
        try:
            calls.waitid(calls.P_ALL, 0, calls.WNOHANG | calls.WEXITED | calls.WNOWAIT)
        except OSError:
            return OthersGone()  # there are no children
        return None

    def _forward(self, effect: Forward) -> None:
        kill(effect.pid, effect.number)


def kill(pid: int, number: int) -> None:
    """Send a signal to a process, if it still exists."""
    try:
        calls.kill(pid, number)
    except OSError:
        pass  # it is gone


def _group_of(pid: int) -> int:
    """Return the process group; -1 if the process is gone."""
    try:
        return calls.getpgid(pid)
    except OSError:
        return -1
