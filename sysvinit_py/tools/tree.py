"""A root file system seen through a descriptor: no link in it leads out, and nothing in it can block."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_OPENAT2 = 437  # on every architecture
#: Links are followed as if the descriptor were /; those of /proc, which are none, are refused. Linux 5.6.
_RESOLVE_IN_ROOT, _RESOLVE_NO_MAGICLINKS = 0x10, 0x02
_libc = ctypes.CDLL(None, use_errno=True)


class Tree:
    """The root file system at ``folder``; paths are absolute, as seen by what will boot there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)

    @property
    def status(self) -> os.stat_result:
        """Return the status of the root folder itself."""
        return os.fstat(self._fd)

    @property
    def is_running(self) -> bool:
        """Return whether it is the root of this process, by whatever name."""
        return os.path.samestat(self.status, os.stat("/"))

    @contextmanager
    def opened(self, path: str, flags: int) -> Iterator[int]:
        """Open a file of the tree. Raises OSError with ``path`` in it."""
        how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
        number, size = ctypes.c_long(_OPENAT2), ctypes.c_size_t(len(how))
        fd = _libc.syscall(number, ctypes.c_long(self._fd), os.fsencode(path), how, size)
        if fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
        try:
            yield fd
        finally:
            os.close(fd)

    def read(self, path: str, limit: int) -> bytes:
        """Return the first ``limit`` bytes of a regular file. Raises OSError if it is something else."""
        with self.opened(path, os.O_PATH) as place:  # to open a device can do something
            if not stat.S_ISREG(os.fstat(place).st_mode):
                raise OSError(EINVAL, "not a regular file", path)
            with open(f"/proc/self/fd/{place}", "rb") as file:
                return file.read(limit)

    def names(self, path: str) -> list[str]:
        """Return the sorted names in a directory of the tree, none if there is no such directory."""
        with suppress(FileNotFoundError), self.opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
            return sorted(os.listdir(fd))
        return []

    def resolve(self, path: str) -> tuple[str, int]:
        """Return name and mode of the file that ``path`` leads to; ``("", 0)`` if it leads nowhere."""
        with suppress(OSError), self.opened(path, os.O_PATH) as place:
            return os.path.basename(os.readlink(f"/proc/self/fd/{place}")), os.fstat(place).st_mode
        return "", 0
