"""runit as PID 1: composition of its parts, and effects."""

from __future__ import annotations

from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from stat import S_IXUSR

from sysvinit_py import __version__
from sysvinit_py.linux import calls
from sysvinit_py.linux.handled_signals import HandledSignals
from sysvinit_py.linux.loop import Loop, clock
from sysvinit_py.linux.title import show
from sysvinit_py.logs.sinks import Output
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.pid1.container.environment import in_first_namespace, open_missing_streams, variables
from sysvinit_py.pid1.inputs.children import Children
from sysvinit_py.pid1.inputs.timer import Timer
from sysvinit_py.pid1.outputs.console import Console
from sysvinit_py.pid1.runit import stages
from sysvinit_py.pid1.runit.stages import Stages, Standing
from sysvinit_py.pid1.survival import last_resort
from sysvinit_py.pid1.survival.barrier import Errors, best_effort, log_to_kernel, report_error
from sysvinit_py.protocol.supervise import reason
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.machine.job import Key
    from sysvinit_py.value import Value

FATAL = 111
_STDERR = 2
#: The argument with the state of the previous process image.
_GOES_ON = "--goes-on="
_FAILURES = 3
#: Seconds to wait after an error of our own.
_AFTER_ERROR = 0.1
#: The signals that are handled; in a container, SIGTERM, too.
SIGNALS = (calls.SIGCONT, calls.SIGINT, calls.SIGPWR, calls.SIGALRM)
#: The commands of the last resort before it halts or reboots.
LEVELS = dict.fromkeys("06", (f"{stages.FOLDER}/{stages.SHUT_DOWN}",))
#: Errors of posix_spawn(3) that are not caused by the program: no process can be created.
_NO_PROCESS = (EAGAIN, ENOMEM, EMFILE, ENFILE)


