"""The files in ``supervise/`` of one slot: lock, FIFOs, and what is published (behaviour/services).

All are found beneath a descriptor of the slot's folder. What is published appears by rename(2). Temporary
files are created with O_EXCL, as ``supervise/`` may belong to a user whom root lets in. The lock, which
others only lock, has our record of the process in it.
"""

from __future__ import annotations

import errno
from stat import S_ISDIR, S_ISFIFO, S_ISREG

from sysvinit_py.linux import calls
from sysvinit_py.protocol.supervise import encode, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from posix import stat_result

    from sysvinit_py.protocol.supervise import Status

#: What says nothing of a file or program: it may be so no more in a moment.
PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
#: What is there is no file of ours.
_FOREIGN = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EACCES, errno.EPERM)
_FOLDER = calls.O_RDONLY | calls.O_DIRECTORY | calls.O_CLOEXEC
_TEMPORARY = calls.O_WRONLY | calls.O_CREAT | calls.O_EXCL | calls.O_CLOEXEC
#: The length of a record of a process: a longer one before it is written over.
_RECORD = 128
#: Bytes of a file that are read.
_MOST = 1 << 16
#: What the orders of one turn are at most, so that a flood of them does not hold up the other services.
_ORDERS = 256


#: An order, which C's runsv ignores, to whoever supervises a folder and has lost its runsvdir.
LET_GO = "\1"


class FolderError(Exception):
    """A folder cannot be supervised; says why in runit's words."""

    @classmethod
    def of(cls, what: str, error: OSError) -> FolderError:
        """Return one for an OSError."""
        return cls(f"unable to {what}: {reason(error)}")


class HeldError(FolderError):
    """Somebody else supervises it."""


