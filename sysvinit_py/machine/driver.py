"""The driver: passes events to a machine and has its effects carried out, in the order it relies on.

All effects of an event are carried out before the next event is handled, and an answer is handled before any
event that came in the meantime. PID 1, the simulator and the tests share it.
"""

from __future__ import annotations

from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.errors import MisuseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable

    from sysvinit_py.machine.machine import Machine
else:
    from _collections import deque  # and not collections, which costs a millisecond


class Driver:
    """A machine, its pending events, and the effects that are not carried out yet.

    perform  carries out an effect; returns the answer, if it is available at once
    now      returns the time for the machine, in seconds
    between  called between two steps of a long event, for work that cannot wait; it may add events
    """

    def __init__(
        self,
        machine: Machine,
        perform: Callable[[fx.Effect], ev.Event | None],
        now: Callable[[], float],
        between: Callable[[], object] = lambda: None,
    ) -> None:
        self.machine = machine
        self._perform = perform
        self._now = now
        self._between = between
        self._events: deque[ev.Event] = deque()
        self._effects: deque[fx.Effect] = deque()
        self._working = False

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to do."""
        return not (self._effects or self._events)

    def add(self, *events: ev.Event) -> None:
        """Queue events, to be handled in their turn."""
        self._events.extend(events)

    def feed(self, *events: ev.Event) -> None:
        """Queue events, and handle all that are pending."""
        self._events.extend(events)
        self.work()

    def take(self, events: Iterable[ev.Event]) -> None:
        """Handle events one after the other, each with all its consequences."""
        for event in events:
            self.feed(event)
        self.work()  # for what was queued without an event, such as the ends of children

    def work(self) -> None:
        """Handle all pending events and effects. One that raises an error stays the first in its queue.

        Raises MisuseError if called recursively.
        """
        if self._working:
            raise MisuseError("the driver is working already; add the event instead")
        self._working = True
        events, effects = self._events, self._effects
        try:
            while effects or events:
                if effects:
                    answer = self._perform(effects[0])
                    effects.popleft()
                    if answer is not None:
                        events.appendleft(answer)
                else:
                    for _ in self.machine.steps(events[0], self._now()):
                        self._between()
                    wanted = self.machine.take_effects()
                    events.popleft()
                    effects.extend(wanted)
        finally:
            self._working = False

    def recover(self, attempts: int) -> None:
        """Retry what raised an error, and then handle everything after it.

        What fails again is skipped, up to ``attempts`` times; then the rest stays pending.
        """
        if not any(isinstance(undone, (fx.Start, ev.Answer)) for undone in (*self._effects, *self._events)):
            self.machine.repair_after_error()
        self.machine.recompute_run_queue()
        for _ in range(attempts):
            try:
                self.work()
                break
            except Exception:
                self._give_up_first()
        self.machine.repair_after_error()

    def _give_up_first(self) -> None:
        undone = self._effects.popleft() if self._effects else self._events.popleft()
        if isinstance(undone, fx.Start):
            self._events.appendleft(ev.CannotFork(undone.key))
        elif isinstance(undone, ev.Started):
            self.machine.adopt_child(undone)
        if isinstance(undone, ev.Answer):
            self.machine.repair_after_error()
