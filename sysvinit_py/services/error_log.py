"""The log of runsvdir: what comes on standard error, in the last argument, where ``ps`` shows it."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Source, clock
from sysvinit_py.linux.title import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 1 << 16
#: Of the log: what stays, and seconds between two dots, by which old messages leave it.
_KEPT, _DOT_EVERY = 5, 900.0


class ErrorLog(Source):
    """What was written last.

    words  of the command line, before the log
    text   what the argument says
    """

    deadline: float | None = None  # of the next dot

    def __init__(self, words: Sequence[str], text: str) -> None:
        self._words = words
        self._text = text.encode("utf-8", "surrogateescape")
        self.fd, write = calls.pipe2(calls.O_CLOEXEC | calls.O_NONBLOCK)
        calls.fcntl(write, calls.F_SETFL, calls.O_WRONLY)
        calls.dup2(write, 2)
        calls.close(write)
        self.deadline = clock() + _DOT_EVERY

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the pipe."""
        return ((self.fd, READABLE),)

    def serve(self, ready: set[int], now: float) -> tuple[()]:
        """Take in what was written, or a dot."""
        try:
            new = calls.read(self.fd, _CHUNK) if self.fd in ready else b"."
        except OSError:
            return ()
        self.deadline = now + _DOT_EVERY
        kept, shifted = self._text[:_KEPT], self._text[_KEPT:]
        self._text = kept + (shifted + new)[len(new) :]
        self.show()
        return ()

    def show(self) -> None:
        """Write it where the kernel has the arguments."""
        show("\0".join([*self._words, self._text.decode("utf-8", "surrogateescape")]))
