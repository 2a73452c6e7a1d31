"""The ownership of the FIFO, checked by init and by the last resort."""

from __future__ import annotations

from stat import S_ISVTX

from sysvinit_py.linux import calls

_OTHERS_MAY_WRITE = 0o022


def is_roots(path: str, fd: int) -> bool:
    """Return whether only root, or the user that init runs as, can have made the file."""
    try:
        folder = calls.stat(path.rpartition("/")[0] or "/")
        owners = {calls.fstat(fd).st_uid, calls.stat(path, follow_symlinks=False).st_uid}
    except OSError:
        return True  # unknown, and init must stay reachable
    others_put_files_there = folder.st_mode & _OTHERS_MAY_WRITE and not folder.st_mode & S_ISVTX
    ours = calls.geteuid()  # in a container it may not be root
    return owners == {ours} and folder.st_uid in (0, ours) and not others_put_files_there
