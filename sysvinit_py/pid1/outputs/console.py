"""The system console: messages, terminal settings, and the question for a level.

See behaviour/boot#preparation, behaviour/boot#target and behaviour/messages. A terminal may be stopped, hung
up or removed at any time. Nothing here blocks on it.
"""

from __future__ import annotations

import termios
from errno import EAGAIN

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.linux.loop import READABLE, WRITABLE, Source
from sysvinit_py.machine import events as ev
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Bytes kept for a console that accepts none at the moment; more are dropped.
BACKLOG = 64 * 1024

PROMPT = b"\nEnter runlevel: "

_ECHO = termios.ECHO | termios.ECHOE | termios.ECHOCTL | termios.ECHOKE
_CONTROL_CHARACTERS = {
    termios.VINTR: b"\x03",
    termios.VQUIT: b"\x1c",
    termios.VERASE: b"\x7f",
    termios.VKILL: b"\x15",
    termios.VEOF: b"\x04",
    termios.VTIME: b"\x00",
    termios.VMIN: b"\x01",
    termios.VSWTC: b"\x00",
    termios.VSTART: b"\x11",
    termios.VSTOP: b"\x13",
    termios.VSUSP: b"\x1a",
    termios.VEOL: b"\x00",
    termios.VREPRINT: b"\x12",
    termios.VDISCARD: b"\x0f",
    termios.VWERASE: b"\x17",
    termios.VLNEXT: b"\x16",
    termios.VEOL2: b"\x00",
}


class Console(Source):
    """The terminal for init's messages, opened again each time."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._candidates = [
            *([environ["CONSOLE"]] if "CONSOLE" in environ else []),
            "/dev/console",
            "/dev/tty0",
        ]
        self.path = "/dev/null"
        self._backlog = bytearray()
        self.writing = -1  # an open descriptor while there is a backlog
        self.asking = -1  # an open descriptor while the question for a level is open
        self._answer = b""
        self.find()

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the descriptors of the backlog and of the question."""
        return (self.writing, WRITABLE), (self.asking, READABLE)

    def serve(self, ready: set[int], now: float) -> Iterator[ev.Event]:
        """Continue writing the backlog, and yield the answer to the question."""
        if self.writing in ready:
            self.write_more()
        if self.asking in ready:
            answer = self.answer()
            if answer is not None:
                yield answer

    def find(self) -> None:
        """Choose the first console that can be opened."""
        for path in self._candidates:
            try:
                calls.close(calls.open(path, calls.O_RDWR | calls.O_NOCTTY | calls.O_NONBLOCK))
            except OSError:
                continue
            self.path = path
            return
        self.path = "/dev/null"

    def open(self) -> int:
        """Open it for a child: blocking, not as controlling terminal; /dev/null if opening fails."""
        try:
            # O_NONBLOCK, as opening a serial line may block until there is a carrier.
            fd = calls.open(self.path, calls.O_RDWR | calls.O_NOCTTY | calls.O_NONBLOCK)
        except OSError:
            return open_nothing()
        try:
            calls.fcntl(fd, calls.F_SETFL, calls.O_RDWR)
        except OSError:
            calls.close(fd)
            raise
        return fd

    def report(self, text: str) -> None:
        """Write a message as soon as the console accepts it."""
        self.write(f"\rINIT: {printable(text)}\r\n".encode("utf-8", "backslashreplace"))

    def write(self, text: bytes) -> None:
        """Write as much as the console accepts, and keep the rest for later."""
        if len(self._backlog) + len(text) <= BACKLOG:
            self._backlog += text
        self.write_more()

    def write_more(self) -> None:
        """Continue writing the backlog; the descriptor is open only while there is any."""
        try:
            if self.writing < 0:
                # Opened each time, as a getty may have hung it up, which invalidates open descriptors.
                self.writing = calls.open(self.path, calls.O_WRONLY | calls.O_NOCTTY | calls.O_NONBLOCK)
            while self._backlog:
                del self._backlog[: calls.write(self.writing, self._backlog)]
        except OSError as error:
            if error.errno == EAGAIN:
                return
            self._backlog.clear()  # there is no console
        if self.writing >= 0:
            calls.close(self.writing)
            self.writing = -1

    def forget_backlog(self) -> None:
        """Drop the backlog, in a forked child."""
        self._backlog.clear()

    def make_sane(self) -> None:
        """Apply the settings of ``stty sane``; speed, character size, parity and IUTF8 are kept."""
        try:
            fd = calls.open(self.path, calls.O_RDWR | calls.O_NOCTTY | calls.O_NONBLOCK)
        except OSError:
            return
        try:
            iflag, _, cflag, _, ispeed, ospeed, characters = calls.tcgetattr(fd)
            keep = termios.CSIZE | termios.CSTOPB | termios.PARENB | termios.PARODD | termios.CBAUD
            for name, character in _CONTROL_CHARACTERS.items():
                characters[name] = character
            settings = [
                iflag & calls.IUTF8 | termios.IGNPAR | termios.ICRNL | termios.IXON | termios.IXANY,
                termios.OPOST | termios.ONLCR,
                cflag & keep | termios.HUPCL | termios.CLOCAL | termios.CREAD,
                termios.ISIG | termios.ICANON | _ECHO,
                ispeed,
                ospeed,
                characters,
            ]
            calls.tcsetattr(fd, termios.TCSANOW, settings)
        except (OSError, termios.error):
            pass  # not a terminal, or it is gone
        finally:
            calls.close(fd)

    # The question.

    def ask(self) -> bool:
        """Ask the question. Returns False if there is no console."""
        if self.asking < 0:
            try:
                self.asking = calls.open(self.path, calls.O_RDONLY | calls.O_NOCTTY | calls.O_NONBLOCK)
                calls.tcgetattr(self.asking)  # /dev/null never answers
            except (OSError, termios.error):
                self.stop_asking()
                return False
        self._answer = b""
        self.write(PROMPT)
        return True

    def answer(self) -> ev.LevelAnswered | ev.NoAnswer | None:
        """Return the line that was typed, or NoAnswer if the console is gone; None: no complete line yet."""
        try:
            typed = calls.read(self.asking, 256)
        except OSError as error:
            if error.errno == EAGAIN:
                return None
            typed = b""
        if not typed:  # Ctrl-D, or the terminal was hung up, and can be reopened or not
            self.stop_asking()
            return None if self.ask() else ev.NoAnswer()
        self._answer = (self._answer + typed)[-256:]
        if not self._answer.endswith((b"\n", b"\r")):
            return None
        line, self._answer = self._answer, b""
        self.stop_asking()  # what is typed from now on is for another program
        return ev.LevelAnswered(line.decode("ascii", "replace").rstrip("\r\n"))

    def stop_asking(self) -> None:
        """Stop reading the answer: the question is answered, or withdrawn."""
        if self.asking >= 0:
            calls.close(self.asking)
            self.asking = -1
