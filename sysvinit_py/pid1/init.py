"""PID 1: tells the machine what happens, and carries out what it answers. One poll(2) waits for all."""

from __future__ import annotations

import time

from sysvinit_py import __version__
from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import CHANGED, READABLE, WRITABLE, Waiting
from sysvinit_py.linux.proc import kernel_command_line
from sysvinit_py.linux.signals import HANDLED, SHUTDOWN, Signals
from sysvinit_py.linux.syslog import Syslog
from sysvinit_py.linux.terminals import Watch
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import rules
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.machine import Machine
from sysvinit_py.pid1 import arguments, environment
from sysvinit_py.pid1.effect_runner import Performer
from sysvinit_py.pid1.inputs.fifo import Fifo
from sysvinit_py.pid1.inputs.reader import Reader
from sysvinit_py.pid1.inputs.requests import events_of
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.accounting import Accounting
from sysvinit_py.pid1.outputs.console import Console
from sysvinit_py.pid1.survival import barrier, handover, last_resort
from sysvinit_py.pid1.survival.barrier import Errors, quietly
from sysvinit_py.protocol.initctl import Bogus
from sysvinit_py.protocol.state import Saved, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Children reaped before something else gets its turn, so that a flood of them leaves time for it.
_REAPED_AT_ONCE = 1000
#: Seconds after orphans and nothing else: they come in storms, and the next ones are taken together.
_LULL = 0.001
#: Seconds to wait after an error of our own, so that one which repeats itself does not eat the machine.
_AFTER_ERROR = 0.1
#: How much may fail before the rest is left alone.
_FAILURES = 3


