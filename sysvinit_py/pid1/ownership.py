"""Whose the FIFO is: one rule, for init and for the last resort."""

from __future__ import annotations

from stat import S_ISVTX

from sysvinit_py.linux import calls

_OTHERS_MAY_WRITE = 0o022


def is_roots(path: str, fd: int) -> bool:
    """Return whether nobody else could have put it there. What is in it is obeyed.

    In a container init may be another user than root.
    """
    try:
        folder = calls.stat(path.rpartition("/")[0] or "/")
        owners = {calls.fstat(fd).st_uid, calls.stat(path, follow_symlinks=False).st_uid}
    except OSError:
        return True  # nobody can say, and somebody has to be obeyed
    others_put_files_there = folder.st_mode & _OTHERS_MAY_WRITE and not folder.st_mode & S_ISVTX
    own = calls.geteuid()
    return owners == {own} and folder.st_uid in (0, own) and not others_put_files_there
