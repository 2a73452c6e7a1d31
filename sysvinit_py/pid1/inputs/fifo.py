"""/run/initctl: the FIFO that requests come in on (behaviour/initctl)."""

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

#: Seconds after which to look again where nothing tells of changes: there is no FIFO, or no inotify.
_LOOK_AGAIN = 5.0
#: Seconds before it is opened anew because it could not be read.
_PAUSE = 0.01

#: Bytes taken at a time, so that a flood of requests leaves time for everything else.
CHUNK = 64 * 384


class Fifo(Source):
    """The FIFO, kept open and in its place; a deleted, replaced or mounted-over one is made anew at once.

    events_of  what a request means to the machine
    report     called once with the reason why there is no FIFO
    """

    deadline: float | None = None  # when to look at it even if nothing tells of a change

    def __init__(
        self,
        events_of: Callable[[Request | Bogus], Iterable[Event]],
        report: Callable[[str], None],
        path: str = PATH,
    ) -> None:
        self.path = path
        self.fd = -1
        self.watch = -1  # an inotify descriptor: the file at the path was changed, moved or deleted
        self._is_shut = False
        self._watched = False
        self._events_of = events_of
        self._report = report
        self._refused = ""
        self._decoder = Decoder()

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the FIFO, and what tells of changes to it."""
        return (self.fd, READABLE), (self.watch, READABLE)

    def serve(self, ready: set[int], now: float) -> Iterator[Event]:
        """See whether it is still in its place, and yield what is asked for."""
        if self.watch in ready:
            self._read_watch()
        if self.is_due(now) or not ready.isdisjoint((self.fd, self.watch)):
            self.keep()
        if self.fd in ready:
            for request in self.read():
                yield from self._events_of(request)

    def keep(self) -> None:
        """See that the open FIFO is the one at the path, else open that, or make it; not after SIGUSR2."""
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
            return True  # nobody can say
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _open(self) -> None:
        try:
            calls.mkfifo(self.path, 0o600)
        except FileExistsError:
            pass
        if self._watched:
            self._watch()  # before it is looked at, so that no change is missed; and whatever it is
        if not S_ISFIFO(calls.stat(self.path).st_mode):
            self._refuse(f"{self.path} is not a fifo")
            return
        # For writing too: so there is always a writer, and poll does not report that the last one went.
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
            self.watch = -1  # then it is looked at every few seconds

    def _close(self) -> None:
        for fd in (self.fd, self.watch):
            if fd >= 0:
                calls.close(fd)
        self.fd = self.watch = -1

    def reopen(self) -> None:
        """Open it anew: SIGUSR1.

        The old end is closed last: with no end open, what is in the FIFO would be lost.
        """
        self._is_shut = False
        self._refused = ""
        self._renew()

    def begin_watching(self) -> None:
        """Watch for changes, which takes _ctypes: not before the first entries run, who may find it open."""
        self._watched = True
        self._renew()

    def _renew(self) -> None:
        before, self.fd = self.fd, -1
        self._close()
        self.keep()
        if before >= 0:
            calls.close(before)

    def shut(self) -> None:
        """Close it: SIGUSR2. Until SIGUSR1 nobody can ask for anything."""
        self._is_shut = True
        self.deadline = None
        self._close()

    def _read_watch(self) -> None:
        """Take what inotify has to say: it only says that it is time to look."""
        try:
            calls.read(self.watch, 4096)
        except OSError:
            pass

    def read(self) -> list[Request | Bogus]:
        """Return the requests that are there, up to CHUNK bytes of them."""
        try:
            data = calls.read(self.fd, CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            calls.sleep(_PAUSE)  # should it go on like that
            self.reopen()
            return []
        requests = self._decoder.feed(data)
        return requests if len(data) == CHUNK else requests + self._decoder.flush()
