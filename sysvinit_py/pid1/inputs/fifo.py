"""/run/initctl: the FIFO for requests (behaviour/initctl)."""

from __future__ import annotations

from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Source, clock
from sysvinit_py.pid1.ownership import is_roots
from sysvinit_py.protocol.initctl import PATH, Bogus, Decoder, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sysvinit_py.machine.events import Event

#: Seconds between checks while there are no notifications: without a FIFO, or without inotify.
_LOOK_AGAIN = 5.0
#: Seconds before it is reopened after a failed read.
_PAUSE = 0.01

#: Bytes read at a time, so that a flood of requests does not delay other events for long.
CHUNK = 64 * 384


class Fifo(Source):
    """The FIFO, kept open; one that was deleted, replaced or mounted over is made again at once.

    events_of  returns the events of a request
    report     called once with the reason why there is no FIFO
    """

    deadline: float | None = None  # when to check it even without a notification

    def __init__(
        self,
        events_of: Callable[[Request | Bogus], Iterable[Event]],
        report: Callable[[str], None],
        path: str = PATH,
    ) -> None:
        self.path = path
        self.fd = -1
        self.watch = -1  # inotify descriptor for changes of the file at the path
        self._is_shut = False
        self._watched = False
        self._events_of = events_of
        self._report = report
        self._refused = ""
        self._decoder = Decoder()

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the FIFO and the inotify descriptor."""
        return (self.fd, READABLE), (self.watch, READABLE)

    def serve(self, ready: set[int], now: float) -> Iterator[Event]:
        """Check whether the FIFO is still in its place, and yield the events of the requests."""
        if self.watch in ready:
            self._read_watch()
        if self.is_due(now) or not ready.isdisjoint((self.fd, self.watch)):
            self.keep()
        if self.fd in ready:
            for request in self.read():
                yield from self._events_of(request)

    def keep(self) -> None:
        """Ensure that the open FIFO is the one at the path: open it, or make it; not after SIGUSR2."""
        if self._is_shut:
            return
        self.deadline = None
        if self.fd < 0 or not self._is_in_place():
            self._close()
            try:
                self._open()
            except OSError as error:
                self._refuse(f"{self.path}: {error.strerror}")
        if self.fd < 0 or (self._watched and self.watch < 0):
            self.deadline = clock() + _LOOK_AGAIN

    def _is_in_place(self) -> bool:
        try:
            there, ours = calls.stat(self.path), calls.fstat(self.fd)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # unknown
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _open(self) -> None:
        try:
            calls.mkfifo(self.path, 0o600)
        except FileExistsError:
            pass
        if self._watched:
            self._watch()  # before the check, so that no change is missed; and whatever type it has
        if not S_ISFIFO(calls.stat(self.path).st_mode):
            self._refuse(f"{self.path} is not a fifo")
            return
        # Also for writing, so that there is always a writer, and poll(2) never reports POLLHUP.
        fd = calls.open(self.path, calls.O_RDWR | calls.O_NONBLOCK)
        if not is_roots(self.path, fd):
            calls.close(fd)
            self._refuse(f"{self.path} is not root's alone")
            return
        self.fd = fd
        self._refused = ""
        self._decoder = Decoder()

    def _refuse(self, reason: str) -> None:
        """Report why there is no FIFO, once."""
        if reason != self._refused:
            self._refused = reason
            self._report(reason)

    def _watch(self) -> None:
        """Watch for changes of the file, and of the link to it if it is one."""
        try:
            self.watch = calls.inotify_init1(calls.O_CLOEXEC | calls.O_NONBLOCK)
            for follow in (0, calls.IN_DONT_FOLLOW):
                mask = calls.IN_ATTRIB | calls.IN_MOVE_SELF | calls.IN_DELETE_SELF | follow
                calls.inotify_add_watch(self.watch, self.path, mask)
        except OSError:
            calls.close(self.watch)
            self.watch = -1  # then it is checked every few seconds

    def _close(self) -> None:
        for fd in (self.fd, self.watch):
            if fd >= 0:
                calls.close(fd)
        self.fd = self.watch = -1

    def reopen(self) -> None:
        """Reopen it: SIGUSR1.

        The old descriptor is closed last: without an open one the content of the FIFO would be lost.
        """
        self._is_shut = False
        self._refused = ""
        self._renew()

    def begin_watching(self) -> None:
        """Watch for changes. This imports _ctypes, so it is done when the first entries run."""
        self._watched = True
        self._renew()

    def _renew(self) -> None:
        before, self.fd = self.fd, -1
        self._close()
        self.keep()
        if before >= 0:
            calls.close(before)

    def shut(self) -> None:
        """Close it: SIGUSR2. Until SIGUSR1 there are no requests."""
        self._is_shut = True
        self.deadline = None
        self._close()

    def _read_watch(self) -> None:
        """Read and discard the notifications: their content does not matter."""
        try:
            calls.read(self.watch, 4096)
        except OSError:
            pass

    def read(self) -> list[Request | Bogus]:
        """Return the pending requests, up to CHUNK bytes of them."""
        try:
            data = calls.read(self.fd, CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            calls.sleep(_PAUSE)  # so as not to spin if it recurs
            self.reopen()
            return []
        requests = self._decoder.feed(data)
        return requests if len(data) == CHUNK else requests + self._decoder.flush()
