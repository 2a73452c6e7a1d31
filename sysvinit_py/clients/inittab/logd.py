"""inittab logd: copies output from the pipes that init holds (pid1/outputs/capture.py) to the logs.

Init starts one process for all entries. It writes everything it has read before it reads more, so that no
more than one read is lost if it is killed, and nothing while it waits. While a log cannot be written its pipe
is not read, and the writer blocks once it is full.
"""

from __future__ import annotations

import posix as os  # and not os, which takes half a megabyte
import select
import sys
import time
from stat import S_ISFIFO

from sysvinit_py.linux import title
from sysvinit_py.linux.syslog import Syslog
from sysvinit_py.logs import places
from sysvinit_py.logs.sinks import Output
from sysvinit_py.report import pipes
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterator

    from sysvinit_py.report.pipes import Pipe, Table
else:
    import _signal  # and not signal, which imports enum

NAME = "inittab logd"
#: The capacity of a pipe, in bytes.
_READ = 1 << 16
#: After SIGTERM: seconds without output after which it exits, and seconds at most.
_LULL, _LAST = 0.3, 3.0
#: Seconds until an incomplete table is read again.
_AGAIN = 0.1


class Source:
    """A pipe, and the log that it is copied to."""

    def __init__(self, pipe: Pipe, fd: int, spec: places.Spec, sink: places.Sink) -> None:
        self.pipe, self.fd, self.spec, self.sink = pipe, fd, spec, sink
        self.wanted = spec  # the destination in the current table

    @property
    def settled(self) -> bool:
        """Whether all that was read is written, and the destination is the current one."""
        return self.sink.deadline is None and self.wanted == self.spec

    def take(self) -> bool:
        """Copy what can be read; return False at the end of the file."""
        try:
            data = os.read(self.fd, _READ)
        except BlockingIOError:
            return True
        self.sink.write(data)
        return bool(data)


class Logger:
    """All sources. ``init``: the pid of the process that holds the pipes."""

    def __init__(self, init: int) -> None:
        self._init = init
        self._syslog = Syslog(NAME)
        self._stdout, self._stderr = Output(1), Output(2)
        self._sources: dict[int, Source] = {}  # by the inode
        self._polled: dict[int, Source] = {}  # by the descriptor
        self._poll = select.poll()
        self._look_at: float | None = 0.0  # when to read the table
        self._end_at: float | None = None  # when to exit, after SIGTERM
        self._heard = time.monotonic()  # when something was read last
        self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._bell[0], select.POLLIN)

    def run(self) -> None:
        """Serve until SIGTERM, or until there is nothing left to read and init holds no pipe."""
        _signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
        for number in (_signal.SIGWINCH, _signal.SIGHUP):
            _signal.signal(number, self._look)
        for number in (_signal.SIGTERM, _signal.SIGINT):
            _signal.signal(number, self._end)
        while self._look_at is not None or self._sources:
            now = time.monotonic()
            if self._end_at is not None and now > min(self._end_at, self._heard + _LULL):
                break
            if self._look_at is not None and now >= self._look_at:
                self._look_at_table(now)
            self._turn(now)
        for source in [*self._sources.values()]:
            source.sink.close()

    def warn(self, text: str) -> None:
        """Report something on the console, unless that would block, and in syslog."""
        self._syslog.send(text)
        try:
            self._stderr.write(f"\r{NAME}: {printable(text)}\r\n".encode(errors="replace"))
        except OSError:
            pass

    def _look(self, *_: object) -> None:
        self._look_at = 0.0

    def _end(self, *_: object) -> None:
        self._heard = time.monotonic()
        self._end_at = self._heard + _LAST

    def _turn(self, now: float) -> None:
        """Wait for output, signals and deadlines once, and copy the output."""
        deadlines = [self._look_at, None if self._end_at is None else min(self._end_at, now + _LULL)]
        for source in self._sources.values():
            if not source.settled or source.fd not in self._polled:
                ready = source.sink.flush()
                if ready and source.wanted != source.spec:
                    self._move(source)
                if ready != (source.fd in self._polled):
                    self._register(source, ready)
                deadlines.append(source.sink.deadline)
        left = min((when for when in deadlines if when is not None), default=None)
        timeout = None if left is None else max(0, int((left - now) * 1000) + 1)
        for fd, _ in self._poll.poll(timeout):
            if fd == self._bell[0]:
                os.read(fd, _READ)
            elif self._polled[fd].settled:
                self._heard = now
                if not self._polled[fd].take():
                    self._close(self._polled[fd])

    def _register(self, source: Source, ready: bool) -> None:
        if ready:
            self._polled[source.fd] = source
            self._poll.register(source.fd, select.POLLIN)
        else:
            del self._polled[source.fd]
            self._poll.unregister(source.fd)

    def _close(self, source: Source) -> None:
        """Remove a source whose pipe has been closed by all writers and by init."""
        self._register(source, False)
        os.close(source.fd)
        source.sink.close()
        del self._sources[source.pipe.inode]

    def _move(self, source: Source) -> None:
        source.sink.close()
        source.spec = source.wanted
        source.sink = self._sink(source.pipe, source.spec)

    def _sink(self, pipe: Pipe, spec: places.Spec) -> places.Sink:
        return places.sink(spec, self._stdout, self.warn)

    # The table of pipes.

    def _look_at_table(self, now: float) -> None:
        try:
            with open(f"/proc/{self._init}/fd/{pipes.FD}", "rb", buffering=0) as file:
                table = pipes.decode(file.read(os.fstat(file.fileno()).st_size))
        except ValueError:
            self._look_at = now + _AGAIN  # it is being written
            return
        except OSError:
            table = pipes.Table()  # another init has been executed
        self._look_at = None
        for pipe, fd in self._opened(table, now):
            spec = places.spec(pipe.entry, dict(table.files))
            if fd is None:
                self._sources[pipe.inode].wanted = spec
            else:
                self._sources[pipe.inode] = Source(pipe, fd, spec, self._sink(pipe, spec))

    def _opened(self, table: Table, now: float) -> Iterator[tuple[Pipe, int | None]]:
        """Yield the pipes, each with a descriptor of our own if it was not open yet."""
        for pipe in table.pipes:
            if pipe.inode in self._sources:
                yield pipe, None
                continue
            try:
                fd = os.open(f"/proc/{self._init}/fd/{pipe.fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                self._look_at = now + _AGAIN  # it was replaced, and the table will soon have the new one
                continue
            status = os.fstat(fd)
            if S_ISFIFO(status.st_mode) and status.st_ino == pipe.inode:
                yield pipe, fd
            else:
                os.close(fd)


def main(_: object = None) -> int:
    """Run the logger; return the exit status."""
    init = os.getppid()
    if init != 1:
        print(f"{NAME}: init starts this program when an entry has a log", file=sys.stderr)
        return 1
    title.show(NAME)
    Logger(init).run()
    return 0
