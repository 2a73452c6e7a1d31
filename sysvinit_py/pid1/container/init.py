"""The init of a container: the loop, until the machine says that the container ends."""

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

#: How much may fail before the rest is left alone.
_FAILURES = 3
#: Seconds for the last words: to the next thing that happens to them, and at most after the grace.
_LAST_WORDS = 0.9
_STDERR = 2
#: Seconds between two looks whether all have ended.
_PAUSE = 0.02


class _Alarm(Source):
    """Wakes the loop at a time."""

    deadline: float | None = None

    def serve(self, ready: set[int], now: float) -> Iterable[ev.Event]:
        """Do nothing."""
        return ()


class ContainerInit:
    """Serves until the container ends.

    sources      what it waits for; they are served in this order
    errors       counts those of our own
    records      write down what has happened; called at the end of each turn
    first        steps before the loop
    after_error  lets it look again at what an error may have kept from being noticed
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
        """Run the container; return its exit status. Raises what recovery does not heal."""
        for step in (*self._first, self._driver.work):
            self._guarded(step)
        while self._machine.status is None:
            self._guarded(self._turn)
        self._guarded(self._take_last_words)
        return self._machine.status

    def _turn(self) -> None:
        self._loop.turn(self._driver.take)
        for record in self._records:
            record()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # whatever it is, PID 1 does not leave its children
            best_effort(report_error, self._relay.say, error)
            if not self._errors.healed(clock()):
                raise
            best_effort(self._driver.recover, _FAILURES)
            best_effort(self._after_error)

    def _take_last_words(self) -> None:
        """Pass on what those that have ended have written, as long as somebody reads it."""
        alarm = _Alarm()
        loop = Loop((self._relay, alarm))
        latest = (self._machine.stop_at or clock()) + _LAST_WORDS
        while not self._relay.drained:
            alarm.deadline = until = min(clock() + _LAST_WORDS, latest)
            loop.turn(lambda events: None)
            if clock() >= until:
                break
        self._relay.finish()


def live(make: Callable[[], ContainerInit], grace: float) -> int:
    """Be the init that is made; return the exit status, whatever happens."""
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
    best_effort(_signal_all, calls.SIGKILL)  # such as what a clean-up entry has left
    return status


def write_error(text: str) -> None:
    """Write a line on standard error, for whom there is no relay."""
    Output(_STDERR).write(f"init: {printable(text)}\n".encode("utf-8", "backslashreplace"))


def _end_all(grace: float) -> None:
    """End all descendants, as init itself cannot go on."""
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
