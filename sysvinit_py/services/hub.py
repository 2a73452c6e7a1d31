"""One process that supervises any number of services (behaviour/services).

It is a Source: one epoll(7) descriptor for all FIFOs, and a heap of deadlines. What one service raises is
reported, and harms no other.
"""

from __future__ import annotations

from heapq import heappop, heappush

from sysvinit_py.linux import calls
from sysvinit_py.linux.handled_signals import HandledSignals
from sysvinit_py.linux.loop import READABLE, Loop, Source, clock
from sysvinit_py.services.host import Host
from sysvinit_py.services.service import Service
from sysvinit_py.services.unit import NEVER
from sysvinit_py.services.watchdog import Watchdog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: Seconds from something that was deleted to a look at the folders, and after an error.
_LULL, _RETRY = 0.05, 1.0


class Hub(Host, Source):
    """All services, by numbers of their owner's choice.

    gone     called with the number of a service, and runsv's exit code, when it is supervised no more
    session  whether each process leads a session of its own
    watchdog whom it is told what this process is busy with
    """

    def __init__(
        self, gone: Callable[[int, int], None], session: bool = False, watchdog: Watchdog | None = None
    ) -> None:
        super().__init__(session)
        self.services: dict[int, Service] = {}
        self._gone = gone
        self._watchdog = watchdog or Watchdog(-1, lambda: None)
        self._heap: list[tuple[float, int, Service]] = []
        self._count = 0  # of what was put into the heap
        self._touched: dict[Service, None] = {}  # they may have something to publish
        self._look_at = NEVER
        self._signals = HandledSignals(  # before there is a child
            {calls.SIGCHLD: self.reap, calls.SIGIO: self._deleted, calls.SIGTERM: self.leave}
        )

    # The services.

    def add(self, number: int, path: str, name: str) -> None:
        """Supervise a folder. Raises FolderError."""
        self._watchdog.begin(number)
        service = Service(self, path, name)
        service.number = number
        self.services[number] = service
        self._touched[service] = None
        self._finish()

    def leave(self, services: Iterable[Service] | None = None) -> None:
        """Tell services to exit, by default all."""
        for service in [*self.services.values()] if services is None else services:
            self.call(service, service.leave)
        self._finish()

    def call(self, service: Service, act: Callable[..., None], *arguments: Any) -> None:
        """Do something for a service. What goes wrong is reported, and concerns no other service."""
        self._try(service, act, *arguments)
        self._touched[service] = None

    def _try(self, service: Service, act: Callable[..., Any], *arguments: Any) -> Any:
        self._watchdog.begin(service.number)
        try:
            return act(*arguments)
        except Exception as error:
            service.say(f"warning: {type(error).__name__}: {error}")

    def _finish(self) -> None:
        """Publish, take leave of what is over, and note deadlines."""
        while self._touched:
            service, _ = self._touched.popitem()
            if self._try(service, service.publish):
                for other in self.waiting.pop(service.name, ()):
                    self.call(other, other.wake)
            if service.over:
                self._end(service)
                continue
            deadline = service.deadline
            if deadline != service.scheduled:
                service.scheduled = deadline
                if deadline < NEVER:
                    self._count += 1
                    heappush(self._heap, (deadline, self._count, service))
        self._watchdog.end()

    def _end(self, service: Service) -> None:
        service.close()
        service.scheduled = None
        if self.services.pop(service.number, None):
            self._gone(service.number, 0)

    # The source.

    @property
    def deadline(self) -> float | None:
        """When the first service has something to do."""
        first = min(self._look_at, self._heap[0][0] if self._heap else NEVER)
        return None if first == NEVER else first

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the descriptor that stands for all."""
        return ((self._epoll.fileno(), READABLE),)

    def serve(self, ready: set[int], now: float) -> tuple[()]:
        """Do what there is to do, for each service; nothing is left to others."""
        if self._look_at <= now:
            self._look()
        while self._heap and self._heap[0][0] <= now:
            when, _, service = heappop(self._heap)
            if service.scheduled == when:
                service.scheduled = None
                self.call(service, service.tick)
        for fd, _ in self._epoll.poll(0):
            service_and_act = self._watched.get(fd)  # one before may have forgotten it
            if service_and_act:
                self.call(*service_and_act)
        self._finish()
        return ()

    def run(self, goes_on: Callable[[], object], *others: Source) -> None:
        """Serve as long as it is to go on; nothing that goes wrong ends it."""
        loop = Loop([self._signals, *others, self])
        while goes_on():
            try:
                loop.turn(_take)
            except Exception as error:
                self.say(f"runsv: warning: {type(error).__name__}: {error}")
                self.spawner.calm()
                self._signals.again(calls.SIGCHLD)  # some may not have been reaped
                calls.sleep(_RETRY)

    # What signals lead to.

    def ended(self, pid: int, status: int | None) -> None:
        """Take in how an adopted process has ended; None: nobody knows."""
        if pid in self._adopted:
            service, ended = self._adopted.pop(pid)
            self.call(service, ended, status)
            self._finish()

    def reap(self) -> None:
        """Take in which children have ended."""
        count, hurries = 0, False
        try:
            while (reaped := calls.waitpid(-1, calls.WNOHANG))[0]:
                pid, status = reaped
                count += 1
                if count == 2:  # from here on others wait while one is started
                    hurries = self.spawner.hurry()
                if pid in self._children:
                    service, ended = self._children.pop(pid)
                    self.call(service, ended, status)
                else:
                    self.ended(pid, status)
        except ChildProcessError:
            pass  # all have been reaped
        self._finish()
        if hurries:
            self.spawner.calm()

    def _deleted(self) -> None:
        """Take in that something was deleted; a service that deletes all the time costs no more than this."""
        self._look_at = min(self._look_at, clock() + _LULL)

    def _look(self) -> None:
        self._look_at = NEVER
        for service in self.services.values():
            self.call(service, service.deleted)


def _take(events: Iterable[Any]) -> None:
    """Have a source served; it has no events for anybody."""
    for _ in events:
        pass
