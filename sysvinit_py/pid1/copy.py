"""The file with the compiled copy of the inittab (inittab.compiled): trusted only if it is root's."""

from __future__ import annotations

from stat import S_IMODE, S_ISREG

from sysvinit_py.inittab.compiled import PATH
from sysvinit_py.pid1 import kernel

_O_RDONLY, _O_WRONLY, _O_CREAT, _O_TRUNC, _O_NONBLOCK, _O_NOFOLLOW = 0, 1, 0o100, 0o1000, 0o4000, 0o400000
_MAX_BYTES = 64 << 20
_OTHERS_MAY_WRITE = 0o022


def load(path: str = PATH) -> bytes:
    """Return what is in it; nothing, if there is none or somebody but root could have written it."""
    try:
        file = kernel.open(path, _O_RDONLY | _O_NONBLOCK | _O_NOFOLLOW)
    except OSError:
        return b""
    copy = b""
    try:
        status = kernel.fstat(file)
        trusted = S_ISREG(status.st_mode) and status.st_uid == 0
        if trusted and not S_IMODE(status.st_mode) & _OTHERS_MAY_WRITE and status.st_size <= _MAX_BYTES:
            while piece := kernel.read(file, status.st_size + 1):
                copy += piece
    except OSError:
        copy = b""
    finally:
        kernel.close(file)
    return copy


def save(copy: bytes, path: str = PATH) -> bool:
    """Replace the file as a whole. False: that is not possible, or not yet."""
    draft = f"{path}.new"
    try:
        file = kernel.open(draft, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_NOFOLLOW | _O_NONBLOCK, 0o600)
        try:
            while copy:
                copy = copy[kernel.write(file, copy) :]
        finally:
            kernel.close(file)
        kernel.rename(draft, path)
    except OSError:
        return False
    return True
