"""Waiting: one poll(2) for all that init waits for."""

from __future__ import annotations

from sysvinit_py.linux import calls

READABLE, CHANGED, WRITABLE = calls.POLLIN, calls.POLLPRI, calls.POLLOUT
#: Milliseconds; poll(2) takes an int.
_LONGEST = 2**31 - 1


class Waiting:
    """Keeps what is waited for, which seldom changes, registered."""

    def __init__(self) -> None:
        self._poll = calls.poll()
        self._registered: tuple[tuple[int, int], ...] = ()

    def wait(self, wanted: tuple[tuple[int, int], ...], seconds: float | None) -> set[int]:
        """Wait until one of the descriptors is what is wanted of it, and return all that are.

        Closed ones are -1. ``seconds``: not longer than that; None: however long it takes.
        """
        if wanted != self._registered:
            self._registered = wanted
            self._poll = calls.poll()
            for fd, what in wanted:
                if fd >= 0:
                    self._poll.register(fd, what)
        return {fd for fd, _ in self._poll.poll(_milliseconds(seconds))}


def _milliseconds(seconds: float | None) -> int | None:
    """A wait that does not end too early."""
    if seconds is None:
        return None
    return min(max(0, int(seconds * 1000) + 1), _LONGEST) if seconds > 0 else 0
