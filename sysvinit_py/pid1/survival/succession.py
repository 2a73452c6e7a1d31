"""Succession: taking over from the previous init, and handing over to the next one.

See behaviour/reexec.
"""

from __future__ import annotations

from sysvinit_py import __version__
from sysvinit_py.linux import calls
from sysvinit_py.linux.signals import HANDLED
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.survival import barrier, handover
from sysvinit_py.protocol.state import Saved, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sysvinit_py.linux.signals import Signals
    from sysvinit_py.machine.driver import Driver
    from sysvinit_py.pid1.effect_runner import EffectRunner
    from sysvinit_py.pid1.inputs.children import Children
    from sysvinit_py.pid1.outputs.accounting import Accounting
    from sysvinit_py.pid1.outputs.capture import Capture
    from sysvinit_py.pid1.outputs.publish import Publisher


class Succession:
    """Continues the previous init, and hands over to the next one.

    arguments    of this init
    inherited    the environment of this init; ``environment``: that of its children
    boot_events  returns the events of a boot
    """

    def __init__(
        self,
        arguments: Sequence[str],
        inherited: Mapping[str, str],
        environment: Mapping[str, str],
        boot_events: Callable[[], Iterable[ev.Event]],
        *,
        driver: Driver,
        runner: EffectRunner,
        signals: Signals,
        children: Children,
        accounting: Accounting,
        publisher: Publisher,
        capture: Capture,
        report: Callable[..., None],
    ) -> None:
        self._arguments = arguments
        self._inherited = inherited
        self._environment = environment
        self._boot_events = boot_events
        self._driver = driver
        self._runner = runner
        self._signals = signals
        self._children = children
        self._accounting = accounting
        self._publisher = publisher
        self._capture = capture
        self._report = report
        self._handed = b""  # the state of the previous init, until the machine has it
        self._begun = False  # the machine has that state, or is booting

    def begin(self) -> None:
        """Boot, or continue from the state of the previous init."""
        if handover.OPTION in self._arguments:
            self._handed = handover.take_over()
        else:
            handover.keep_place()  # the first children run before the end of this
        try:
            saved = decode(self._handed) if self._handed else None
        except ValueError as error:
            saved = None
            self._report(f"the state of the previous init cannot be read, booting: {error}")
        if saved is None:
            self._boot()
        else:
            self._go_on(saved)
        self._driver.work()
        self._accounting.write()

    def _boot(self) -> None:
        self._driver.add(*self._boot_events())
        self._begun = True
        self._accounting.create()

    def _go_on(self, saved: Saved) -> None:
        """Take over the children and the state of the previous init."""
        self._driver.machine = machine = handover.machine_from_saved(saved, self._inherited)
        self._publisher.history.resume(handover.history_of(saved))
        self._driver.add(*(ev.ChildExited(pid, 0) for pid in machine.running if not handover.is_child(pid)))
        self._driver.add(ev.Resumed(), ev.Tick())
        self._signals.add({number for number in HANDLED if saved.signals >> number & 1} | {calls.SIGCHLD})
        self._begun = True
        self._report(f"version {__version__} reloading", log=False)
        self._runner.perform(fx.ShowStage(machine.position.stage))
        if not (saved.boot_in_utmp and saved.boot_in_wtmp):
            self._accounting.boot()
        if not (saved.runlevel_in_utmp and saved.runlevel_in_wtmp):
            self._accounting.level(machine.position.runlevel, machine.position.prevlevel)

    def hand_over_if_wanted(self) -> None:
        """Execute the present /sbin/init if that was requested; continue if it fails."""
        if not self._runner.successor_wanted:
            return
        self._runner.successor_wanted = False
        self._children.reap()
        self._driver.work()
        self._accounting.write()
        try:
            self.hand_over()
        except OSError as error:
            self._refused(error)
            self._publisher.write()

    def hand_over(self, *more: str) -> None:
        """Execute the new init with ``more`` arguments. Raises OSError if it fails."""
        self._execute(self._state(), *more)

    def rescue(self) -> None:
        """Execute the new init with as much of the state as possible; return if that fails."""
        for state in (self._state, lambda: handover.minimal_state(self._driver.machine, calls.SIGHUP)):
            try:
                self._execute(state())
            except OSError as error:
                self._refused(error)
                return
            except Exception as error:
                barrier.report_error(barrier.log_to_kernel, error)

    def _refused(self, error: OSError) -> None:
        self._report(f"Attempt to re-exec failed: {error.strerror}", log=False)

    def _state(self) -> bytes:
        """Return the state for the next init; before this one has begun, the state that it was given."""
        if not self._begun:
            return self._handed
        signals = self._signals.pending
        if self._driver.machine.reading:
            signals.add(calls.SIGHUP)  # C's format has no reading in progress
        return handover.serialized(
            self._driver.machine, signals, *self._accounting.recorded, self._publisher.events()
        )

    def _execute(self, state: bytes, *more: str) -> None:
        variables = self._driver.machine.position.variables
        if not self._begun:
            more = (*(word for word in self._arguments if word != handover.OPTION), *more)
            variables = handover.variables_of(self._inherited)  # C has them nowhere else
        self._publisher.hand_over()
        environment = {**self._environment, **variables}
        handover.hand_over(state, environment, *more, inherit=self._capture.set_flags)
