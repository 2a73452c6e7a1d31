"""The bytes of inittab and of every ``*.tab`` of inittab.d, whatever is found in their places.

Nothing here waits for a file that is none, and nothing is read without end: init does this itself, and leaves the
parsing to a process of its own. Where the bytes are those of the last time, so is the reading.
"""

from __future__ import annotations

import marshal
import os
from errno import EFBIG, EINVAL
from stat import S_ISREG

from sysvinit_py.value import Value

INITTAB = "/etc/inittab"
DIRECTORY = "/etc/inittab.d"

#: How many bytes all files together may have.
MAX_BYTES = 4 << 20


class Source(Value):
    """A file of the inittab, and what is in it."""

    path: str
    data: bytes = b""
    error: str = ""  # why it could not be read
    missing: bool = False  # it is not there


def gather(inittab: str = INITTAB, directory: str = DIRECTORY) -> tuple[Source, ...]:
    """Read the main file, and the directory's ``*.tab`` files in the order of their names. Never fails."""
    sources = []
    left = MAX_BYTES
    for path in (inittab, *_tab_files(directory)):
        try:
            source = Source(path, _contents(path, left))
        except OSError as error:
            source = Source(path, b"", error.strerror or "?", isinstance(error, FileNotFoundError))
        left -= len(source.data)
        sources.append(source)
    return tuple(sources)


def dump(sources: tuple[Source, ...]) -> bytes:
    """Turn sources into bytes for :func:`load`, of the same Python."""
    return marshal.dumps([source.astuple() for source in sources])


def load(data: bytes) -> tuple[Source, ...]:
    """Turn bytes of :func:`dump` back."""
    return tuple(Source(*fields) for fields in marshal.loads(data))


def _tab_files(directory: str) -> list[str]:
    """The paths of a directory's tab files, without hidden ones; itself if it cannot be listed."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError:
        return [directory]  # reading it will say why
    tabs = [name for name in names if name.endswith(".tab") and not name.startswith(".")]
    return [f"{directory}/{name}" for name in sorted(tabs, key=os.fsencode)]


def _contents(path: str, limit: int) -> bytes:
    """The bytes of a regular file; OSError if it is none, or has more than ``limit``, or cannot be read."""
    # Without O_NONBLOCK, opening a FIFO would wait for a writer.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not S_ISREG(os.fstat(fd).st_mode):
            raise OSError(EINVAL, "not a regular file")
        data = bytearray()
        while chunk := os.read(fd, limit + 1 - len(data)):
            data += chunk
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(EFBIG, f"too big (all files together may have {MAX_BYTES} bytes)")
    return bytes(data)
