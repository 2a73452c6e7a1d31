"""The files that a person names: read by descriptor, whoever else may write where they are.

Only what is a regular file is opened, as opening anything else may wait, or do something. In a folder no link
is followed out of it.
"""

from __future__ import annotations

import os
import stat
from contextlib import closing
from errno import EFBIG, EINVAL, ELOOP, EXDEV
from pathlib import Path

from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.tools.lint.targets import BUSYBOX, guess
from sysvinit_py.tools.sandbox import kernel
from sysvinit_py.tools.sandbox.box import Content

_OUT = {EXDEV: "is a link that leads out of its folder", ELOOP: "links that never end"}


class BusyBoxError(ValueError):
    """An inittab is one for BusyBox's init, which SysV init cannot read."""


class Folder:
    """A folder, held open, and what is below it. ``resolve``: how links are followed there (RESOLVE_*)."""

    def __init__(self, path: Path, resolve: int = kernel.RESOLVE_BENEATH) -> None:
        self.path = path
        self._resolve = resolve | kernel.RESOLVE_NO_MAGICLINKS
        self._fd = os.open(path, os.O_PATH | os.O_DIRECTORY)

    def close(self) -> None:
        """Let it go."""
        os.close(self._fd)

    def read(self, name: str, limit: int = MAX_BYTES) -> bytes:
        """Return what is in a file, up to a byte more than the limit."""
        return _contents(self._open(name), self.path / name, limit)

    def names(self, name: str) -> list[str]:
        """Return the names in a folder; none if it is missing."""
        try:
            fd = self._open(name, os.O_DIRECTORY)
        except FileNotFoundError:
            return []
        listing = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sorted(os.listdir(listing))
        finally:
            os.close(listing)
            os.close(fd)

    def _open(self, name: str, flags: int = 0) -> int:
        try:
            return kernel.openat2(self._fd, name, os.O_PATH | flags, self._resolve)
        except OSError as error:
            text = _OUT.get(error.errno or 0, error.strerror)
            raise OSError(error.errno, text, str(self.path / name)) from None


def read(file: Path) -> dict[str, Content]:
    """Return the files of /etc that ``file``, an inittab or a folder of /etc's kind, stands for."""
    if file.is_dir():
        with closing(Folder(file)) as folder:
            return _tabs(folder, "")
    return _checked({"/etc/inittab": contents(file)}, file)


def read_root(root: Path) -> dict[str, Content]:
    """Return the same of a root file system, in which links lead where they will lead at boot."""
    with closing(Folder(root, kernel.RESOLVE_IN_ROOT)) as folder:
        return _tabs(folder, "etc/")


def contents(file: Path, limit: int = MAX_BYTES) -> bytes:
    """Return what is in a regular file, up to a byte more than the limit."""
    return _contents(os.open(file, os.O_PATH), file, limit)


def _tabs(folder: Folder, etc: str) -> dict[str, Content]:
    names = [f"{etc}inittab.d/{name}" for name in folder.names(f"{etc}inittab.d")
             if name.endswith(".tab") and not name.startswith(".")]  # fmt: skip
    found: dict[str, Content] = {}
    size = 0
    for name in [f"{etc}inittab", *names]:
        data = folder.read(name)
        found["/etc/" + name.removeprefix(etc)] = data
        size += len(data)
        if size > 2 * MAX_BYTES:  # init says what is wrong with less
            raise OSError(EFBIG, "too big", str(folder.path / name))
    return _checked(found, folder.path / etc / "inittab")


def _checked(files: dict[str, Content], file: Path) -> dict[str, Content]:
    data = files["/etc/inittab"]
    if isinstance(data, bytes) and guess(data) is BUSYBOX:
        raise BusyBoxError(
            f"{file}: an inittab for BusyBox's init (ids are terminals or empty, runlevels are empty), "
            "not for SysV init: check it with inittab-lint --target busybox, or write it as in inittab(5)"
        )
    return files


def _contents(found: int, file: Path, limit: int) -> bytes:
    """Read what an O_PATH descriptor holds, and close that."""
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(EINVAL, "not a regular file", str(file))
        with open(f"/proc/self/fd/{found}", "rb") as opened:
            return opened.read(limit + 1)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None
    finally:
        os.close(found)
