"""Replacing a file in an open folder atomically, so that readers see the old content or the new one."""

from __future__ import annotations

import os
from contextlib import suppress

#: Extended attributes that vouch for what a file held, or give rights to whoever runs it.
_OF_CONTENT = {"security.capability", "security.ima", "security.evm"}


def replace(folder: int, name: str, data: bytes, like: int | None = None) -> None:
    """Write a file in the place of whatever has its name in a folder. Raises OSError.

    like  an open file, whose owner, mode, ACL and extended attributes the new one gets
    """
    draft = f".{name}.{os.urandom(6).hex()}"  # init reads nothing whose name begins with a dot
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if like is None:
                os.umask(mask := os.umask(0o077))
                os.fchmod(descriptor, 0o666 & ~mask)
            else:
                _copy_attributes(like, descriptor)
            os.fsync(descriptor)
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def _copy_attributes(old: int, new: int) -> None:
    """Give a file the attributes of another one, but no right that its content would be run with."""
    status = os.fstat(old)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(new, status.st_uid, status.st_gid)
    os.fchmod(new, status.st_mode & 0o777)
    try:
        names = set(os.listxattr(old))
    except OSError:  # not supported by this file system
        return
    for name in set(os.listxattr(new)) - names:
        if name.startswith("system."):  # from the folder's default ACL
            os.removexattr(new, name)
    for name in names - _OF_CONTENT:
        try:
            os.setxattr(new, name, os.getxattr(old, name))
        except OSError:
            if name.startswith("system."):  # without its ACL the mode means something else
                raise
