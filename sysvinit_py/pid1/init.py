"""The main loop of PID 1, which continues after any error."""

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

#: Seconds to wait after an internal error, so that one that recurs does not take all of the CPU.
_AFTER_ERROR = 0.1
#: Steps that may fail in recovery before the rest is skipped.
_FAILURES = 3


class Init:
    """The main loop, and the barrier around it.

    sources     the sources of events, in the order in which they are served
    driver      passes events to the machine
    succession  re-executes init
    errors      counts internal errors
    report      writes a message to the console and to syslog
    records     functions that record what has happened; called at the end of each turn, and after an error
    withdraw    invalidates the published status; called before the last resort
    first       steps before the loop; one that fails is skipped
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
        """Boot, and serve forever. Never returns or raises: see _after_error."""
        for step in self._first:
            self._guarded(step)
        while True:
            self._guarded(self.turn)

    def turn(self) -> None:
        """Wait for events, and handle them."""
        self._loop.turn(self._driver.take)
        for record in self._records:
            record()
        self._succession.hand_over_if_wanted()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # PID 1 must never exit
            self._after_error(error)

    def _after_error(self, error: BaseException) -> None:
        """Report it, and continue in a new process image; if that has not helped, as the last resort."""
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
        best_effort(calls.sleep, _AFTER_ERROR)  # re-execution has failed

    def rescue(self) -> None:
        """Re-execute init from the last resort."""
        self._succession.rescue()


def live(make: Callable[[], Init]) -> None:
    """Make and run the init. Never returns."""
    init = None
    for _ in range(_FAILURES):
        try:
            best_effort(environment.open_standard_streams)
            init = make()
            init.run()
        except BaseException as error:
            best_effort(barrier.report_error, barrier.log_to_kernel, error)
            if init:
                break  # the barrier itself has failed
            best_effort(calls.sleep, _AFTER_ERROR)
    become_init = init.rescue if init else lambda: handover.hand_over(b"", environment.environment())
    while True:
        try:
            last_resort.serve(barrier.log_to_kernel, become_init, {}, HANDLED)
        except BaseException:
            best_effort(calls.sleep, _AFTER_ERROR)