class Runit:
    """The process with pid 1."""

    def __init__(self, standing: Standing, program: str) -> None:
        open_missing_streams()
        self._in_container = not in_first_namespace()
        self._variables = variables()
        self._console = Console(self._variables)
        self._errors = Errors()
        self._program = program
        self.status: int | None = None
        self.machine = Stages(standing, in_container=self._in_container)
        self._driver = Driver(self.machine, self._perform, clock)  # type: ignore[arg-type]  # it asks no more
        children = Children(
            self._driver, lambda pid: None, more=lambda: self._signals.again(calls.SIGCHLD)
        )  # fmt: skip
        told = (*SIGNALS, calls.SIGTERM) if self._in_container else SIGNALS
        self._signals = HandledSignals(
            {calls.SIGCHLD: children.reap, **{number: _tells(stages.Signalled(number)) for number in told}}
        )
        self._loop = Loop((self._signals, self._console, Timer(self._driver)))
        if standing.stage == stages.BOOT:
            self._driver.add(ev.Booted())

    def run(self) -> int:
        """Run until the end of a container; on a machine, this never returns."""
        for step in (calls.setsid, lambda: calls.reboot(calls.RB_DISABLE_CAD)):
            best_effort(step)  # not permitted in a container
        best_effort(show, "runit")
        if self.machine.standing.stage == stages.BOOT:
            best_effort(self._say, f"sysvinit_py {__version__}: booting.")
        self._guarded(self._driver.work)
        while self.status is None:
            self._guarded(lambda: self._loop.turn(self._driver.take))
        return self.status

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except BaseException as error:  # PID 1 must never exit
            for report in (log_to_kernel, self._say):
                best_effort(report_error, report, error)
            best_effort(self._driver.recover, _FAILURES)
            best_effort(self._signals.again, calls.SIGCHLD)
            if not self._errors.healed(clock()):
                last_resort.serve(self._say, self.rescue, LEVELS, SIGNALS)
            best_effort(calls.sleep, _AFTER_ERROR)

    def rescue(self) -> None:
        """Continue in a new process image; return only on failure."""
        at = self.machine.standing
        running = ",".join(f"{pid}:{path}" for pid, path in at.running)
        argument = f"{_GOES_ON}{at.stage},{int(at.stopping)},{at.status},{running}"
        best_effort(calls.execve, self._program, [self._program, argument], self._variables)

    def _say(self, text: str) -> None:
        line = f"- runit: {printable(text)}\n".encode("utf-8", "backslashreplace")
        if self._console.path == last_resort.NOTHING:
            Output(_STDERR).write(line)
        else:
            self._console.write(line)

    # Effects.

    def _perform(self, effect: Value) -> ev.Event | None:
        perform = getattr(self, f"_{type(effect).__name__.lower()}")
        answer: ev.Event | None = perform(*effect.astuple())
        return answer

    def _start(self, path: str, new_session: bool) -> ev.Event | None:
        if path in self.machine.running.values():
            return None
        key, terminal = _key(path), -1  # now, as after the start an error would lose the process
        try:
            if self._console.path != last_resort.NOTHING:
                terminal = self._console.open()
        except OSError:
            return ev.CannotFork(key)
        try:
            actions = [(calls.POSIX_SPAWN_DUP2, terminal, number) for number in (0, 1, 2) if terminal >= 0]
            pid = calls.posix_spawn(
                path, [path], self._variables, file_actions=actions, setsid=new_session,
                setsigmask=[], setsigdef=calls.SIGNALS,
            )  # fmt: skip
        except OSError as error:
            if error.errno in _NO_PROCESS:
                return ev.CannotFork(key)
            return ev.CannotExecute(key, path, reason(error))
        finally:
            calls.close(terminal)
        return ev.Started(key, pid)

    def _signal(self, pid: int, number: int, group: bool) -> None:
        best_effort(calls.killpg if group else calls.kill, pid, number)

    def _look(self, path: str) -> ev.Event:
        try:
            mode = calls.stat(path).st_mode
        except OSError:
            mode = 0
        return stages.Looked(path, bool(mode & S_IXUSR))

    def _takeback(self) -> None:
        best_effort(calls.chmod, stages.STOP_IT, 0)

    def _killall(self) -> None:
        best_effort(calls.kill, -1, calls.SIGKILL)

    def _end(self, reboot: bool, status: int) -> ev.Event | None:
        if self._in_container and not reboot:
            self.status = status
            return None
        pid = calls.fork()  # sync(2) may take forever, and PID 1 has to reap
        if pid:
            return ev.Started(_key(stages.LAST_STEP), pid)
        try:
            if not calls.access(stages.NO_SYNC, calls.R_OK):
                calls.sync()
            calls.reboot(calls.RB_AUTOBOOT if reboot else calls.RB_POWER_OFF)
        finally:
            calls._exit(1)


def _key(path: str) -> Key:
    return path, "", 0


def _tells(event: ev.Event) -> Callable[[], ev.Event]:
    return lambda: event


def _standing(words: list[str]) -> Standing:
    """Return the state to continue from: that in the arguments, or that at boot."""
    try:
        stage, stopping, status, *running = words[0].removeprefix(_GOES_ON).split(",")
        pairs = (item.split(":", 1) for item in running if item)
        children = tuple((int(pid), path) for pid, path in pairs)
        return Standing(int(stage), children, bool(int(stopping)), 0.0, None, int(status))
    except (IndexError, ValueError):
        return Standing()


def live(make: Callable[[], Runit]) -> int:
    """Make and run runit; return the exit status in a container, else never return."""
    runit = None
    for _ in range(_FAILURES):
        try:
            runit = make()
            return runit.run()
        except BaseException as error:
            best_effort(report_error, log_to_kernel, error)
            if runit:
                break  # the barrier itself has failed
            best_effort(calls.sleep, _AFTER_ERROR)
    rescue = runit.rescue if runit else lambda: None
    while True:
        try:
            last_resort.serve(log_to_kernel, rescue, LEVELS, SIGNALS)
        except BaseException:
            best_effort(calls.sleep, _AFTER_ERROR)


def main(words: list[str]) -> int:
    """Run runit. Returns in a container, or if this is not PID 1."""
    if calls.getpid() != 1:
        calls.write(_STDERR, b"- runit: fatal: must be run as process no 1.\n")
        return FATAL
    program = words[0] if words[0].startswith("/") else f"{calls.getcwd()}/{words[0]}"
    return live(lambda: Runit(_standing(words[1:]), program))
