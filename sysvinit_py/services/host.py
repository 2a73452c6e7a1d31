"""What all services of a process share: children, descriptors, the clock, standard error."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import clock
from sysvinit_py.services import adoption
from sysvinit_py.services.spawn import Spawner
from sysvinit_py.services.unit import Now
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Told = tuple[Any, Callable[[int | None], None]]

_LONGEST = 4096
_STDERR = 2


class Host:
    """What a service is given by who supervises it.

    session  whether each process leads a session of its own
    """

    #: Whether somebody says how adopted processes end.
    is_told = False
    #: Whether another supervisor may take services over.
    lets_go = False

    def __init__(self, session: bool = False) -> None:
        self.boot = adoption.boot()
        self.spawner = Spawner(session)
        self.waiting: dict[str, set[Any]] = {}  # services, by the names of what they wait for
        self._children: dict[int, Told] = {}  # by the pid
        self._adopted: dict[int, Told] = {}
        self._watched: dict[int, tuple[Any, Callable[[], None]]] = {}  # by the descriptor
        self._epoll = calls.epoll()

    @staticmethod
    def now() -> Now:
        """Return the present."""
        return Now(clock(), calls.clock_gettime_ns(calls.CLOCK_REALTIME))

    @staticmethod
    def say(text: str) -> None:
        """Report something, unless nobody takes it: waiting would hold up all services."""
        try:
            poll = calls.poll()
            poll.register(_STDERR, calls.POLLOUT)
            if poll.poll(0):
                calls.write(_STDERR, printable(text).encode(errors="replace")[: _LONGEST - 1] + b"\n")
        except OSError:
            pass

    def child(self, pid: int, service: Any, ended: Callable[[int | None], None]) -> None:
        """Have ``ended`` called with the wait status of a child."""
        self._children[pid] = service, ended

    def adopt(self, pid: int, service: Any, ended: Callable[[int | None], None]) -> None:
        """Have it called for a process that is not a child, once somebody says how it ended."""
        self._adopted[pid] = service, ended

    def watch(self, fd: int, service: Any, readable: Callable[[], None]) -> None:
        """Have something called whenever a descriptor is readable."""
        self._epoll.register(fd, calls.POLLIN)
        self._watched[fd] = service, readable

    def mute(self, fd: int, muted: bool = True) -> None:
        """Do not watch a descriptor for the time being, or do it again."""
        if fd in self._watched:
            self._epoll.modify(fd, 0 if muted else calls.POLLIN)

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more. It is still open."""
        if self._watched.pop(fd, None):
            self._epoll.unregister(fd)

    def ended(self, pid: int, status: int | None) -> None:
        """Take in how an adopted process has ended; None: nobody knows."""
        raise NotImplementedError
