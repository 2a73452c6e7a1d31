"""PID 1: tells the machine what happens, and goes on whatever fails. What it waits for, it is given."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import Loop, clock
from sysvinit_py.linux.signals import HANDLED
from sysvinit_py.machine import rules
from sysvinit_py.pid1 import environment
from sysvinit_py.pid1.survival import barrier, handover, last_resort
from sysvinit_py.pid1.survival.barrier import Errors, best_effort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sysvinit_py.linux.loop import Source
    from sysvinit_py.machine.driver import Driver
    from sysvinit_py.pid1.survival.succession import Succession

#: Seconds to wait after an error of our own, so that one which repeats itself does not eat the machine.
_AFTER_ERROR = 0.1
#: How much may fail before the rest is left alone.
_FAILURES = 3


class Init:
    """The process with pid 1: the loop, and the barrier around it.

    sources     what it waits for; they are served in this order
    driver      takes the events to the machine
    succession  becomes a new init
    errors      counts those of our own
    report      puts a text on the console and in syslog
    records     write down what has happened; called at the end of each turn, and after an error
    withdraw    has nobody believe what is published; called before the last resort
    first       steps before the loop; one that fails is left out
    """

    def __init__(
        self,
        sources: Sequence[Source],
        driver: Driver,
        succession: Succession,
        *,
        errors: Errors,
        report: Callable[..., None],
        records: Sequence[Callable[[], None]],
        withdraw: Callable[[], None],
        first: Sequence[Callable[[], None]],
    ) -> None:
        self._loop = Loop(sources)
        self._driver = driver
        self._succession = succession
        self._errors = errors
        self._report = report
        self._records = records
        self._withdraw = withdraw
        self._first = first

    def run(self) -> None:
        """Boot, and serve forever. Nothing ends this: see _after_error."""
        for step in self._first:
            self._guarded(step)
        while True:
            self._guarded(self.turn)

    def turn(self) -> None:
        """Wait until something happens, and see to it."""
        self._loop.turn(self._driver.take)
        for record in self._records:
            record()
        self._succession.hand_over_if_wanted()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # whatever it is, PID 1 must not end
            self._after_error(error)

    def _after_error(self, error: BaseException) -> None:
        """Report it, and go on in a new process image; when that did not help, as the last resort."""
        for report in (barrier.log_to_kernel, self._report):
            best_effort(barrier.report_error, report, error)
        best_effort(self._driver.recover, _FAILURES)
        for record in self._records:
            best_effort(record)
        if self._errors.healed(clock()):
            best_effort(self._succession.hand_over, self._errors.argument)
        else:
            best_effort(self._withdraw)
            ways_out = rules.ways_out(self._driver.machine.entries)
            last_resort.serve(self._report, self.rescue, ways_out, HANDLED)
        best_effort(calls.sleep, _AFTER_ERROR)  # here still, so it could not be

    def rescue(self) -> None:
        """Become a new init from within the last resort."""
        self._succession.rescue()


def live(make: Callable[[], Init]) -> None:
    """Be the init that is made. Never returns."""
    init = None
    for _ in range(_FAILURES):
        try:
            best_effort(environment.open_standard_streams)
            init = make()
            init.run()
        except BaseException as error:
            best_effort(barrier.report_error, barrier.log_to_kernel, error)
            if init:
                break  # it is the barrier itself that has failed
            best_effort(calls.sleep, _AFTER_ERROR)
    become_init = init.rescue if init else lambda: handover.hand_over(b"", environment.environment())
    while True:
        try:
            last_resort.serve(barrier.log_to_kernel, become_init, {}, HANDLED)
        except BaseException:
            best_effort(calls.sleep, _AFTER_ERROR)
