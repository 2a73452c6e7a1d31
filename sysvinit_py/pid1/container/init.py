"""The main loop of a container's init, which runs until the machine has an exit status."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.descendants import descendants
from sysvinit_py.linux.loop import Loop, Source, clock
from sysvinit_py.logs.sinks import Output
from sysvinit_py.pid1.container import policy
from sysvinit_py.pid1.container.effect_runner import kill
from sysvinit_py.pid1.survival.barrier import best_effort, report_error
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sysvinit_py.machine import events as ev
    from sysvinit_py.machine.driver import Driver
    from sysvinit_py.pid1.container.machine import ContainerMachine
    from sysvinit_py.pid1.container.relay import Relay
    from sysvinit_py.pid1.survival.barrier import Errors

#: Steps that may fail in recovery before the rest is skipped.
_FAILURES = 3
#: Seconds that remaining output may pause, and seconds for it after the grace time.
_LAST_OUTPUT = 0.9
_STDERR = 2
#: Seconds between two checks whether all have ended.
_PAUSE = 0.02


class _Alarm(Source):
    """Wakes the loop at a time."""

    deadline: float | None = None

    def serve(self, ready: set[int], now: float) -> Iterable[ev.Event]:
        """Do nothing."""
        return ()


class ContainerInit:
    """Runs the container to its end.

    sources      the sources of events, in the order in which they are served
    errors       counts internal errors
    records      functions that record what has happened; called at the end of each turn
    first        steps before the loop
    after_error  checks again for events that an error may have lost
    """

    def __init__(
        self,
        sources: Sequence[Source],
        driver: Driver,
        machine: ContainerMachine,
        relay: Relay,
        *,
        errors: Errors,
        records: Sequence[Callable[[], None]],
        first: Sequence[Callable[[], None]],
        after_error: Callable[[], None],
    ) -> None:
        self._loop = Loop(sources)
        self._driver = driver
        self._machine = machine
        self._relay = relay
        self._errors = errors
        self._records = records
        self._first = first
        self._after_error = after_error

    def run(self) -> int:
        """Run the container; return its exit status. Raises an error from which it cannot recover."""
        for step in (*self._first, self._driver.work):
            self._guarded(step)
        while self._machine.status is None:
            self._guarded(self._turn)
        self._guarded(self._pass_on_last_output)
        return self._machine.status

    def _turn(self) -> None:
        self._loop.turn(self._driver.take)
        for record in self._records:
            record()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # PID 1 must not exit before its children
            best_effort(report_error, self._relay.say, error)
            if not self._errors.healed(clock()):
                raise
            best_effort(self._driver.recover, _FAILURES)
            best_effort(self._after_error)

    def _pass_on_last_output(self) -> None:
        """Pass on the remaining output of the processes, as long as it is read."""
        alarm = _Alarm()
        loop = Loop((self._relay, alarm))
        latest = (self._machine.stop_at or clock()) + _LAST_OUTPUT
        while not self._relay.drained:
            alarm.deadline = until = min(clock() + _LAST_OUTPUT, latest)
            loop.turn(lambda events: None)
            if clock() >= until:
                break
        self._relay.finish()


def live(make: Callable[[], ContainerInit], grace: float) -> int:
    """Make and run the init; return the exit status, even after errors."""
    status, init = policy.OWN_ERROR, None
    for _ in range(_FAILURES):
        try:
            init = make()
            status = init.run()
            break
        except BaseException as error:
            best_effort(report_error, write_error, error)
            if init:
                break  # it could not go on
    if status == policy.OWN_ERROR:
        best_effort(_end_all, grace)
    best_effort(_signal_all, calls.SIGKILL)  # for example what a clean-up entry has left
    return status


def write_error(text: str) -> None:
    """Write a line to standard error, while there is no relay."""
    Output(_STDERR).write(f"init: {printable(text)}\n".encode("utf-8", "backslashreplace"))


def _end_all(grace: float) -> None:
    """End all descendants, as init itself cannot continue."""
    until = clock() + grace
    _signal_all(calls.SIGTERM)
    while clock() < until:
        try:
            while calls.waitpid(-1, calls.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        calls.sleep(_PAUSE)


def _signal_all(number: int) -> None:
    for pid in descendants():
        kill(pid, number)
