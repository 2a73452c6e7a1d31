"""svlogd: write standard input to log directories, line by line (docs/logs.rst)."""

from __future__ import annotations

import posix as os  # and not os, which takes half a megabyte
import select
import time
from errno import EBADF, ENOTDIR

from sysvinit_py import __version__
from sysvinit_py.clients.runit.common import UsageError, complain, encoded, options, wrong_usage
from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.lines import Lines
from sysvinit_py.logs.stamps import STAMPS
from sysvinit_py.protocol.supervise import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
else:
    import _signal  # and not signal, which imports enum

USAGE = "[-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ..."
_LENGTH, _BUFFER = 1000, 1024
#: Bytes that are read at once, at least and at most. They are lost if it is killed before they are written.
_LEAST, _MOST = 4096, 1 << 20
#: Seconds that SIGTERM waits for the end of the line that has begun, as long as some of it comes.
_PATIENCE = 1.0
#: What -v calls them.
_SIGNALS: dict[int, str] = {
    _signal.SIGTERM: "term", _signal.SIGHUP: "hangup", _signal.SIGALRM: "alarm", _signal.SIGCHLD: "child",
}  # fmt: skip
_PRINTABLE = {*range(0x20, 0x7F)}
_NEWLINE = {0x0A}


class FatalError(Exception):
    """It cannot go on; the text says why."""


class Options:
    """What the command line says. Raises UsageError."""

    def __init__(self, words: list[str]) -> None:
        self.length, self.verbose = _LENGTH, False
        by, replaced, stamps, buffer = b"", b"", 0, _BUFFER
        for letter, value in options(words, "R:r:l:b:tvV"):
            match letter:
                case "V":
                    raise UsageError(f"{__version__} (sysvinit_py)")
                case "r":
                    by = encoded(value)
                    if len(by) != 1:
                        raise UsageError
                case "R":
                    by, replaced = by or b"_", encoded(value)
                case "l":
                    self.length = _leading(value) or _LENGTH
                case "b":
                    buffer = _leading(value) or _BUFFER
            stamps += letter == "t"
            self.verbose |= letter == "v"
        if not words or buffer <= self.length:
            raise UsageError
        self.paths, self.buffer = words, min(max(buffer, _LEAST), _MOST)
        self.stamp: Callable[[int], bytes] | None = STAMPS["t" * min(stamps, 3)] if stamps else None
        kept = (_PRINTABLE - {*replaced}) | _NEWLINE
        self.table = bytes(byte if byte in kept else by[0] for byte in range(256)) if by else None


def _leading(text: str) -> int:
    """Return the number that the text begins with, as C does."""
    return int("0" + text[: len(text) - len(text.lstrip("0123456789"))])


class Logger:
    """Standard input, and the directories; None stands for one that could not be opened."""

    def __init__(self, chosen: Options) -> None:
        self._options, self._lines = chosen, Lines()
        self._folders: dict[str, Folder | None] = dict.fromkeys(chosen.paths)
        self._until: float | None = None  # SIGTERM came, and the line that has begun is waited for
        self._ended = False  # nothing is read any more
        self._bell, bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._signalled, self._both = select.poll(), select.poll()
        for poll in (self._signalled, self._both):
            poll.register(self._bell, select.POLLIN)
        self._both.register(0, select.POLLIN)
        _signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        for number in _SIGNALS:
            _signal.signal(number, lambda *_: None)

    @property
    def _open(self) -> list[Folder]:
        return [folder for folder in self._folders.values() if folder]

    def run(self) -> None:
        """Serve until the input ends, or SIGTERM comes, and all is written. Raises FatalError."""
        self._reopen()
        while self._turn():
            pass
        for folder in self._open:
            try:
                folder.close()
            except OSError:
                pass  # it is complete but for its mode

    def _turn(self) -> bool:
        """Write what is due, wait, and take what comes. Returns False if nothing is left to do."""
        now, ready = time.monotonic(), not self._ended
        for folder in self._open:
            if folder.busy or (folder.deadline or now + 1) <= now:
                ready &= folder.flush()
        if self._ended and not any(folder.busy for folder in self._open):
            return False
        leaving = ready and self._until is not None
        due = [folder.deadline for folder in self._open if folder.deadline is not None]
        timeout = 0 if leaving else max(0, int((min(due) - now) * 1000) + 1) if due else None
        events = dict((self._both if ready else self._signalled).poll(timeout))
        if self._bell in events:
            self._hear()
        if leaving and not (self._lines.begun and 0 in events and now < (self._until or now)):
            self._end()
        elif 0 in events:
            self._take(1 if leaving else self._options.buffer)
        return True

    def _hear(self) -> None:
        for number in os.read(self._bell, _LEAST):
            self._info(f"sig{_SIGNALS[number]} received.")
            if number == _signal.SIGTERM:
                self._until = time.monotonic() + _PATIENCE
            elif number == _signal.SIGHUP:
                self._reopen()
            elif number == _signal.SIGALRM:
                for folder in self._open:
                    folder.rotate()

    def _take(self, size: int) -> None:
        """Read what has come, and write the lines that are complete."""
        try:
            data = os.read(0, size)
        except OSError as error:
            self._warn(f"unable to read standard input: {reason(error)}")
            data = b""
        if not data:
            self._end()
            return
        if self._options.table:
            data = data.translate(self._options.table)
        by_line = any(folder.by_line for folder in self._open)
        self._put(self._lines.feed(data) if by_line else self._lines.whole(data))

    def _put(self, pieces: list[bytes]) -> None:
        for folder in self._open if pieces else ():
            folder.write(pieces)

    def _end(self) -> None:
        self._ended = True
        self._put(self._lines.end())

    def _reopen(self) -> None:
        """Open all directories, anew if they are open. Raises FatalError if none can be."""
        for path, folder in self._folders.items():
            try:
                if folder:
                    folder.reopen()
                else:
                    self._folders[path] = self._opened(path)
            except OSError as error:
                opening = "change directory" if error.errno == ENOTDIR else "open log directory"
                steps = {None: "lock directory", "lock": "lock directory", path: opening}
                self._warn(f"unable to {steps.get(error.filename, 'open current')}: {path}: {reason(error)}")
                if not (folder and folder.busy):  # nothing is lost by doing without it
                    self._folders[path] = None
        if not self._open:
            raise FatalError("no functional log directories.")

    def _opened(self, path: str) -> Folder:
        return Folder(
            path, self._options.stamp, length=self._options.length,
            copy=_copy, warn=self._warn, info=self._info, reason=reason,
        )  # fmt: skip

    def _warn(self, text: str) -> None:
        complain(f"svlogd: {'' if text.startswith('pausing: ') else 'warning: '}{text}\n")

    def _info(self, text: str) -> None:
        if self._options.verbose:
            complain(f"svlogd: info: {text}\n")


def _copy(line: bytes) -> None:
    try:
        os.write(2, line)
    except OSError:
        pass


def main(argv: list[str]) -> int:
    """Return the exit status: 0 after the end of the input or SIGTERM."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    try:
        chosen = Options(argv[1:])
        try:
            os.fstat(0)
        except OSError as error:
            if error.errno == EBADF:  # something else would get this number
                complain(f"svlogd: warning: unable to read standard input: {reason(error)}\n")
                return 0
        Logger(chosen).run()
    except UsageError as wrong:
        wrong_usage(argv[0].rpartition("/")[2], wrong, f"{argv[0]} {USAGE}")
        return 111
    except FatalError as fatal:
        complain(f"svlogd: fatal: {fatal}\n")
        return 111
    return 0
