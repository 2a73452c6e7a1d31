"""Watching a path that may not exist, or whose links may change (inotify(7))."""

from __future__ import annotations

from errno import ENOMEM, ENOSPC

from sysvinit_py.linux import calls

#: Links followed from one path, as many as the kernel does.
_LINKS = 40


def watch(fd: int, path: str, changes: int, links: int = _LINKS) -> None:
    """Watch the folder of a path, or its nearest parent that exists; also that of a link's target.

    Raises OSError if the limit of watches is reached.
    """
    folder = path.rpartition("/")[0] or "/"
    try:
        calls.inotify_add_watch(fd, folder, changes)
    except OSError as error:
        if folder == "/" or error.errno in (ENOMEM, ENOSPC):
            raise
        watch(fd, folder, changes, links)
        return
    try:
        target = calls.readlink(path)
    except OSError:
        return  # not a link
    if links:
        watch(fd, target if target.startswith("/") else f"{folder}/{target}", changes, links - 1)
