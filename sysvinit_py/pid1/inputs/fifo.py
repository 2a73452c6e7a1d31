"""/run/initctl: the FIFO that requests come in on (behaviour/initctl)."""

from __future__ import annotations

from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.pid1.ownership import is_roots
from sysvinit_py.protocol.initctl import PATH, Bogus, Decoder, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOUNTS = "/proc/self/mountinfo"

#: Seconds after which to try again what could not be made or opened, should nothing tell that it can be.
_TRY_AGAIN = 5.0
#: Seconds before it is opened anew because it could not be read.
_PAUSE = 0.01

#: Bytes taken at a time, so that a flood of requests leaves time for everything else.
CHUNK = 64 * 384


class Fifo:
    """The FIFO, kept open and in its place; a deleted, replaced or mounted-over one is made anew at once."""

    def __init__(self, say: Callable[[str], None], path: str = PATH) -> None:
        self.path = path
        self.fd = -1
        self.watch = -1  # an inotify descriptor: the file at the path was changed, moved or deleted
        self.mounts = -1  # tells that something was mounted
        self.deadline: float | None = None  # when to look again whether it can be opened
        self._wanted = True
        self._watched = False
        self._say = say
        self._refused = ""
        self._decoder = Decoder()

    def keep(self) -> None:
        """See that the open FIFO is the one at the path, else open that, or make it; not after SIGUSR2."""
        if not self._wanted:
            return
        if self.mounts < 0:
            self.mounts = _open_or_none(_MOUNTS)
        if self.fd >= 0 and self._is_in_place():
            return
        self._close()
        self.deadline = None
        try:
            self._open()
        except OSError as error:
            self._refuse(f"{self.path}: {error.strerror}")
        if self.fd < 0:
            self.deadline = calls.clock_gettime(calls.CLOCK_BOOTTIME) + _TRY_AGAIN

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
        """Say why there is no FIFO, once."""
        if reason != self._refused:
            self._refused = reason
            self._say(reason)

    def _watch(self) -> None:
        """Have changes told: those of the file, and of the link to it if it is one."""
        try:
            self.watch = calls.inotify_init1(calls.O_CLOEXEC | calls.O_NONBLOCK)
            for follow in (0, calls.IN_DONT_FOLLOW):
                mask = calls.IN_ATTRIB | calls.IN_MOVE_SELF | calls.IN_DELETE_SELF | follow
                calls.inotify_add_watch(self.watch, self.path, mask)
        except OSError:
            pass  # then they are noticed at the next event

    def _close(self) -> None:
        for fd in (self.fd, self.watch):
            if fd >= 0:
                calls.close(fd)
        self.fd = self.watch = -1

    def reopen(self) -> None:
        """SIGUSR1. The old end is closed last: with no end open, what is in the FIFO would be lost."""
        self._wanted = True
        self._refused = ""
        self._renew()

    def begin_watching(self) -> None:
        """Have changes told, which takes ctypes: not before the first entries run, who may find it open."""
        self._watched = True
        self._renew()

    def _renew(self) -> None:
        before, self.fd = self.fd, -1
        self._close()
        self.keep()
        if before >= 0:
            calls.close(before)

    def shut(self) -> None:
        """SIGUSR2: until SIGUSR1 nobody can ask for anything."""
        self._wanted = False
        self.deadline = None
        self._close()

    def read_watch(self) -> None:
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


def _open_or_none(path: str) -> int:
    try:
        return calls.open(path, calls.O_RDONLY)
    except OSError:
        return -1
