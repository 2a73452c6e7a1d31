"""runsvchdir: has runsvdir supervise another directory, as it follows the link ``current``."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
from stat import S_ISDIR

from sysvinit_py.clients.runit.common import complain, is_there
from sysvinit_py.protocol.supervise import reason

FOLDER = "/etc/runit/runsvdir"
_CURRENT, _NEW, _PREVIOUS = "current", "current.new", "previous"
_USAGE, _FATAL = 1, 111

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _RefusedError(Exception):
    """It is not done; the text says why."""


def main(argv: list[str]) -> int:
    """Switch; return the exit status."""
    name, directories = argv[0], argv[1:]
    if not directories:
        complain(f"usage: {name} dir\n\n")
        return _USAGE
    directory = directories[0]
    try:
        said = _switch(directory)
    except _RefusedError as error:
        complain(f"{name}: fatal: {error}\n")
        return _FATAL
    posix.write(1, f"runsvchdir: {directory}: {said}.\n".encode(errors="surrogateescape"))
    return 0


def _switch(directory: str) -> str:
    """Make it the current one; return what is to be said of it. Raises _RefusedError."""
    if directory.startswith("."):
        raise _RefusedError(f"{directory}: must not start with a dot.")
    _try(posix.chdir, FOLDER, "unable to chdir: ")
    wanted = _try(posix.stat, directory)
    if not S_ISDIR(wanted.st_mode):
        raise _RefusedError(f"{directory}: not a directory.")
    current = _try(posix.stat, _CURRENT, "unable to stat: ")
    if (current.st_dev, current.st_ino) == (wanted.st_dev, wanted.st_ino):
        return "current"
    target = _try(posix.readlink, _CURRENT, "unable to readlink: ")
    _link(target, _PREVIOUS)
    _link(directory, _CURRENT)
    return "now current"


def _try(act: Callable[[str], Any], name: str, what: str = "") -> Any:
    try:
        return act(name)
    except OSError as error:
        raise _RefusedError(f"{what}{name}: {reason(error)}") from None


def _link(target: str, name: str) -> None:
    """Make a link, in the place of one that is there."""
    if is_there(_NEW):
        _try(posix.unlink, _NEW, "unable to unlink: ")
    _try(lambda new: posix.symlink(target, new), _NEW, "unable to symlink: ")
    _try(lambda old: posix.rename(_NEW, old), name, "unable to unlink: ")
