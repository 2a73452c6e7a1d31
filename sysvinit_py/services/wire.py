"""The hub below runsvdir: what it is told, and what it tells, a packet for each message.

``add ID PATH``, ``forget ID``, ``exit``, ``ended PID STATUS`` come in; ``gone ID CODE`` goes out,
and after it why the folder cannot be supervised, if that is so; ``busy``, when there is something to look at
(watchdog). What comes in as ``ready``, once all that there is at first has come in, is sent back.
"""

from __future__ import annotations

from errno import ECONNRESET, EPIPE

from sysvinit_py.linux.loop import READABLE, WRITABLE, Source, clock
from sysvinit_py.services.folder import FolderError, HeldError, let_go
from sysvinit_py.services.hub import Hub
from sysvinit_py.services.runsv import FATAL, prepare
from sysvinit_py.services.watchdog import Watchdog

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterator

_LONGEST = 1 << 16
#: Messages that are taken in one turn, so that what services need meanwhile is done between them.
_AT_ONCE = 16
#: Seconds until a hub without a runsvdir has let a folder go.
_LETS_GO = 0.1


class Packets:
    """One end of a socket; what the other one does not take at once waits, and nobody waits for it."""

    def __init__(self, socket: _socket.socket) -> None:
        socket.setblocking(False)
        self.socket: _socket.socket | None = socket
        self.waiting: list[bytes] = []

    def tell(self, text: str) -> None:
        """Send a message, as soon as the other end takes it."""
        self.waiting.append(text.encode("utf-8", "surrogateescape"))
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        try:
            while self.socket and self.waiting:
                self.socket.send(self.waiting[0])
                del self.waiting[0]
        except OSError as error:
            if error.errno in (EPIPE, ECONNRESET):  # nobody is there
                self.waiting.clear()

    def heard(self) -> Iterator[str]:
        """Yield what has come."""
        try:
            for _ in range(_AT_ONCE):
                message = self.socket.recv(_LONGEST) if self.socket else b""
                if not message:
                    self.close()
                    return
                yield message.decode("utf-8", "surrogateescape")
        except OSError as error:
            if error.errno == ECONNRESET:
                self.close()

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the socket."""
        fd = self.socket.fileno() if self.socket else -1
        return ((fd, READABLE | WRITABLE if self.waiting else READABLE),)

    def close(self) -> None:
        """Hear, and tell, nothing more."""
        if self.socket:
            self.socket.close()
        self.socket = None
        self.waiting.clear()


class Channel(Source):
    """What runsvdir says. Once it is gone, the services go on without it."""

    def __init__(self, socket: _socket.socket, session: bool, busy: int) -> None:
        self._packets = Packets(socket)
        self._asked: list[tuple[float, int, str]] = []  # folders that another hub has been asked for
        self.hub = Hub(self.gone, session, Watchdog(busy, lambda: self._packets.tell("busy")))
        self.hub.is_told = True

    @property
    def is_open(self) -> bool:
        """Whether runsvdir is there."""
        return self._packets.socket is not None

    def gone(self, number: int, code: int, why: str = "") -> None:
        """Say that a service is supervised no more."""
        self._packets.tell(f"gone {number} {code} {why}")

    @property
    def deadline(self) -> float | None:
        """When to try again what another hub has been asked for."""
        return self._asked[0][0] if self._asked else None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the socket."""
        return self._packets.wanted()

    def serve(self, ready: set[int], now: float) -> tuple[()]:
        """Take in one message."""
        while self._asked and self._asked[0][0] <= now:
            _, number, path = self._asked.pop(0)
            self._add(number, path, is_last=True)
        self._packets.flush()
        if message := next(self._packets.heard(), ""):
            try:
                self._take(*message.split(" ", 2))
            except Exception as error:  # whatever it is, the services go on
                self.hub.say(f"runsv: warning: {message}: {type(error).__name__}: {error}")
        if not self.is_open:
            self.hub.is_told, self.hub.lets_go = False, True
            self.hub.spawner.calm()
        return ()

    def _take(self, word: str, number: str = "0", text: str = "") -> None:
        services = self.hub.services
        if word == "add":
            self._add(int(number), text)
        elif word == "ended":
            self.hub.ended(int(number), int(text))
        elif word == "ready":
            self._packets.tell(word)
            self.hub.spawner.calm()
        elif word == "exit":
            self.hub.leave()
        elif int(number) in services:  # it may have ended meanwhile
            self.hub.leave([services[int(number)]])

    def _add(self, number: int, path: str, *, is_last: bool = False) -> None:
        name = path.rpartition("/")[2]
        try:
            self.hub.add(number, path, name)
        except Exception as error:
            if isinstance(error, HeldError) and not is_last and let_go(path):
                self._asked.append((clock() + _LETS_GO, number, path))
                return
            what = "" if isinstance(error, FolderError) else f"{type(error).__name__}: "
            self.gone(number, FATAL, f"{what}{error}")


def serve(socket: _socket.socket, session: bool = False, busy: int = -1) -> int:
    """Supervise what runsvdir says, and without it as long as there is something; return the exit status."""
    prepare()
    channel = Channel(socket, session, busy)
    channel.hub.spawner.hurry()  # until runsvdir has said all that it knows
    channel.hub.run(lambda: channel.is_open or channel.hub.services, channel)
    return 0
