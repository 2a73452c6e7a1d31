"""Opening untrusted paths by descriptor: no symbolic link or concurrent rename leads out of a folder.

The components of a path are opened one by one, and the kernel follows no link. Links are followed here, and
bounded: one in a path named on the command line by the folder that contains it, any other one by the named
folder. In an image an absolute link starts at the image's root, as it will at boot. Only regular files,
/dev/null and folders are opened: opening anything else may block or have side effects.
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
#: Opening does not block on a FIFO, nor make a terminal the controlling one.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class LinkError(OSError):
    """A link leads out, or nowhere."""


class Place(Value):
    """A path below a folder. Its methods raise OSError, whose text names a link that leads out."""

    folder: str | int  # as named (empty: the working directory), or a descriptor
    path: str = ""
    image: bool = False  # the folder is the root of an image
    shown: str = ""  # the whole path, for messages

    def child(self, name: str) -> Place:
        """Return the place of a file in this folder."""
        path, shown = os.path.join(self.path, name), os.path.join(self.shown, name)
        return Place(self.folder, path, self.image, shown)

    def sibling(self, name: str) -> Place:
        """Return the place of a file beside this one."""
        folder = Place(self.folder, os.path.dirname(self.path), self.image, os.path.dirname(self.shown))
        return folder.child(name)

    def owner(self) -> int:
        """Return the user id of the owner of the folder; -1 if it does not exist."""
        try:
            return Place(self.folder).status().st_uid
        except OSError:
            return -1

    def status(self) -> os.stat_result:
        """Return the status, as stat(2) does."""
        with self.held() as walk:
            return walk.status

    def exists(self) -> bool:
        """Return whether the path exists, even as a link that leads out or nowhere."""
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
        """Return the names in a folder, sorted as bytes, each with whether it is a folder."""
        with self.opened(folder=True) as descriptor, os.scandir(descriptor) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        return dict(sorted(listed, key=lambda item: os.fsencode(item[0])))

    def read(self, limit: int) -> tuple[bytes, os.stat_result]:
        """Return content and status of a regular file or /dev/null. Raises OSError if it is too long."""
        with self.opened() as descriptor:
            return read(descriptor, limit, self.shown, waits=False), os.fstat(descriptor)

    def beginning(self, size: int) -> bytes:
        """Return the first ``size`` bytes of a file of any length."""
        with self.opened() as descriptor:
            return os.read(descriptor, size)

    @contextmanager
    def opened(self, *, folder: bool = False) -> Iterator[int]:
        """Open a regular file or /dev/null, or a folder, for reading. Raises OSError with its name."""
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
        """Keep the file, and the folder that it is in, open as O_PATH descriptors."""
        walk = Walk(self.folder)
        try:
            if isinstance(self.folder, str):
                walk.follow(self.folder, named=True)
            walk.follow(self.path, image=self.image)
            yield walk
        except ValueError:
            raise OSError(ENOENT, os.strerror(ENOENT)) from None  # the path has a NUL
        finally:
            walk.close()


class Walk:
    """The folders of a path, each opened in the one before it."""

    def __init__(self, folder: str | int) -> None:
        held = folder if isinstance(folder, int) else None
        self._absolute = isinstance(folder, str) and folder.startswith("/")
        self._way = [(".", os.open("/" if self._absolute else ".", _LOOK | os.O_DIRECTORY, dir_fd=held))]

    def close(self) -> None:
        """Close all descriptors."""
        for _, descriptor in self._way:
            os.close(descriptor)

    @property
    def found(self) -> int:
        """The O_PATH descriptor of the file."""
        return self._way[-1][1]

    @property
    def status(self) -> os.stat_result:
        """The status of the file."""
        return os.fstat(self.found)

    @property
    def folder(self) -> int:
        """The O_PATH descriptor of the folder that it is in."""
        return self._way[-2][1]

    @property
    def name(self) -> str:
        """Its name in that folder."""
        return self._way[-1][0]

    def open(self) -> int:
        """Open a regular file or /dev/null for reading. Nothing else: opening a device may have effects."""
        seen = self.status
        if not (stat.S_ISREG(seen.st_mode) or (stat.S_ISCHR(seen.st_mode) and seen.st_rdev == NULL)):
            raise OSError(EINVAL, "not a regular file")
        descriptor = os.open(self.name, _READ, dir_fd=self.folder)
        if not os.path.samestat(os.fstat(descriptor), seen):
            os.close(descriptor)
            raise OSError(EINVAL, "was replaced meanwhile")
        return descriptor

    def follow(self, path: str, *, named: bool = False, image: bool = False) -> None:
        """Open the components of a path; only one ``named`` on the command line may have a leading ``..``."""
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
        """Open a name in the present folder; if it is a link, return its target instead."""
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
    """Return the components of a path in reverse, each with the depth that bounds ``..``, and the link."""
    return [(part, floor, link) for part in reversed(path.split("/"))]


def _leads_out(link: str) -> OSError:
    what = f"the link {link}" if link else "it"
    return LinkError(EXDEV, f"{what} leads out of its place: name the file that is meant")


class Tree:
    """The root file system at a folder, kept open; paths are resolved as they will be when it has booted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)

    @property
    def status(self) -> os.stat_result:
        """Return the status of the root folder itself."""
        return os.fstat(self._fd)

    @property
    def is_running(self) -> bool:
        """Return whether it is the root directory of this process."""
        return os.path.samestat(self.status, os.stat("/"))

    def at(self, path: str) -> Place:
        """Return the place of a path."""
        return Place(self._fd, path, True, path)

    def resolve(self, path: str) -> tuple[str, int]:
        """Return the name and mode of the file that ``path`` leads to; ``("", 0)`` if it leads nowhere."""
        with suppress(OSError), self.at(path).held() as walk:
            return walk.name, walk.status.st_mode
        return "", 0


def named_file(path: str) -> Place:
    """Return the place of a file that was named on the command line."""
    return Place(*os.path.split(path), shown=path)


def read(descriptor: int, limit: int, shown: str = "", *, waits: bool = True) -> bytes:
    """Read a descriptor to its end.

    Raises OSError if there is more than the limit; unless ``waits``, also if it is not there yet.
    """
    data = bytearray()
    while True:
        try:
            chunk = os.read(descriptor, min(1 << 16, limit + 1 - len(data)))
        except BlockingIOError as error:  # it was inherited with O_NONBLOCK
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
