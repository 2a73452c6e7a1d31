"""PID 1: tells the machine what happens, and carries out what it answers. One poll(2) waits for all."""

from __future__ import annotations

import os
import sys
import time
from struct import Struct

from sysvinit_py import __version__
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.rules import BOOT, SYSINIT
from sysvinit_py.pid1 import arguments, handover, kernel, spawn, title
from sysvinit_py.pid1.accounting import Accounting
from sysvinit_py.pid1.console import Console, open_nothing
from sysvinit_py.pid1.fifo import Fifo
from sysvinit_py.pid1.reader import Reader
from sysvinit_py.pid1.syslog import Syslog
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.state import Saved, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM = 1, 2, 9, 10, 12, 15
SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH, SIGPWR, SIGRTMIN = 17, 18, 20, 28, 30, 34
SHUTDOWN_SIGNAL = SIGRTMIN + 4
#: The signals that init acts on; the kernel keeps all others from PID 1.
SIGNALS = (
    SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH, SIGPWR, SHUTDOWN_SIGNAL,
)  # fmt: skip

#: The first letter of these files says what has become of the power (SPEC 6).
POWER_STATUS = ("/run/powerstatus", "/etc/powerstatus")
POWER_EVENTS = {b"O": "power ok", b"L": "power low"}
POWER_REQUESTS = {
    initctl.POWERFAIL: "power failed",
    initctl.POWERFAILNOW: "power low",
    initctl.POWEROK: "power ok",
}
RUNLEVEL_FILE = "/run/runlevel"

_RB_DISABLE_CAD = 0
_KDSIGACCEPT = 0x4B4E
_POLLIN, _POLLPRI, _POLLOUT = 1, 2, 4
#: For signals, the FIFO, its watch, the mounts, the console that is written to and asked on, the inittab.
_POLLED_FOR = _POLLIN, _POLLIN, _POLLIN, _POLLPRI, _POLLOUT, _POLLIN, _POLLIN
#: struct signalfd_siginfo: the number comes first.
_SIGNAL = Struct("=I124x")
_WNOHANG = 1
_SIG_SETMASK, _SIG_DFL = 2, 0
_O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_O_RDONLY, _O_WRONLY, _O_RDWR, _O_CREAT, _O_TRUNC = 0, 1, 2, 0o100, 0o1000
_O_NONBLOCK, _O_NOCTTY = 0o4000, 0o400
_NAMED_SIGNALS = {"TERM": SIGTERM, "KILL": SIGKILL}
#: Children reaped before something else gets its turn, so that a flood of them leaves time for it.
_REAPED_AT_ONCE = 1000
#: Milliseconds; poll(2) takes an int.
_LONGEST_POLL = 2**31 - 1
#: Seconds to wait after an error of our own, so that one which repeats itself does not eat the machine.
_AFTER_ERROR = 0.1


