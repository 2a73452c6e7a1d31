"""Reading the files of the inittab: /etc/inittab and every ``*.tab`` of /etc/inittab.d.

Nothing here blocks on a file that is not regular, and the size is limited. Init reads the files itself, and
has them parsed by another process unless they are the same as the last time.
"""

from __future__ import annotations

import marshal
from errno import EFBIG, EINVAL
from stat import S_ISREG, S_IWOTH

from sysvinit_py.linux import calls
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from posix import stat_result

INITTAB = "/etc/inittab"
DIRECTORY = "/etc/inittab.d"

#: Bytes that all files together may have.
MAX_BYTES = 2 << 20
TOO_BIG = f"too big (all files together may have {MAX_BYTES} bytes)"
_CHUNK = 1 << 16
#: The encoding of names, independent of the locale.
_ENCODING = "utf-8", "surrogateescape"


class Source(Value):
    """A file of the inittab, and its content."""

    path: str
    data: bytes = b""
    error: str = ""  # why it could not be read
    missing: bool = False  # it does not exist
    exposed: str = ""  # who besides root may change it


def gather(inittab: str = INITTAB, directory: str = DIRECTORY) -> tuple[Source, ...]:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names. Never fails."""
    sources = [_source(inittab, MAX_BYTES)]
    try:
        names = [name.encode(*_ENCODING) for name in calls.listdir(directory)]
    except FileNotFoundError:
        names = []  # as on most machines
    except OSError as error:
        names = []
        sources.append(_unread(directory, error))
    for name in sorted(names):
        if is_tab(name):
            left = MAX_BYTES - sum(len(source.data) for source in sources)
            sources.append(_source(f"{directory}/{name.decode(*_ENCODING)}", left))
    return tuple(sources)


def is_tab(name: bytes) -> bool:
    """Return whether a file of inittab.d is read: its name matches ``*.tab``, and is not hidden."""
    return name.endswith(b".tab") and not name.startswith(b".")


def dump(sources: tuple[Source, ...]) -> bytes:
    """Serialize sources for :func:`load`, in the same version of Python."""
    return marshal.dumps([source.astuple() for source in sources])


def load(data: bytes) -> tuple[Source, ...]:
    """Return the sources that :func:`dump` serialized."""
    return tuple(Source(*fields) for fields in marshal.loads(data))


def _source(path: str, limit: int) -> Source:
    try:
        fd = _open(path)
    except OSError as error:
        return _unread(path, error)
    try:
        status = calls.fstat(fd)
        return Source(path, _contents(fd, status, limit), exposed=exposure(status))
    except OSError as error:
        return _unread(path, error)
    finally:
        calls.close(fd)


def _open(path: str) -> int:
    """Open without blocking, as a FIFO would until it has a writer."""
    return calls.open(path, calls.O_RDONLY | calls.O_NONBLOCK | calls.O_NOCTTY)


def exposure(status: stat_result) -> str:
    """Return who besides root, or the user that init runs as, may change a file; empty: nobody."""
    if status.st_mode & S_IWOTH:
        return "is writable by everybody"
    return "" if status.st_uid in (0, calls.geteuid()) else f"belongs to the user {status.st_uid}"


def exposed(path: str) -> str:
    """Return :func:`exposure` of a file or folder; empty if it does not exist."""
    try:
        fd = _open(path)
    except OSError:
        return ""
    try:
        return exposure(calls.fstat(fd))
    except OSError:
        return ""
    finally:
        calls.close(fd)


def _unread(path: str, error: OSError) -> Source:
    return Source(path, b"", error.strerror or str(error), isinstance(error, FileNotFoundError))


def _contents(fd: int, status: stat_result, limit: int) -> bytes:
    """Return the bytes of a regular file. Raises OSError for any other, or one larger than ``limit``."""
    if not S_ISREG(status.st_mode):
        raise OSError(EINVAL, "not a regular file")
    data = bytearray()
    # Not all that the limit allows, as it is large; and a byte more, to see whether that was all.
    while chunk := calls.read(fd, min(max(status.st_size, _CHUNK), limit - len(data)) + 1):
        data += chunk
        if len(data) > limit:
            raise OSError(EFBIG, TOO_BIG)
    return bytes(data)
