"""The sandbox's console: a pseudoterminal."""

from __future__ import annotations

import os
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Callable
from fcntl import ioctl

MAX_KEPT = 1 << 16  # bytes, if there is a listener


class Console:
    """A pseudoterminal, and its output so far.

    A thread reads it, so that processes inside do not block. ``listener`` gets each part as it comes, on that
    thread; with it, only the end of the output is kept.
    """

    def __init__(self, listener: Callable[[bytes], object] | None = None) -> None:
        # The terminal is kept open here, too: while it is closed everywhere, the master cannot be read.
        self._master, self._terminal = os.openpty()
        os.set_blocking(self._master, False)
        self.name = os.ttyname(self._terminal)
        self._listener = listener
        self._said = b""
        self._expected = 0
        self._news = threading.Condition()
        self._reading = threading.Event()
        self._reading.set()
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    @property
    def said(self) -> bytes:
        """The output since the start, including the echo of what was typed."""
        return self._said

    def expect(self, pattern: bytes | re.Pattern[bytes], timeout: float = 5.0) -> re.Match[bytes]:
        """Wait for a match of ``pattern``, after that of the previous call. Raises TimeoutError."""
        expression = re.compile(re.escape(pattern)) if isinstance(pattern, bytes) else pattern
        end = time.monotonic() + timeout
        with self._news:
            while not (found := expression.search(self._said, self._expected)):
                if not self._news.wait(end - time.monotonic()):
                    unseen = self._said[self._expected :]
                    raise TimeoutError(f"not within {timeout} s: {expression.pattern!r}; but: {unseen!r}")
            self._expected = found.end()
        return found

    def type(self, keys: bytes) -> None:
        """Type keys. They are lost if the input buffer is full, as on a keyboard."""
        try:
            os.write(self._master, keys)
        except BlockingIOError:
            pass

    def resize(self, rows: int, columns: int) -> None:
        """Set the window size; the foreground process group gets SIGWINCH."""
        ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def pause(self) -> None:
        """Stop reading, as after Ctrl-S: output stays in the kernel's buffer of a few kilobytes."""
        self._reading.clear()

    def resume(self) -> None:
        """Continue reading."""
        self._reading.set()

    def close(self) -> None:
        """Read the rest, and hang up."""
        os.close(self._stop)
        self._reading.set()
        self._thread.join()
        os.close(self._wake)
        os.close(self._terminal)
        os.close(self._master)

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        poll.register(self._wake, 0)
        stopped = False
        while not stopped:
            stopped = any(fd == self._wake for fd, _ in poll.poll())
            while self._reading.wait() and select.select([self._master], [], [], 0)[0]:
                part = os.read(self._master, 65536)
                with self._news:
                    said = self._said + part
                    self._said = said[-MAX_KEPT:] if self._listener else said
                    self._news.notify_all()
                if self._listener:
                    self._listener(part)
