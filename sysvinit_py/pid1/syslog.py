"""Messages to syslog, without waiting for it: what it does not take at once is lost (SPEC 11)."""

from __future__ import annotations

import _socket
import time

from sysvinit_py.pid1 import kernel

PATH = "/dev/log"
_DAEMON_INFO = 3 << 3 | 6
_MAX_BYTES = 1024


class Syslog:
    """A line to the daemon at /dev/log: facility daemon, level info, tag init."""

    def __init__(self) -> None:
        self._socket: _socket.socket | None = None

    def send(self, text: str) -> None:
        """Send a message; twice at most, as syslogd may have been started anew since the last one."""
        stamp = time.strftime("%b %e %H:%M:%S")
        message = f"<{_DAEMON_INFO}>{stamp} init: {text}".encode("utf-8", "backslashreplace")[:_MAX_BYTES]
        for _ in range(2):
            try:
                if self._socket is None:
                    line = kernel.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK)
                    line.connect(PATH)
                    self._socket = line
                self._socket.send(message)
                return
            except BlockingIOError:
                return  # its queue is full
            except OSError:
                if self._socket is None:
                    return  # nobody listens
                self._socket.close()
                self._socket = None
