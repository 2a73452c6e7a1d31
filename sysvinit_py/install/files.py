"""Files in an open folder, replaced so that at every moment there is one."""

from __future__ import annotations

import os
from contextlib import suppress

from sysvinit_py.linux.beneath import Tree

#: Of a build's bytes, those that have its mark.
BEGIN = 200


def is_build(tree: Tree, path: str, mark: bytes) -> bool:
    """Return whether a file begins as a build with this mark does."""
    with suppress(OSError):
        return mark in tree.at(path).beginning(BEGIN)
    return False


def write(folder: int, draft: str, content: bytes) -> None:
    """Write a program to a new file. Raises OSError."""
    remove(folder, draft)  # should it be a link, it leads to what is not to be written to
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o700, dir_fd=folder)
    with open(fd, "wb") as file:
        file.write(content)
        os.fchmod(fd, 0o755)
        file.flush()
        os.fsync(fd)  # a crash right after the rename must not leave an empty one


def remove(folder: int, name: str) -> None:
    """Remove a file, if there is one of this name."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def exists(folder: int, name: str) -> bool:
    """Return whether something has the name, even a dangling link."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False


def keep(folder: int, name: str, kept: str) -> None:
    """Give a file another name. It is not renamed, as after a crash in between there would be none."""
    remove(folder, kept)
    os.link(name, kept, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def replace(folder: int, name: str, new: str) -> None:
    """Rename a file over another one."""
    os.replace(name, new, src_dir_fd=folder, dst_dir_fd=folder)


def link(folder: int, name: str, target: str, draft: str) -> None:
    """Make a symbolic link, over whatever has the name; ``draft`` is its name for a moment."""
    remove(folder, draft)
    os.symlink(target, draft, dir_fd=folder)
    replace(folder, draft, name)


def leads_to(folder: int, name: str, *targets: str) -> bool:
    """Return whether the name is a symbolic link to one of the targets, as written there."""
    with suppress(OSError):
        return os.readlink(name, dir_fd=folder) in targets
    return False


def restore(folder: int, name: str, kept: str) -> None:
    """Restore the file that was kept under another name; if nothing was kept, remove what has the name."""
    if exists(folder, kept):
        replace(folder, kept, name)
    else:
        remove(folder, name)
