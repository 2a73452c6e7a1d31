"""The hub below runsvdir: what it is told, and what it tells, a packet for each message.

``add ID PATH``, ``forget ID``, ``exit``, ``ended PID STATUS`` come in; ``gone ID CODE`` goes out.
"""

from __future__ import annotations

from sysvinit_py.linux.loop import READABLE, Loop, Source
from sysvinit_py.services.folder import FolderError
from sysvinit_py.services.hub import Hub
from sysvinit_py.services.runsv import FATAL, prepare, take

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

_LONGEST = 1 << 16


class Channel(Source):
    """What runsvdir says. Once it is gone, the services go on without it."""

    def __init__(self, socket: _socket.socket, session: bool = False) -> None:
        self._socket = socket
        self.is_open = True
        self.hub = Hub(self.gone, session)
        self.hub.is_told = True

    def gone(self, number: int, code: int) -> None:
        """Say that a service is supervised no more."""
        self._send(f"gone {number} {code}")

    def _send(self, text: str) -> None:
        try:
            self._socket.send(text.encode())
        except OSError:
            pass  # nobody is there

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the socket."""
        return ((self._socket.fileno() if self.is_open else -1, READABLE),)

    def serve(self, ready: set[int], now: float) -> tuple[()]:
        """Take in one message."""
        try:
            message = self._socket.recv(_LONGEST).decode("utf-8", "surrogateescape")
        except OSError:
            message = ""
        if message:
            try:
                self._take(*message.split(" ", 2))
            except Exception as error:  # whatever it is, the services go on
                self.hub.say(f"runsv: warning: {message}: {type(error).__name__}: {error}")
        else:
            self.is_open = self.hub.is_told = False
        return ()

    def _take(self, word: str, number: str = "0", text: str = "") -> None:
        services = self.hub.services
        if word == "add":
            name = text.rpartition("/")[2]
            try:
                self.hub.add(int(number), text, name)
            except (FolderError, OSError) as error:
                self.hub.say(f"runsv {name}: fatal: {error}")
                self.gone(int(number), FATAL)
        elif word == "ended":
            self.hub.ended(int(number), int(text))
        elif word == "exit":
            self.hub.leave()
        elif int(number) in services:  # it may have ended meanwhile
            self.hub.leave([services[int(number)]])


def serve(socket: _socket.socket, session: bool = False) -> int:
    """Supervise what runsvdir says, and without it as long as there is something; return the exit status."""
    prepare()
    channel = Channel(socket, session)
    loop = Loop([channel.hub.signals(), channel, channel.hub])
    while channel.is_open or channel.hub.services:
        loop.turn(take)
    return 0
