"""Messages to syslog, without blocking: what it does not accept at once is lost (behaviour/messages)."""

from __future__ import annotations

import _socket
import time

from sysvinit_py.linux import calls
from sysvinit_py.text import printable

PATH = "/dev/log"
_DAEMON_INFO = 3 << 3 | 6
USER_NOTICE = 1 << 3 | 5
_MAX_BYTES = 1024


class Syslog:
    """Sends messages to /dev/log, by default of facility daemon and level info."""

    def __init__(self, tag: str = "init", priority: int = _DAEMON_INFO) -> None:
        self._priority = priority
        self._tag = printable(tag)
        self._socket: _socket.socket | None = None

    def send(self, text: str) -> None:
        """Send a message; retry once, as syslogd may have been restarted since the last one."""
        stamp = time.strftime("%b %e %H:%M:%S")
        message = f"<{self._priority}>{stamp} {self._tag}: {printable(text)}".encode()[:_MAX_BYTES]
        for _ in range(2):
            try:
                (self._socket or self._connect()).send(message)
                return
            except BlockingIOError:
                return  # its queue is full
            except OSError:
                self.close()  # syslogd is not running, or was restarted

    def _connect(self) -> _socket.socket:
        self._socket = calls.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK)
        self._socket.connect(PATH)
        return self._socket

    def close(self) -> None:
        """Close the socket; the next message opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
