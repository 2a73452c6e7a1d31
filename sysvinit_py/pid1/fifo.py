"""/run/initctl: the FIFO that requests come in on (SPEC 5)."""

from __future__ import annotations

from stat import S_ISFIFO

from sysvinit_py.pid1 import kernel
from sysvinit_py.protocol.initctl import PATH, Bogus, Decoder, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_O_RDWR, _O_NONBLOCK, _O_NOFOLLOW = 2, 0o4000, 0o400000
_IN_ATTRIB, _IN_MOVE_SELF, _IN_DELETE_SELF = 0x4, 0x800, 0x400
_IN_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000

#: Bytes taken at a time, so that a flood of requests leaves time for everything else.
CHUNK = 64 * 384


class Fifo:
    """The FIFO, kept open and in its place; a deleted, replaced or mounted-over one is made anew at once."""

    def __init__(self, say: Callable[[str], None], path: str = PATH) -> None:
        self.path = path
        self.fd = -1
        self.watch = -1  # an inotify descriptor: the file was changed, moved or deleted
        self.mounts = -1  # /proc/self/mountinfo: something was mounted
        self._wanted = True
        self._say = say
        self._refused = ""
        self._decoder = Decoder()

    def keep(self) -> None:
        """See that the open FIFO is the one at the path, else open that, or make it; not after SIGUSR2."""
        if not self._wanted:
            return
        if self.mounts < 0:
            self.mounts = _open_or_none("/proc/self/mountinfo")
        if self.fd >= 0 and self._is_in_place():
            return
        self._close()
        try:
            self._open()
        except OSError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                self._say(f"{self.path}: {error.strerror}")

    def _is_in_place(self) -> bool:
        try:
            there, ours = kernel.stat(self.path, follow_symlinks=False), kernel.fstat(self.fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _open(self) -> None:
        # For writing too: so there is always a writer, and poll does not report that the last one went.
        # O_NOFOLLOW: a link would let others choose what init listens to.
        try:
            fd = kernel.open(self.path, _O_RDWR | _O_NONBLOCK | _O_NOFOLLOW)
        except FileNotFoundError:
            kernel.mkfifo(self.path, 0o600)
            fd = kernel.open(self.path, _O_RDWR | _O_NONBLOCK | _O_NOFOLLOW)
        try:
            if not S_ISFIFO(kernel.fstat(fd).st_mode):
                if self._refused != "not a fifo":
                    self._refused = "not a fifo"
                    self._say(f"{self.path} is not a fifo")
                kernel.close(fd)
                return
            kernel.chmod(fd, 0o600)  # it may have been made by somebody else
        except OSError:
            kernel.close(fd)
            raise
        self.fd = fd
        self._refused = ""
        self._decoder = Decoder()
        self._watch()

    def _watch(self) -> None:
        try:
            self.watch = kernel.inotify_init1(_IN_CLOEXEC_NONBLOCK)
            kernel.inotify_add_watch(self.watch, self.path, _IN_ATTRIB | _IN_MOVE_SELF | _IN_DELETE_SELF)
        except OSError:
            pass  # then it is noticed at the next event

    def _close(self) -> None:
        for fd in (self.fd, self.watch):
            if fd >= 0:
                kernel.close(fd)
        self.fd = self.watch = -1

    def reopen(self) -> None:
        """SIGUSR1."""
        self._wanted = True
        self._refused = ""
        self._close()
        self.keep()

    def shut(self) -> None:
        """SIGUSR2: until SIGUSR1 nobody can ask for anything."""
        self._wanted = False
        self._close()

    def read_watch(self) -> None:
        """Take what inotify has to say: it only says that it is time to look."""
        try:
            kernel.read(self.watch, 4096)
        except OSError:
            pass

    def read(self) -> list[Request | Bogus]:
        """Return the requests that are there, up to CHUNK bytes of them."""
        try:
            data = kernel.read(self.fd, CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            self._close()
            return []
        requests = self._decoder.feed(data)
        return requests if len(data) == CHUNK else requests + self._decoder.flush()


def _open_or_none(path: str) -> int:
    try:
        return kernel.open(path, 0)
    except OSError:
        return -1