class Init:
    """The process with pid 1."""

    def __init__(self, argv: list[str], program: str) -> None:
        self._argv = argv
        self._signals: set[int] = set()
        self._paused = False
        for number in SIGNALS:
            kernel.signal(number, _SIG_DFL)  # the init before this may have ignored them
        kernel.pthread_sigmask(_SIG_SETMASK, SIGNALS)  # they are read, and interrupt nothing
        self._signal_fd = kernel.signalfd(SIGNALS, _O_NONBLOCK_CLOEXEC)
        self._poll = kernel.poll()
        self._polled: tuple[int, ...] = ()
        self._machine = Machine()
        self._console = Console(os.environ)
        self._syslog = Syslog()
        self._fifo = Fifo(self._say)
        self._reader = Reader(program)
        self._accounting = Accounting()
        self._arguments = arguments.parse(argv)
        self._environment = spawn.base_environment(os.environ, self._console.path, self._arguments.auto)
        self._perform: dict[type[fx.Effect], Callable[[Any], ev.Event | None]] = {
            fx.ReadInittab: self._read_inittab,
            fx.Start: self._start,
            fx.Signal: self._signal_group,
            fx.Probe: self._probe,
            fx.Say: self._say_effect,
            fx.AskLevel: self._ask_level,
            fx.StopAsking: lambda effect: self._console.stop_asking(),
            fx.SaneConsole: lambda effect: self._console.make_sane(),
            fx.ShowStage: self._show_stage,
            fx.RecordBoot: lambda effect: self._accounting.boot(),
            fx.RecordLevel: lambda effect: self._accounting.level(effect.level, effect.old),
            fx.RecordStart: lambda effect: self._accounting.started(effect.id, effect.pid),
            fx.RecordEnd: lambda effect: self._accounting.ended(effect.id, effect.pid),
            fx.Reexecute: self._reexecute,
        }

    # The loop.

    def run(self) -> None:
        """Boot, and serve for ever. Nothing ends this: an error of our own is said, and init goes on."""
        for step in (self._set_up, self._begin, self._fifo.keep):
            self._guarded(step)
        while True:
            self._guarded(self._turn)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # whatever it is, PID 1 must not end
            self._guarded_say(error)
            kernel.sleep(_AFTER_ERROR)

    def _guarded_say(self, error: Exception) -> None:
        try:
            place = error.__traceback__
            while place and place.tb_next:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            self._say(f"error in init, going on: {type(error).__name__}: {error} at {where}")
        except Exception:
            pass

    def _turn(self) -> None:
        """Wait until something happens, and see to it: signals and children first."""
        ready = self._wait()
        if self._signal_fd in ready:
            self._read_signals()
        self._take_signals()
        if self._paused:
            return
        if ready - {self._signal_fd}:
            self._serve(ready)
        self._take_time()

    def _serve(self, ready: set[int]) -> None:
        """See to the descriptors that are ready, after a look whether the FIFO is still in its place."""
        if self._fifo.watch in ready:
            self._fifo.read_watch()
        if self._fifo.mounts in ready:
            self._accounting.write_late()
        self._fifo.keep()
        if self._fifo.fd in ready:
            self._take_requests()
        if self._console.writing in ready:
            self._console.write_more()
        if self._console.asking in ready:
            self._take_answer()
        if self._reader.pipe in ready:
            self._feed(self._reader.read())

    def _wait(self) -> set[int]:
        """Wait for a descriptor, a signal, or the next deadline; return the descriptors that are ready."""
        polled: tuple[int, ...] = (
            self._signal_fd, self._fifo.fd, self._fifo.watch, self._fifo.mounts, self._console.writing,
            self._console.asking, self._reader.pipe,
        )  # fmt: skip
        if self._paused:
            polled = polled[:1]
        if polled != self._polled:
            self._polled = polled
            self._poll = kernel.poll()
            for fd, what in zip(polled, _POLLED_FOR, strict=False):
                if fd >= 0:
                    self._poll.register(fd, what)
        return {fd for fd, _ in self._poll.poll(self._timeout())}

    def _timeout(self) -> int | None:
        """Milliseconds to the next deadline; None: there is none."""
        deadlines = [time for time in (self._machine.deadline, self._reader.deadline) if time is not None]
        if self._paused:
            return None
        if self._signals:
            return 0
        if not deadlines:
            return None
        return min(max(0, int((min(deadlines) - _now()) * 1000) + 1), _LONGEST_POLL)

    def _take_time(self) -> None:
        now = _now()
        if self._reader.deadline is not None and self._reader.deadline <= now:
            self._feed(self._reader.give_up("it takes too long"))
        if self._machine.deadline is not None and self._machine.deadline <= now:
            self._feed(ev.Tick())

    def _feed(self, event: ev.Event | None) -> None:
        """Tell the machine, do what it answers, tell it what became of that, and so on."""
        events = [event]
        for event in events:
            if event is None:
                continue
            for effect in self._machine.handle(event, _now()):
                answer = self._perform[type(effect)](effect)
                if answer is not None:
                    events.append(answer)

    # Boot.

    def _set_up(self) -> None:
        """Make the process and the kernel what an init needs (SPEC 2.2)."""
        kernel.chdir("/")
        kernel.umask(0o022)
        try:
            kernel.setsid()
        except OSError:
            pass  # it leads a session already
        try:
            kernel.reboot(_RB_DISABLE_CAD)  # from now on ctrl-alt-del is SIGINT
        except OSError:
            pass  # not on a machine of its own
        try:
            keyboard = kernel.open("/dev/tty0", _O_RDWR | _O_NOCTTY | _O_NONBLOCK)
            try:
                kernel.ioctl(keyboard, _KDSIGACCEPT, SIGWINCH)
            finally:
                kernel.close(keyboard)
        except OSError:
            pass  # no keyboard

    def _begin(self) -> None:
        """Boot, unless the init before this has left a state to go on with."""
        state = handover.take_over() if handover.OPTION in self._argv else b""
        try:
            saved = decode(state) if state else None
        except ValueError as error:
            saved = None
            self._say(f"the state of the init before this cannot be read, booting: {error}")
        if saved is None:
            self._boot()
        else:
            self._go_on(saved)

    def _go_on(self, saved: Saved) -> None:
        """Take over the children and all that the init before this knew (SPEC 8)."""
        self._machine = handover.machine_of(saved, os.environ)
        self._say(f"version {__version__} reloading", log=False)
        self._show_stage(fx.ShowStage(self._machine.standing.stage))
        if not (saved.boot_in_utmp and saved.boot_in_wtmp):
            self._accounting.boot()
        if not (saved.runlevel_in_utmp and saved.runlevel_in_wtmp):
            self._accounting.level(self._machine.standing.runlevel, self._machine.standing.prevlevel)
        self._signals |= {number for number in SIGNALS if saved.signals >> number & 1} | {SIGCHLD}
        if self._machine.asking:
            self._feed(self._ask_level(fx.AskLevel()))
        self._feed(ev.Tick())

    def _boot(self) -> None:
        given = self._arguments
        self._accounting.create()
        self._feed(ev.VariablesGiven(tuple(handover.variables_of(os.environ).items())))
        self._feed(ev.Booted(given.level, given.emergency, arguments.consoles(_kernel_command_line())))

    # What happens.

    def _read_signals(self) -> None:
        try:
            arrived = kernel.read(self._signal_fd, _SIGNAL.size * len(SIGNALS))
        except BlockingIOError:
            return
        self._signals.update(number for (number,) in _SIGNAL.iter_unpack(arrived))

    def _take_signals(self) -> None:
        signals, self._signals = self._signals, set()
        if SIGTSTP in signals:
            self._paused = True
        if SIGCONT in signals:
            self._paused = False
        if self._paused:
            self._signals |= signals - {SIGTSTP, SIGCONT}
            return
        if SIGCHLD in signals:
            self._reap()
        if SIGUSR1 in signals:
            self._fifo.reopen()
        if SIGUSR2 in signals:
            self._fifo.shut()
        if SIGHUP in signals:
            self._feed(ev.RereadRequested())
        if SIGINT in signals:
            self._feed(ev.Called("ctrlaltdel"))
        if SIGWINCH in signals:
            self._feed(ev.Called("kbrequest"))
        if SIGPWR in signals:
            self._feed(ev.Called(self._power_status()))
        if SHUTDOWN_SIGNAL in signals:
            self._shut_down()

    def _reap(self) -> None:
        """Take all children that have ended: the entries', and the orphans that fall to init."""
        running = self._machine.running
        for _ in range(_REAPED_AT_ONCE):
            try:
                pid, status = kernel.waitpid(-1, _WNOHANG)
            except OSError:
                return  # no children
            if not pid:
                return
            if pid in running:
                self._feed(ev.ChildExited(pid, status))
            else:
                self._reader.child_exited(pid)
        self._signals.add(SIGCHLD)  # there may be more

    def _power_status(self) -> str:
        """Read and remove the file in which a power daemon says what is the matter."""
        for path in POWER_STATUS:
            try:
                file = kernel.open(path, _O_RDONLY | _O_NONBLOCK)
            except OSError:
                continue
            try:
                letter = kernel.read(file, 1)
            except OSError:
                letter = b""
            kernel.close(file)
            if path != POWER_STATUS[0]:
                self._say(f"warning: {path} is deprecated, use {POWER_STATUS[0]}")
            try:
                kernel.unlink(path)
            except OSError:
                pass
            return POWER_EVENTS.get(letter, "power failed")
        return "power failed"

    def _shut_down(self) -> None:
        try:
            spawn.run(spawn.SHUTDOWN, self._environment, self._console)
        except (spawn.CannotExecuteError, spawn.CannotForkError):
            self._say(f'cannot execute "{spawn.SHUTDOWN[0]}"')

    def _take_requests(self) -> None:
        for request in self._fifo.read():
            if isinstance(request, initctl.Bogus):
                self._say("got bogus initrequest")
            elif request.cmd == initctl.RUNLVL:
                self._feed(ev.LevelRequested(request.runlevel, request.sleeptime))
            elif request.cmd in POWER_REQUESTS:
                self._feed(ev.WaitTimeGiven(request.sleeptime))
                self._feed(ev.Called(POWER_REQUESTS[request.cmd]))
            elif request.cmd == initctl.SETENV:
                self._feed(ev.VariablesGiven(tuple(initctl.assignments(request.data))))
            elif request.cmd == initctl.UNSETENV:
                names = (name for name, _ in initctl.assignments(request.data))
                self._feed(ev.VariablesGiven(tuple((name, None) for name in names)))
            else:
                self._say("got unimplemented initrequest.")

    def _take_answer(self) -> None:
        try:
            answer = self._console.answer()
        except EOFError:
            self._feed(ev.NoAnswer())
            return
        if answer is not None:
            self._feed(ev.LevelAnswered(answer))

    # What is to be done.

    def _read_inittab(self, effect: fx.ReadInittab) -> ev.Event | None:
        return self._reader.start(_now())

    def _start(self, effect: fx.Start) -> ev.Event:
        try:
            pid = spawn.start(effect, self._environment, self._console, self._say)
        except spawn.CannotExecuteError as error:
            return ev.CannotExecute(effect.key, str(error))
        except spawn.CannotForkError:
            return ev.CannotFork(effect.key)
        return ev.Started(effect.key, pid)

    def _signal_group(self, effect: fx.Signal) -> None:
        number = _NAMED_SIGNALS[effect.name]
        try:
            try:
                kernel.killpg(effect.group, number)
            except ProcessLookupError:
                # A process that was forked just now has not made its group yet.
                if effect.group in self._machine.running:
                    kernel.kill(effect.group, number)
        except OSError:
            pass  # it is gone

    def _probe(self, effect: fx.Probe) -> ev.Event | None:
        try:
            kernel.killpg(effect.group, 0)
        except ProcessLookupError:
            return ev.GroupGone(effect.group)
        except OSError:
            pass  # somebody is there
        return None

    def _ask_level(self, effect: fx.AskLevel) -> ev.Event | None:
        return None if self._console.ask() else ev.NoAnswer()

    def _show_stage(self, effect: fx.ShowStage) -> None:
        if effect.stage in (SYSINIT, BOOT):
            title.show("init boot")
            return
        title.show(f"init [{effect.stage}]")
        try:
            file = kernel.open(RUNLEVEL_FILE, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_NONBLOCK, 0o644)
            try:
                kernel.write(file, effect.stage.encode())
            finally:
                kernel.close(file)
        except OSError:
            pass

    def _reexecute(self, effect: fx.Reexecute) -> None:
        """Become the /sbin/init that is there now; if that is not possible, go on (SPEC 8)."""
        self._reap()
        signals = self._signals | ({SIGHUP} if self._reader.pipe >= 0 else set())  # it reads the inittab anew
        self._reader.stop()
        machine = self._machine
        try:
            state = handover.written(machine, signals, *self._accounting.recorded)
            handover.hand_over(state, self._environment | machine.standing.variables)
        except OSError as error:
            self._signals |= signals
            self._say(f"Attempt to re-exec failed: {error.strerror}", log=False)

    def _say_effect(self, effect: fx.Say) -> None:
        self._say(effect.text, effect.console, effect.log)

    def _say(self, text: str, console: bool = True, log: bool = True) -> None:
        if console:
            self._console.say(text)
        if log:
            self._syslog.send(text)


def _now() -> float:
    """Seconds of a clock that nobody sets, and that counts the time asleep."""
    return kernel.clock_gettime(time.CLOCK_BOOTTIME)


def main(argv: list[str], program: str) -> None:
    """Be init. ``argv``: what the kernel passed; ``program``: the file that this is. Never returns."""
    _open_standard_streams()
    Init(argv[1:], program).run()


def _open_standard_streams() -> None:
    """See that 0, 1 and 2 are /dev/null, so that no file that is opened later takes their place."""
    sys.stdin = sys.stdout = sys.stderr = None
    null = open_nothing()
    for number in (0, 1, 2):
        if null != number:
            kernel.dup2(null, number)
    if null > 2:
        kernel.close(null)


def _kernel_command_line() -> str:
    try:
        file = kernel.open("/proc/cmdline", _O_RDONLY)
        try:
            return kernel.read(file, 4096).decode("ascii", "replace")
        finally:
            kernel.close(file)
    except OSError:
        return ""
