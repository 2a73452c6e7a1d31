"""Output of the entries: from a pipe for each stream, by whole lines, to the same stream of init.

Nothing here blocks. While the container's log is not read, the pipes fill, and the services wait, as they
would without init; nothing is dropped.
"""

from __future__ import annotations

from stat import S_ISCHR, S_ISFIFO

from sysvinit_py.inittab.options import LOG_FORMS
from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, WRITABLE, Source
from sysvinit_py.logs.lines import Lines
from sysvinit_py.logs.sinks import Json, Output, Prefix
from sysvinit_py.logs.stamps import iso
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STDOUT, STDERR = 1, 2
_NAMES = {STDOUT: "stdout", STDERR: "stderr"}
PREFIX, JSON, RAW = LOG_FORMS
#: The id of init's own lines.
OWN = "init"
#: The mode of the pipes: another user may open /dev/stdout, too.
_MODE = 0o622
_CHUNK = 1 << 16
#: Bytes of init's own lines that are kept while they are not read.
_BACKLOG = 1 << 16
_COLOURS = ("36", "33", "32", "35", "34", "31")


def _unshared(fd: int, mode: int) -> int:
    """Return a new non-blocking open file description of a pipe or terminal; else the descriptor itself.

    A terminal may accept less than poll(2) indicates, and another writer may fill a pipe in between.
    """
    if S_ISFIFO(mode) or S_ISCHR(mode):
        try:
            how = calls.O_WRONLY | calls.O_NONBLOCK | calls.O_NOCTTY | calls.O_CLOEXEC
            return calls.open(f"/proc/self/fd/{fd}", how)
        except OSError:
            pass  # it belongs to another user
    return fd


class _Sink:
    """A descriptor to which lines are written. If it has no reader any more they are dropped."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._output = Output(fd)
        self._own = b""  # lines of init's

    @property
    def busy(self) -> bool:
        """Whether something is not written yet."""
        return self._output.busy or bool(self._own)

    def write(self, data: bytes) -> None:
        """Write lines; it must not be busy."""
        try:
            self._output.write(data)
        except OSError:
            self._output = Output(self.fd)

    def say(self, line: bytes) -> None:
        """Write a line of init, after the present write."""
        if len(self._own) < _BACKLOG:
            self._own += line
        self.flush()

    def flush(self) -> None:
        """Continue writing."""
        self.write(b"")
        if self._own and not self._output.busy:
            own, self._own = self._own, b""
            self.write(own)


class Capture:
    """The two streams of one process."""

    def __init__(self, name: str, ends: dict[int, int]) -> None:
        self.name = name
        self.process = 0
        self.ends = ends  # by stream: the descriptor that the process gets
        self.owned: tuple[int, ...] = ()  # those of them to close in this process


class _Stream:
    def __init__(self, capture: Capture, number: int, sink: _Sink) -> None:
        self.capture, self.number, self.sink = capture, number, sink
        self.lines = Lines()
        self.form: Callable[[Iterable[bytes]], bytes] | None = None


class Relay(Source):
    """Reads all streams, and writes their lines to init's."""

    def __init__(self, form: str, ids: Callable[[], Iterable[str]], coloured: bool = False) -> None:
        self._form = form
        self._ids = ids
        self._coloured = coloured
        self._streams: dict[int, _Stream] = {}  # by the end that is read
        one, other = (calls.fstat(fd) for fd in (STDOUT, STDERR))
        out = _Sink(_unshared(STDOUT, one.st_mode))
        is_same = (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
        self._sinks = {STDOUT: out, STDERR: out if is_same else _Sink(_unshared(STDERR, other.st_mode))}
        self._own = self._former(OWN, calls.getpid(), STDERR)

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the streams whose sink is not busy, and the busy sinks."""
        busy = {sink.fd for sink in self._sinks.values() if sink.busy}
        streams = ((fd, READABLE) for fd, stream in self._streams.items() if stream.sink.fd not in busy)
        return (*streams, *((fd, WRITABLE) for fd in sorted(busy)))

    def serve(self, ready: set[int], now: float) -> Iterable[object]:
        """Pass on what can be read; there are no events."""
        for sink in self._sinks.values():
            if sink.busy:
                sink.flush()
        for fd in ready.intersection(self._streams):
            self._pass_on(fd)
        return ()

    def capture(self, name: str) -> Capture:
        """Return the descriptors for the streams of a process. Raises OSError."""
        if self._form == RAW:
            return Capture(name, {STDOUT: STDOUT, STDERR: STDERR})
        capture = Capture(name, {})
        try:
            for number, sink in self._sinks.items():
                read_end, write_end = calls.pipe2(calls.O_CLOEXEC | calls.O_NONBLOCK)
                capture.owned += (write_end,)
                capture.ends[number] = write_end
                self._streams[read_end] = _Stream(capture, number, sink)
                calls.fcntl(write_end, calls.F_SETFL, calls.O_WRONLY)  # the process's end blocks
                self._open_to_all(write_end)
        except OSError:
            for fd in capture.owned:
                calls.close(fd)
            raise
        return capture

    def _open_to_all(self, write_end: int) -> None:
        try:
            calls.fchmod(write_end, _MODE)
        except OSError:
            pass  # then /dev/stdout cannot be opened

    def say(self, text: str) -> None:
        """Write a line of init."""
        line = f"{printable(text)}\n".encode("utf-8", "backslashreplace")
        self._sinks[STDERR].say(self._own([line]))

    @property
    def drained(self) -> bool:
        """Whether everything was read and written."""
        return not self._streams and not any(sink.busy for sink in self._sinks.values())

    def finish(self) -> None:
        """Pass on what can be read now, and close all streams."""
        for fd in [*self._streams]:
            if not self._streams[fd].sink.busy and not self._pass_on(fd):
                self._end(fd)

    def _pass_on(self, fd: int) -> bool:
        """Pass on the result of one read, unless the sink is busy; return whether the stream has ended."""
        stream = self._streams[fd]
        if stream.sink.busy:
            return False
        try:
            data = calls.read(fd, _CHUNK)
        except OSError:
            return False  # nothing to read
        if not data:
            self._end(fd)
            return True
        self._write(stream, stream.lines.feed(data))
        return False

    def _end(self, fd: int) -> None:
        stream = self._streams.pop(fd)
        calls.close(fd)
        self._write(stream, stream.lines.end())

    def _write(self, stream: _Stream, lines: list[bytes]) -> None:
        if lines:
            if stream.form is None:
                stream.form = self._former(stream.capture.name, stream.capture.process, stream.number)
            stream.sink.write(stream.form(lines))

    def _former(self, name: str, pid: int, number: int) -> Callable[[Iterable[bytes]], bytes]:
        """Return a function that formats the lines of a stream."""
        if self._form == JSON:
            form = Json(id=name, pid=pid, stream=_NAMES[number])
            return lambda lines: form(lines, iso(calls.clock_gettime_ns(calls.CLOCK_REALTIME), digits=3))
        width = 0 if name == OWN else max((len(printable(other)) for other in self._ids()), default=0)
        shown = printable(name).ljust(width)
        if self._coloured:
            shown = f"\x1b[{_COLOURS[sum(name.encode(errors='replace')) % len(_COLOURS)]}m{shown}\x1b[0m"
        return Prefix(shown)
