"""Files of strangers, by descriptor: beneath a folder, and no link or change of names leads out.

The names on the way are opened one by one, and none through a link that the kernel would follow. A link is
read, and followed only so far: from a place named on the command line beneath the folder that holds the link,
from there on beneath the place. In an image an absolute link starts at the image's root, as it will at boot.
Only regular files, /dev/null and folders are opened: opening anything else may wait, or do something.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from errno import EFBIG, EINVAL, ELOOP, ENOENT, ENOTDIR, EXDEV
from select import select

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINKS = 40  # as in the kernel
NULL = os.makedev(1, 3)

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
#: A FIFO is not waited for, and no terminal is taken.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class LinkError(OSError):
    """A link leads out, or to nothing."""


class Place(Value):
    """A path below a folder. What is done with it raises OSError, whose text names a link that led out."""

    folder: str | int  # as it was named (empty: the working directory), or a descriptor of it
    path: str = ""
    image: bool = False  # the folder is the root of an image
    shown: str = ""  # the whole, for people

    def child(self, name: str) -> Place:
        """Return the place of a file in this folder."""
        path, shown = os.path.join(self.path, name), os.path.join(self.shown, name)
        return Place(self.folder, path, self.image, shown)

    def sibling(self, name: str) -> Place:
        """Return the place of a file beside this one."""
        folder = Place(self.folder, os.path.dirname(self.path), self.image, os.path.dirname(self.shown))
        return folder.child(name)

    def owner(self) -> int:
        """Return who has the folder that was named; -1 if there is no such folder."""
        try:
            return Place(self.folder).status().st_uid
        except OSError:
            return -1

    def status(self) -> os.stat_result:
        """Return what stat would."""
        with self.held() as walk:
            return walk.status

    def exists(self) -> bool:
        """Return whether something is there, be it a link that leads out or to nothing."""
        try:
            self.status()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            pass
        return True

    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        try:
            return stat.S_ISDIR(self.status().st_mode)
        except OSError:
            return False

    def names(self) -> dict[str, bool]:
        """Return the names in a folder, in the order of their bytes, and whether each is a folder's."""
        with self.opened(folder=True) as descriptor, os.scandir(descriptor) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        return dict(sorted(listed, key=lambda item: os.fsencode(item[0])))

    def read(self, limit: int) -> tuple[bytes, os.stat_result]:
        """Return the content and the status of a regular file, or of /dev/null; OSError if it is too long."""
        with self.opened() as descriptor:
            return read(descriptor, limit, self.shown, waits=False), os.fstat(descriptor)

    def beginning(self, size: int) -> bytes:
        """Return what :meth:`read` does, but no more than ``size`` bytes of a file of any length."""
        with self.opened() as descriptor:
            return os.read(descriptor, size)

    @contextmanager
    def opened(self, *, folder: bool = False) -> Iterator[int]:
        """Open a regular file or /dev/null, or a folder, for reading. OSError has its name."""
        try:
            with self.held() as walk:
                descriptor = (
                    os.open(".", _READ | os.O_DIRECTORY, dir_fd=walk.found) if folder else walk.open()
                )
        except OSError as error:
            error.filename = self.shown
            raise
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def held(self) -> Iterator[Walk]:
        """Hold what is there, and the folder that it is in, open meanwhile."""
        walk = Walk(self.folder)
        try:
            if isinstance(self.folder, str):
                walk.follow(self.folder, named=True)
            walk.follow(self.path, image=self.image)
            yield walk
        except ValueError:
            raise OSError(ENOENT, os.strerror(ENOENT)) from None  # there is a NUL in it
        finally:
            walk.close()


