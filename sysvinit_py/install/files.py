"""Files in a folder that is held open, replaced so that at every moment there is one."""

from __future__ import annotations

import os
from contextlib import suppress


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
    """Remove what has the name, if anything."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def exists(folder: int, name: str) -> bool:
    """Return whether something has the name, be it a link that leads nowhere."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False


def keep(folder: int, name: str, kept: str) -> None:
    """Have another name for a file; it is not renamed, as a crash in between must not leave none."""
    remove(folder, kept)
    os.link(name, kept, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def replace(folder: int, name: str, new: str) -> None:
    """Rename a file over another one."""
    os.replace(name, new, src_dir_fd=folder, dst_dir_fd=folder)