class Init:
    """The process with pid 1."""

    def __init__(self, argv: list[str], program: str) -> None:
        self._argv = argv
        self._errors = Errors(argv)
        self._handed = b""  # the state that the previous init has left, until the machine has it
        self._begun = False  # the machine has it, or the boot
        self._signals = Signals()
        self._waiting = Waiting()
        self._inherited = environment.environment()
        self._console = Console(self._inherited)
        self._syslog = Syslog()
        self._fifo = Fifo(self._say)
        self._reader = Reader(program, pause=self._collect, warn=self._say)
        self._accounting = Accounting()
        self._watch = Watch()
        self._arguments = arguments.parse(argv)
        self._environment = spawn.base_environment(self._inherited, self._console.path, self._arguments.auto)
        self._performer = Performer(
            self._console, self._reader, self._accounting, self._watch, self._environment,
            say=self._say, is_running=lambda pid: pid in self._machine.running, now=_now,
        )  # fmt: skip
        self._driver = Driver(Machine(), self._performer.perform, _now, between=self._collect)
        self._on_signal: dict[int, Callable[[], None]] = {
            calls.SIGCHLD: self._reap,
            calls.SIGUSR2: self._fifo.shut,
            calls.SIGUSR1: self._fifo.reopen,  # last, so that both at once leave init reachable
            calls.SIGHUP: lambda: self._feed(ev.RereadRequested()),
            calls.SIGINT: lambda: self._feed(ev.Called("ctrlaltdel")),
            calls.SIGWINCH: lambda: self._feed(ev.Called("kbrequest")),
            calls.SIGPWR: lambda: self._feed(ev.Called(environment.power(self._say))),
            SHUTDOWN: self._shut_down,
        }

    @property
    def _machine(self) -> Machine:
        return self._driver.machine

    # The loop.

    def run(self) -> None:
        """Boot, and serve forever. Nothing ends this: see _after_error."""
        for step in (
            environment.prepare, self._fifo.keep, self._begin,
            environment.take_keys, self._fifo.begin_watching, handover.keep_place,
        ):  # fmt: skip
            self._guarded(step)
        while True:
            self._guarded(self._turn)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # whatever it is, PID 1 must not end
            self._after_error(error)

    def _turn(self) -> None:
        """Wait until something happens, and see to it: signals and children first."""
        ready = self._wait()
        if self._signals.fd in ready:
            self._signals.read()
        if self._signals.paused:
            return
        for number, act in self._on_signal.items():
            if self._signals.take(number):
                act()
        if ready - {self._signals.fd}:
            self._serve(ready)
        self._take_time()
        if self._performer.successor_wanted:
            self._performer.successor_wanted = False
            self._reexecute()

    def _serve(self, ready: set[int]) -> None:
        """See to the descriptors that are ready, after a look whether the FIFO is still in its place."""
        if self._fifo.watch in ready:
            self._fifo.read_watch()
        if self._fifo.mounts in ready:
            self._accounting.write_all()
        if self._machine.awaited and ready & {self._watch.fd, self._fifo.mounts}:
            self._watch.changed()
        self._fifo.keep()
        if self._fifo.fd in ready:
            self._take_requests()
        if self._console.writing in ready:
            self._console.write_more()
        if self._console.asking in ready:
            self._take_answer()
        if self._reader.pipe in ready:
            self._feed(self._reader.read(_now()))

    def _wait(self) -> set[int]:
        """Wait for a descriptor, a signal, or the next deadline; return the descriptors that are ready."""
        signals = (self._signals.fd, READABLE)
        if self._signals.paused:
            return self._waiting.wait((signals,), None)
        wanted = (
            signals,
            (self._fifo.fd, READABLE),
            (self._fifo.watch, READABLE),
            (self._fifo.mounts, CHANGED),
            (self._watch.fd, READABLE),
            (self._console.writing, WRITABLE),
            (self._console.asking, READABLE),
            (self._reader.pipe, READABLE),
        )
        return self._waiting.wait(wanted, self._patience())

    def _patience(self) -> float | None:
        """Seconds to the next deadline; None: there is none."""
        if self._signals.arrived:
            return 0.0
        deadlines = [
            source.deadline
            for source in (self._machine, self._reader, self._fifo, self._watch)
            if source.deadline is not None
        ]
        return max(0.0, min(deadlines) - _now()) if deadlines else None

    def _take_time(self) -> None:
        now = _now()
        if self._reader.deadline is not None and self._reader.deadline <= now:
            self._feed(self._reader.time_passed(now))
        if self._fifo.deadline is not None and self._fifo.deadline <= now:
            self._fifo.keep()
        if self._watch.deadline is not None and self._watch.deadline <= now:
            self._look_for_terminals()
        if self._machine.deadline is not None and self._machine.deadline <= now:
            self._feed(ev.Tick())

    def _feed(self, event: ev.Event | None) -> None:
        """Tell the machine, and do all that follows from that."""
        if event is not None:
            self._driver.add(event)
        self._work_off()

    def _work_off(self) -> None:
        self._driver.work()
        self._accounting.write()

    # The barrier.

    def _after_error(self, error: BaseException) -> None:
        """Say it, and go on in a new process image; when that did not help, as the last resort."""
        for tell in (barrier.tell_kernel, self._say):
            quietly(barrier.tell, tell, error)
        quietly(self._driver.recover, _FAILURES)
        quietly(self._accounting.write)
        if self._errors.healed(_now()):
            quietly(self._hand_over, self._errors.argument)
        else:
            last_resort.serve(self._say, self._rescue, rules.ways_out(self._machine.entries), HANDLED)
        quietly(calls.sleep, _AFTER_ERROR)  # here still, so it could not be

    def _rescue(self) -> None:
        """Become a new init with as much as can be told of what there was."""
        for state in (self._state, lambda: handover.minimal_state(self._machine, calls.SIGHUP)):
            try:
                self._execute(state())
            except OSError as refusal:
                self._say(f"Attempt to re-exec failed: {refusal.strerror}", log=False)
                return
            except Exception as error:
                barrier.tell(barrier.tell_kernel, error)

    # Boot.

    def _begin(self) -> None:
        """Boot, unless the previous init has left a state to go on with."""
        if handover.OPTION in self._argv:
            self._handed = handover.take_over()
        else:
            handover.keep_place()  # the first children run before the end of this
        try:
            saved = decode(self._handed) if self._handed else None
        except ValueError as error:
            saved = None
            self._say(f"the state of the previous init cannot be read, booting: {error}")
        if saved is None:
            self._boot()
        else:
            self._go_on(saved)

    def _go_on(self, saved: Saved) -> None:
        """Take over the children and all that the previous init knew (behaviour/reexec)."""
        self._driver.machine = machine = handover.machine_from_saved(saved, self._inherited)
        self._driver.add(*(ev.ChildExited(pid, 0) for pid in machine.running if not handover.is_child(pid)))
        self._driver.add(ev.Resumed(), ev.Tick())
        self._signals.add({number for number in HANDLED if saved.signals >> number & 1} | {calls.SIGCHLD})
        self._begun = True
        self._say(f"version {__version__} reloading", log=False)
        self._performer.perform(fx.ShowStage(machine.position.stage))
        if not (saved.boot_in_utmp and saved.boot_in_wtmp):
            self._accounting.boot()
        if not (saved.runlevel_in_utmp and saved.runlevel_in_wtmp):
            self._accounting.level(machine.position.runlevel, machine.position.prevlevel)
        self._work_off()

    def _boot(self) -> None:
        given = self._arguments
        consoles = arguments.consoles(kernel_command_line())
        self._driver.add(ev.VariablesGiven(tuple(handover.variables_of(self._inherited).items())))
        self._driver.add(ev.Booted(given.level, given.emergency, consoles))
        self._begun = True
        self._accounting.create()
        self._work_off()

    # What happens.

    def _reap(self) -> None:
        """Take all children that have ended, and see to what follows from that."""
        orphans = self._collect()
        if not self._driver.idle:
            self._work_off()
        elif orphans:
            calls.sleep(_LULL)

    def _collect(self) -> int:
        """Take the children that have ended: the entries', which the machine is told later, and the orphans.

        Returns how many orphans there were.
        """
        running = self._machine.running
        orphans = 0
        for _ in range(_REAPED_AT_ONCE):
            try:
                pid, status = calls.waitpid(-1, calls.WNOHANG)
            except OSError:
                return orphans  # no children
            if not pid:
                return orphans
            if pid in running:
                self._driver.add(ev.ChildExited(pid, status))
            else:
                orphans += 1
                self._reader.child_exited(pid)
        self._signals.add([calls.SIGCHLD])  # there may be more
        return orphans

    def _shut_down(self) -> None:
        try:
            spawn.run(spawn.SHUTDOWN, self._environment, self._console)
        except (spawn.CannotExecuteError, spawn.CannotForkError) as error:
            why = f": {error.reason}" if isinstance(error, spawn.CannotExecuteError) else ""
            self._say(f'cannot execute "{spawn.SHUTDOWN[0]}"{why}')

    def _take_requests(self) -> None:
        for request in self._fifo.read():
            if isinstance(request, Bogus):
                self._say("got bogus initrequest")
                continue
            events = events_of(request, self._machine)
            if not events:
                self._say("got unimplemented initrequest.")
            for event in events:
                self._feed(event)

    def _take_answer(self) -> None:
        try:
            answer = self._console.answer()
        except EOFError:
            self._feed(ev.NoAnswer())
            return
        if answer is not None:
            self._feed(ev.LevelAnswered(answer))

    def _look_for_terminals(self) -> None:
        awaited = self._machine.awaited
        missing = self._watch.look(awaited)
        if len(missing) < len(awaited):
            self._feed(ev.TerminalsSeen(missing))

    # Re-execution (behaviour/reexec).

    def _reexecute(self) -> None:
        """Become the /sbin/init that is there now; if that is not possible, go on."""
        self._reap()
        try:
            self._hand_over()
        except OSError as error:
            self._say(f"Attempt to re-exec failed: {error.strerror}", log=False)

    def _hand_over(self, *more: str) -> None:
        self._execute(self._state(), *more)

    def _state(self) -> bytes:
        """What the next init needs; before this one has begun, what it was handed itself."""
        if not self._begun:
            return self._handed
        signals = self._signals.arrived.copy()
        if self._machine.reading:
            signals.add(calls.SIGHUP)  # C init knows of no reading under way
        if self._signals.paused:
            signals.add(calls.SIGTSTP)
        return handover.serialized(self._machine, signals, *self._accounting.recorded)

    def _execute(self, state: bytes, *more: str) -> None:
        variables = self._machine.position.variables
        if not self._begun:
            more = (*(word for word in self._argv if word != handover.OPTION), *more)
            variables = handover.variables_of(self._inherited)  # C has them nowhere else
        handover.hand_over(state, self._environment | variables, *more)

    def _say(self, text: str, console: bool = True, log: bool = True) -> None:
        if console:
            self._console.say(text)
        if log:
            self._syslog.send(text)


def _now() -> float:
    """Seconds of a clock that nobody sets, and that counts the time asleep."""
    return calls.clock_gettime(time.CLOCK_BOOTTIME)


def main(argv: list[str], program: str) -> None:
    """Be init. ``argv``: what the kernel passed; ``program``: the file that this is. Never returns."""
    init = None
    for _ in range(_FAILURES):
        try:
            quietly(environment.open_standard_streams)
            init = Init(argv[1:], program)
            init.run()
        except BaseException as error:
            quietly(barrier.tell, barrier.tell_kernel, error)
            if init:
                break  # it is the barrier itself that has failed
            quietly(calls.sleep, _AFTER_ERROR)
    become_init = init._rescue if init else lambda: handover.hand_over(b"", environment.environment())
    while True:
        try:
            last_resort.serve(barrier.tell_kernel, become_init, {}, HANDLED)
        except BaseException:
            quietly(calls.sleep, _AFTER_ERROR)
