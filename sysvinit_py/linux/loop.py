"""The loop: one poll(2) for all sources of events, which are then served in their order."""

from __future__ import annotations

from sysvinit_py.linux import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

READABLE, CHANGED, WRITABLE = calls.POLLIN, calls.POLLPRI, calls.POLLOUT
#: Milliseconds; poll(2) takes an int.
_LONGEST = 2**31 - 1


def clock() -> float:
    """Return the seconds of the clock of all deadlines: nobody sets it, and it counts the time asleep."""
    return calls.clock_gettime(calls.CLOCK_BOOTTIME)


class Source:
    """Something that is waited for: what wakes the loop, and which events that makes."""

    #: Whether the sources after it are neither waited for nor served.
    holds_others = False

    @property
    def deadline(self) -> float | None:
        """When to be served even if no descriptor is ready, by :func:`clock`; None: never."""
        return None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the descriptors to wait for, each with what is waited for. Closed ones are -1."""
        return ()

    def serve(self, ready: set[int], now: float) -> Iterable[Any]:
        """Yield the events that have happened. One has been taken in when the next one is asked for.

        Called when the deadline has come, or one of its descriptors is in ``ready``, which has others, too.
        """
        raise NotImplementedError

    def is_due(self, now: float) -> bool:
        """Return whether the deadline has come."""
        deadline = self.deadline
        return deadline is not None and deadline <= now


class Loop:
    """Waits for the sources. What poll(2) is asked, which seldom changes, stays registered."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._poll = calls.poll()
        self._registered: list[tuple[tuple[int, int], ...]] = []  # of each source waited for
        self._source_of: dict[int, Source] = {}  # by the descriptor

    def turn(self, take: Callable[[Iterable[Any]], None]) -> None:
        """Wait until there is something to do, and have ``take`` take the events of each source."""
        wanted, deadlines = [], []
        for source in self._sources:
            wanted.append(source.wanted())
            deadlines.append(source.deadline)
            if source.holds_others:
                break
        if wanted != self._registered:
            self._register(wanted)
        ready = {fd for fd, _ in self._poll.poll(_milliseconds(deadlines))}
        woken = {self._source_of[fd] for fd in ready}
        now = clock()
        for source, deadline in zip(self._sources, deadlines):  # noqa: B905 - those that are waited for
            if source in woken or (deadline is not None and deadline <= now):
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
        # All at once: after an error in one of them it has to be done again.
        self._poll, self._source_of, self._registered = poll, source_of, wanted


def _milliseconds(deadlines: list[float | None]) -> int | None:
    """Return a wait that does not end before the first of the deadlines; None: however long it takes."""
    times = [time for time in deadlines if time is not None]
    if not times:
        return None
    seconds = min(times) - clock()
    return int(min(seconds * 1000, _LONGEST - 1)) + 1 if seconds > 0 else 0
