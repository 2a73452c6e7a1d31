"""A hub as runsvdir has it: a child that is told which folders to supervise, and is watched."""

from __future__ import annotations

import _socket  # and not socket, which imports enum and selectors

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import Source, clock
from sysvinit_py.linux.title import show
from sysvinit_py.services import wire
from sysvinit_py.services.runsv import FATAL
from sysvinit_py.services.watchdog import EVERY, Eye

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Identity = tuple[int, int]

#: Seconds: a hub that has not lived so long is not started again at once.
_HUB_MAY_END = 1.0


class Entry:
    """A folder that the hub supervises."""

    def __init__(self, identity: Identity, path: str) -> None:
        self.identity, self.path = identity, path
        self.leaving = False  # it is gone from the directory, and the hub has been told

    @property
    def name(self) -> str:
        """Its name in the directory."""
        return self.path.rpartition("/")[2]


class HubProcess(Source):
    """One hub.

    alone  it has one service at most, which would hold up others
    """

    def __init__(self, session: bool, title: str, *, alone: bool = False) -> None:
        self._session, self._title, self.alone = session, title, alone
        self.busy: int | None = None  # the number of the service that has held it up
        self.pid, self._started_at = 0, 0.0
        self._eye = Eye()
        self._packets: wire.Packets | None = None
        self.start_at: float | None = 0.0
        self.entries: dict[int, Entry] = {}  # what it supervises, by the numbers that it is told
        self.is_ready = False  # it knows of all that another one has left

    @property
    def deadline(self) -> float | None:
        """When to start it, or to look whether a service holds it up."""
        return self._eye.look_at if self.start_at is None else self.start_at

    def start(self, others: Iterable[int]) -> None:
        """Start it; ``others`` are descriptors that are none of its business. Raises OSError."""
        self._eye.forget()
        ours, its = calls.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        pid = calls.fork()
        if not pid:
            status = FATAL
            try:
                for number in (calls.SIGHUP, calls.SIGALRM, calls.SIGTERM):
                    calls.signal(number, calls.SIG_DFL)
                if self._session:  # what is sent to runsvdir's group, as by init, is not for it
                    calls.setsid()
                for fd in (ours.fileno(), *others):
                    calls.close(fd)
                _be_called("runsv", f"runsv\0{self._title}")
                status = wire.serve(its, self._session, -1 if self.alone else self._eye.file)
            finally:
                calls._exit(status)
        its.close()
        self.pid, self._packets, self.start_at, self._started_at = pid, wire.Packets(ours), None, clock()

    def ended(self) -> None:
        """Take in that it has ended."""
        if self._packets:
            self._packets.close()
        self.pid, self._packets, self.is_ready = 0, None, False
        self.start_at = max(clock(), self._started_at + _HUB_MAY_END)

    def tell(self, text: str) -> None:
        """Tell it something, as soon as it takes it."""
        if self._packets:
            self._packets.tell(text)

    def end(self) -> None:
        """Have all services exit, and it after them; what it was not told so far it need not know."""
        packets = self._packets
        if packets and packets.socket:
            packets.waiting.clear()
            packets.tell("exit")
            try:
                if packets.waiting:
                    calls.kill(self.pid, calls.SIGTERM)
                packets.socket.shutdown(_socket.SHUT_WR)
            except OSError:
                pass  # it is dead

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the socket."""
        return self._packets.wanted() if self._packets else ()

    def serve(self, ready: set[int], now: float) -> Iterable[tuple[int, str]]:
        """Yield the numbers of what it supervises no more, each with what prevents it, if anything."""
        if self._packets:
            self._packets.flush()
            for text in self._packets.heard():
                if text == "busy":
                    self._eye.look_at = now + EVERY
                elif text == "ready":
                    self.is_ready = True
                    yield 0, ""
                else:
                    _, number, _, why = text.split(" ", 3)
                    yield int(number), why
        if self.pid and self.is_due(now):
            self.busy = self._eye.look(now)
            if self.busy is not None:
                calls.kill(self.pid, calls.SIGKILL)


def _be_called(name: str, title: str) -> None:
    """Take a name and a title."""
    show(title)
    try:
        file = calls.open("/proc/self/comm", calls.O_WRONLY | calls.O_CLOEXEC)
        calls.write(file, name.encode())
        calls.close(file)
    except OSError:
        pass
