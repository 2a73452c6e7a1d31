"""The other programs of sysvinit_py, in the folder of this one."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys

_MOST_LINKS = 8


def beside(name: str) -> str:
    """Return the path of a program, or an empty one; PATH is not used, as it is untrusted."""
    own = sys.argv[0]
    for _ in range(_MOST_LINKS):
        folder, slash, _file = own.rpartition("/")
        if not slash:
            break
        if posix.access(path := f"{folder}/{name}", posix.X_OK):
            return path
        try:
            target = posix.readlink(own)
        except OSError:
            break
        own = target if target.startswith("/") else f"{folder}/{target}"
    return ""
