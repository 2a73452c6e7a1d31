"""The event loop: one poll(2) for all sources of events, which are then served in order."""

from __future__ import annotations

from sysvinit_py.linux import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

READABLE, CHANGED, WRITABLE = calls.POLLIN, calls.POLLPRI, calls.POLLOUT
#: Milliseconds; poll(2) takes an int.
_LONGEST = 2**31 - 1
_NEVER = float("inf")


def clock() -> float:
    """Return the time of all deadlines, in seconds: CLOCK_BOOTTIME cannot be set, and includes suspension."""
    return calls.clock_gettime(calls.CLOCK_BOOTTIME)


class Source:
    """A source of events: what the loop waits for, and the events that follow."""

    #: Whether the sources after it are neither waited for nor served.
    holds_others = False

    @property
    def deadline(self) -> float | None:
        """When to serve it even if no descriptor is ready, by :func:`clock`; None: never."""
        return None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the descriptors to wait for, each with the events of poll(2). Closed ones are -1."""
        return ()

    def serve(self, ready: set[int], now: float) -> Iterable[Any]:
        """Yield the events that have happened. Each is handled before the next one is generated.

        Called when the deadline has passed, or one of its descriptors is in ``ready``, among others.
        """
        raise NotImplementedError

    def is_due(self, now: float) -> bool:
        """Return whether the deadline has passed."""
        deadline = self.deadline
        return deadline is not None and deadline <= now


class Loop:
    """Waits for the sources. Descriptors stay registered while they are the same, as they mostly are."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._poll = calls.poll()
        self._registered: list[tuple[tuple[int, int], ...]] = []  # by source
        self._source_of: dict[int, Source] = {}  # by the descriptor

    def turn(self, take: Callable[[Iterable[Any]], None]) -> None:
        """Wait until a source is ready, and pass the events of each source to ``take``."""
        wanted, deadlines = [], []
        for source in self._sources:
            wanted.append(source.wanted())
            deadline = source.deadline
            deadlines.append(_NEVER if deadline is None else deadline)
            if source.holds_others:
                break
        if wanted != self._registered:
            self._register(wanted)
        ready = {fd for fd, _ in self._poll.poll(_milliseconds(min(deadlines)))}
        woken = {self._source_of[fd] for fd in ready}
        now = clock()
        for source, deadline in zip(self._sources, deadlines):  # noqa: B905 - those that are waited for
            if source in woken or deadline <= now:
                take(source.serve(ready, now))
                if source.holds_others:
                    break

    def _register(self, wanted: list[tuple[tuple[int, int], ...]]) -> None:
        poll = calls.poll()
        source_of = {}
        for source, descriptors in zip(self._sources, wanted):  # noqa: B905 - those that are waited for
            for fd, what in descriptors:
                if fd >= 0:
                    poll.register(fd, what)
                    source_of[fd] = source
        # Together, so that after an error in between all of it is repeated.
        self._poll, self._source_of, self._registered = poll, source_of, wanted


def _milliseconds(deadline: float) -> int | None:
    """Return the timeout, which does not end before the deadline; None: no timeout."""
    if deadline == _NEVER:
        return None
    seconds = deadline - clock()
    return int(min(seconds * 1000, _LONGEST - 1)) + 1 if seconds > 0 else 0
