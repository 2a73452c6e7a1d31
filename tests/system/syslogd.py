"""A syslog daemon inside a System, played by the test."""

from __future__ import annotations

import re
import socket
import threading

from sysvinit_py.sandbox.sandbox import Sandbox
from tests.system.witness import wait_until

#: facility daemon, level info; the time; tag and text
MESSAGE = re.compile(r"<30>\w\w\w [ \d]\d \d\d:\d\d:\d\d init: (.*)", re.DOTALL)


class Syslogd:
    """Listens on /dev/log: ``boot(..., before=log.listen)``, then ``log.expect("Re-reading inittab")``."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._expected = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._receive, daemon=True)

    def listen(self, sandbox: Sandbox) -> None:
        """Make /dev/log."""
        self._socket.bind(str(sandbox.path("/dev/log")))
        self._thread.start()

    def close(self) -> None:
        """Stop listening; /dev/log stays."""
        if self._thread.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
        self._socket.close()

    @property
    def texts(self) -> list[str]:
        """What init said, without priority, time and tag."""
        found = (MESSAGE.fullmatch(message.decode(errors="replace")) for message in list(self.received))
        return [match[1] for match in found if match]

    def expect(self, text: str, timeout: float = 10.0) -> None:
        """Wait until init says it, after what the call before found. Raises TimeoutError."""

        def is_there() -> bool:
            if text not in self.texts[self._expected :]:
                return False
            self._expected = self.texts.index(text, self._expected) + 1
            return True

        wait_until(is_there, lambda: f"{text!r} in syslog; but {self.received[self._expected :]}", timeout)

    def _receive(self) -> None:
        while message := self._socket.recv(65536):
            self.received.append(message)