class Walk:
    """The folders on the way to a file, each opened in the one before it."""

    def __init__(self, folder: str | int) -> None:
        held = folder if isinstance(folder, int) else None
        self._absolute = isinstance(folder, str) and folder.startswith("/")
        self._way = [(".", os.open("/" if self._absolute else ".", _LOOK | os.O_DIRECTORY, dir_fd=held))]

    def close(self) -> None:
        """Let all go."""
        for _, descriptor in self._way:
            os.close(descriptor)

    @property
    def found(self) -> int:
        """The descriptor, made with O_PATH, of what is there."""
        return self._way[-1][1]

    @property
    def status(self) -> os.stat_result:
        """What stat would say of it."""
        return os.fstat(self.found)

    @property
    def folder(self) -> int:
        """The folder that it is in."""
        return self._way[-2][1]

    @property
    def name(self) -> str:
        """Its name there."""
        return self._way[-1][0]

    def open(self) -> int:
        """Open a regular file, or /dev/null, for reading. Nothing else is touched: a device might act."""
        seen = self.status
        if not (stat.S_ISREG(seen.st_mode) or (stat.S_ISCHR(seen.st_mode) and seen.st_rdev == NULL)):
            raise OSError(EINVAL, "not a regular file")
        descriptor = os.open(self.name, _READ, dir_fd=self.folder)
        if not os.path.samestat(os.fstat(descriptor), seen):
            os.close(descriptor)
            raise OSError(EINVAL, "was replaced meanwhile")
        return descriptor

    def follow(self, path: str, *, named: bool = False, image: bool = False) -> None:
        """Go along a path. ``named`` is what stood on the command line, and leads anywhere but for links."""
        bottom, links = len(self._way), 0
        left = _parts(path, 0 if named else bottom)
        while left:
            part, floor, link = left.pop()
            if not stat.S_ISDIR(self.status.st_mode):
                raise OSError(ENOTDIR, os.strerror(ENOTDIR))
            if part == "..":
                self._up(floor, link, image=image)
            elif part not in ("", ".") and (target := self._down(part, link)):
                links += 1
                if links > MAX_LINKS:
                    raise LinkError(ELOOP, os.strerror(ELOOP))
                floor, link = len(self._way) if named else bottom, f"{part} -> {target}"
                if target.startswith("/"):
                    if not (image or (self._absolute and floor == 1)):
                        raise _leads_out(link)
                    self._back(floor)
                left += _parts(target, floor, link)

    def _down(self, part: str, link: str) -> str:
        """Go to a name in the folder that was reached; if it is a link, return where it leads and stay."""
        try:
            descriptor = os.open(part, _LOOK, dir_fd=self.found)
        except OSError as error:
            if not link:
                raise
            raise LinkError(error.errno, f"{error.strerror}, where the link {link} leads") from None
        if stat.S_ISLNK(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return os.readlink(part, dir_fd=self.found)
        self._way.append((part, descriptor))
        return ""

    def _up(self, floor: int, link: str, *, image: bool) -> None:
        if not floor and (len(self._way) == 1 or self.name == ".."):
            self._way.append(("..", os.open("..", _LOOK, dir_fd=self.found)))
        elif len(self._way) > floor:
            self._back(len(self._way) - 1)
        elif not image:
            raise _leads_out(link)

    def _back(self, floor: int) -> None:
        while len(self._way) > floor:
            os.close(self._way.pop()[1])


def _parts(path: str, floor: int, link: str = "") -> list[tuple[str, int, str]]:
    """Return the names of a path, first one last; how many folders ``..`` must leave; whose path it is."""
    return [(part, floor, link) for part in reversed(path.split("/"))]


def _leads_out(link: str) -> OSError:
    what = f"the link {link}" if link else "it"
    return LinkError(EXDEV, f"{what} leads out of its place: name the file that is meant")


class Tree:
    """The root file system at a folder, held open; paths are as what will boot there sees them."""

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

    def at(self, path: str) -> Place:
        """Return the place of a path."""
        return Place(self._fd, path, True, path)

    def resolve(self, path: str) -> tuple[str, int]:
        """Return name and mode of the file that ``path`` leads to; ``("", 0)`` if it leads nowhere."""
        with suppress(OSError), self.at(path).held() as walk:
            return walk.name, walk.status.st_mode
        return "", 0


def named_file(path: str) -> Place:
    """Return where a file is that was named."""
    return Place(*os.path.split(path), shown=path)


def read(descriptor: int, limit: int, shown: str = "", *, waits: bool = True) -> bytes:
    """Return all that there is; OSError if it is longer than the limit, or not there yet and not waited for."""
    data = bytearray()
    while True:
        try:
            chunk = os.read(descriptor, min(1 << 16, limit + 1 - len(data)))
        except BlockingIOError as error:  # whoever handed it down does not wait for it
            if not waits:  # such as /proc/kmsg, a regular file by its mode
                error.filename = shown
                raise
            select([descriptor], [], [])
            continue
        data += chunk
        if len(data) > limit:
            raise OSError(EFBIG, f"more than {limit} bytes", shown)
        if not chunk:
            return bytes(data)