class Folder:
    """A folder that this process alone supervises, once it is claimed.

    prefix   what messages put before the names: ``log/``, or nothing
    """

    def __init__(self, path: str, prefix: str = "", dir_fd: int | None = None) -> None:
        self.prefix = prefix
        self.control = -1
        self._stat = ""
        self._lock = self._ok = -1
        self._is_ours = False  # the lock, which nobody else can write to
        self._pid = 0 if prefix else -1  # the one published last; a logger gets a file when it has one
        self._noted: int | None = None  # the one of the last record
        self._is_new = False  # supervise/, where nobody looks yet
        try:
            self.fd = calls.open(path, _FOLDER, dir_fd=dir_fd)
        except OSError as error:
            raise FolderError.of("change to directory", error) from None

    def watch(self) -> None:
        """Have SIGIO sent when something in the folder is deleted, as everything is before the folder is."""
        try:
            calls.fcntl(self.fd, calls.F_NOTIFY, calls.DN_DELETE | calls.DN_MULTISHOT)
        except OSError:
            pass  # this kernel cannot: it is noticed when something is to be published

    def has(self, name: str) -> bool:
        """Return whether there is such a file. Raises OSError if nobody knows."""
        try:
            calls.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def is_executable(self, name: str) -> bool:
        """Return whether there is such a program. Raises OSError if nobody knows."""
        try:
            return bool(calls.stat(name, dir_fd=self.fd).st_mode & calls.S_IXUSR)
        except FileNotFoundError:
            return False

    def has_folder(self, name: str) -> bool:
        """Return whether there is such a folder. Raises NotADirectoryError, OSError."""
        try:
            status = calls.stat(name, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        if not S_ISDIR(status.st_mode):
            raise NotADirectoryError(name)
        return True

    def is_removed(self) -> bool:
        """Return whether the folder is no longer in the file system."""
        return calls.fstat(self.fd).st_nlink == 0

    def is_held(self) -> bool:
        """Return whether the lock that is there is ours."""
        try:
            there, ours = calls.stat("supervise/lock", dir_fd=self.fd), calls.fstat(self._lock)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def claim(self) -> None:
        """Take the lock. Raises FolderError."""
        try:
            calls.mkdir("supervise", 0o700, dir_fd=self.fd)
            self._is_new = True
        except OSError:
            self._make_target()
        name = "supervise/lock"
        try:
            self._lock = self._open(name, calls.O_RDWR | calls.O_CREAT, 0o600)
        except OSError as error:
            raise FolderError.of(f"open {self.prefix}{name}", error) from None
        try:
            calls.flock(self._lock, calls.LOCK_EX | calls.LOCK_NB)
            status = calls.fstat(self._lock)
            self._is_ours = _is_ours(status) and status.st_nlink == 1
        except BlockingIOError as error:
            raise HeldError.of(f"lock {self.prefix}{name}", error) from None
        except OSError as error:
            raise FolderError.of(f"lock {self.prefix}{name}", error) from None

    def _make_target(self) -> None:
        """Make the folder that a symbolic link points to."""
        try:
            calls.mkdir(calls.readlink("supervise", dir_fd=self.fd), 0o700, dir_fd=self.fd)
        except OSError:
            pass  # what is missing is told when the lock is opened

    def open_control(self) -> None:
        """Make and open the FIFO for orders, for writing too: it never ends. Raises FolderError."""
        name = "supervise/control"
        try:
            made = self._make_fifo(name)
            if not (made or S_ISFIFO(calls.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode)):
                raise FolderError(f"{self.prefix}{name} exists but is not a fifo")
            self.control = self._open(name, calls.O_RDWR)
        except OSError as error:
            raise FolderError.of(f"open {self.prefix}{name}", error) from None

    def open_ok(self) -> None:
        """Make and open the FIFO by which clients see that somebody supervises it. Raises FolderError."""
        name = "supervise/ok"
        try:
            self._make_fifo(name)
            self._ok = self._open(name, calls.O_RDONLY)
            self._is_new = False
        except OSError as error:
            raise FolderError.of(f"open {self.prefix}{name}", error) from None

    def is_served(self) -> bool:
        """Return whether somebody supervises it."""
        try:
            calls.close(self._open("supervise/ok", calls.O_WRONLY))
        except OSError:
            return False
        return True

    def let_in(self, group: str) -> None:
        """Have a group use sv: its name, or number. Raises FolderError."""
        import grp

        fd = -1
        try:
            gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
            fd = calls.open("supervise", _FOLDER, dir_fd=self.fd)
            if calls.fstat(fd).st_uid != calls.geteuid():
                raise FolderError(f"{self.prefix}supervise belongs to somebody else")
            for one, mode in ((self.control, 0o620), (self._ok, 0o620), (fd, 0o710)):
                calls.fchown(one, -1, gid)
                calls.fchmod(one, mode)
        except (KeyError, OverflowError, ValueError):
            raise FolderError(f"no such group: {group}") from None
        except OSError as error:
            raise FolderError.of(f"let group {group} in", error) from None
        finally:
            calls.close(fd)

    def _make_fifo(self, name: str) -> bool:
        try:
            calls.mkfifo(name, 0o600, dir_fd=self.fd)
        except FileExistsError:
            return False
        return True

    def _open(self, name: str, flags: int, mode: int = 0) -> int:
        flags |= calls.O_NONBLOCK | calls.O_NOFOLLOW | calls.O_CLOEXEC
        return calls.open(name, flags, mode, dir_fd=self.fd)

    def orders(self) -> str:
        """Return what clients have written into the FIFO, a part of it if it is much."""
        try:
            return calls.read(self.control, _ORDERS).decode("latin-1")
        except BlockingIOError:
            return ""

    def read(self, name: str, *, ours: bool = True) -> bytes:
        """Return what is in a file; empty if there is no such file. Raises OSError.

        ours  no link is followed, and no file is read that is not our own, as in ``supervise/``
        """
        flags = calls.O_RDONLY | calls.O_NONBLOCK | calls.O_CLOEXEC | (calls.O_NOFOLLOW if ours else 0)
        try:
            fd = calls.open(name, flags, dir_fd=self.fd)
        except OSError as error:
            if error.errno in _FOREIGN:
                return b""
            raise
        try:
            status = calls.fstat(fd)
            is_read = _is_ours(status) if ours else S_ISREG(status.st_mode)
            return calls.read(fd, _MOST) if is_read else b""
        finally:
            calls.close(fd)

    def setting(self, name: str) -> str:
        """Return what a file says by which the service asks for something. Raises OSError."""
        return self.read(name, ours=False).decode("utf-8", "surrogateescape").strip()

    def record(self) -> bytes:
        """Return the record of the process that the last supervisor has left, if it was one of ours."""
        return calls.pread(self._lock, _RECORD, 0) if self._is_ours else b""

    def publish(self, status: Status, stat: str, record: bytes) -> None:
        """Write pid, stat, status and our record of the process. Raises FolderError, FileNotFoundError."""
        if status.pid != self._noted:
            self.note(record)
            self._noted = status.pid
        if status.pid != self._pid:
            self._write("pid", b"%d\n" % status.pid if status.pid else b"")
            self._pid = status.pid
        if stat != self._stat:  # a file system may take long to rename
            self._write("stat", f"{stat}\n".encode(errors="surrogateescape"))
            self._stat = stat
        self._write("status", encode(status))

    def _write(self, name: str, data: bytes) -> None:
        path = new = f"supervise/{name}"
        if not self._is_new:
            new += ".new"
        try:
            try:
                fd = calls.open(new, _TEMPORARY, 0o644, dir_fd=self.fd)
            except FileExistsError:
                calls.unlink(new, dir_fd=self.fd)
                fd = calls.open(new, _TEMPORARY, 0o644, dir_fd=self.fd)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise FolderError.of(f"open {self.prefix}{new}", error) from None
        try:
            calls.write(fd, data)
        except OSError as error:
            raise FolderError.of(f"write {self.prefix}{new}", error) from None
        finally:
            calls.close(fd)
        try:
            if new != path:
                calls.rename(new, path, dir_fd=self.fd)
        except OSError as error:
            raise FolderError.of(f"rename {name}.new to {self.prefix}{path}", error) from None

    def note(self, record: bytes) -> None:
        """Write our record of the process over the last one; empty: there is nothing to go on with."""
        try:
            if self._is_ours:
                calls.pwrite(self._lock, record.ljust(_RECORD), 0) if record else calls.ftruncate(
                    self._lock, 0
                )
        except OSError:
            pass  # after a kill it will not be gone on with

    def close(self) -> None:
        """Close all; the lock is free then."""
        for fd in (self.control, self._ok, self._lock, self.fd):
            if fd >= 0:
                calls.close(fd)
        self.control = self._ok = self._lock = self.fd = -1


def _is_ours(status: stat_result) -> bool:
    return S_ISREG(status.st_mode) and status.st_uid == calls.geteuid()


def let_go(path: str) -> bool:
    """Ask whoever supervises a folder to let it go; return whether somebody was asked."""
    try:
        flags = calls.O_WRONLY | calls.O_NONBLOCK | calls.O_NOFOLLOW | calls.O_CLOEXEC
        control = calls.open(f"{path}/supervise/control", flags)
        try:
            is_fifo = S_ISFIFO(calls.fstat(control).st_mode)
            return is_fifo and calls.write(control, LET_GO.encode()) > 0
        finally:
            calls.close(control)
    except OSError:
        return False
