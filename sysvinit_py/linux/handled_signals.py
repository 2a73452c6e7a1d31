"""Signals that are received by handlers, which wake the loop through a pipe: for containers and services.

signalfd(2) would need _ctypes, which python3-minimal does not have.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

_CHUNK = 4096


class HandledSignals(Source):
    """The signals that have arrived.

    actions  functions by signal, called in this order; each returns an event, or None
    """

    def __init__(self, actions: Mapping[int, Callable[[], Any]]) -> None:
        self._actions = actions
        self._arrived: set[int] = set()
        self._fd, wake = calls.pipe2(calls.O_CLOEXEC | calls.O_NONBLOCK)
        calls.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in actions:
            calls.signal(number, self._note)
        calls.pthread_sigmask(calls.SIG_SETMASK, [])

    def again(self, number: int) -> None:
        """Handle a signal again."""
        self._arrived.add(number)

    def _note(self, number: int, frame: object) -> None:
        self._arrived.add(number)

    @property
    def deadline(self) -> float | None:
        """At once while there are signals to handle."""
        return 0.0 if self._arrived else None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the pipe."""
        return ((self._fd, READABLE),)

    def serve(self, ready: set[int], now: float) -> Iterator[Any]:
        """Handle the signals that have arrived."""
        if self._fd in ready:
            try:
                calls.read(self._fd, _CHUNK)
            except OSError:
                pass  # the content does not matter
        for number, act in self._actions.items():
            if number in self._arrived:
                self._arrived.remove(number)
                event = act()
                if event is not None:
                    yield event
