"""What a container's init is given: its variables, its streams, and whose parent it is."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ENVIRON = "/proc/self/environ"
_CHUNK = 1 << 16
#: What Python sets where no locale is set (PEP 538).
_PYTHONS = ("LC_CTYPE", "C.UTF-8")


def in_first_namespace() -> bool:
    """Return whether this is a machine and no container, also where nobody can say."""
    try:
        return calls.readlink("/proc/self/ns/pid") == calls.FIRST_PID_NAMESPACE
    except OSError:
        return True


def variables(pythons: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that init was executed with; ``pythons``: what Python has made of them."""
    try:
        given = _read(_ENVIRON)
    except OSError:
        return {name: value for name, value in pythons.items() if (name, value) != _PYTHONS}
    pairs = (word.partition("=") for word in given.decode("utf-8", "surrogateescape").split("\0"))
    return {name: value for name, equals, value in pairs if name and equals}


def _read(path: str) -> bytes:
    file = calls.open(path, calls.O_RDONLY | calls.O_CLOEXEC)
    try:
        data = b""
        while chunk := calls.read(file, _CHUNK):
            data += chunk
        return data
    finally:
        calls.close(file)


def added(given: Mapping[str, str]) -> dict[str, str]:
    """Return what children have besides, whatever their level."""
    more = {} if "SHELL" in given else {"SHELL": "/bin/sh"}
    try:
        calls.stat("/dev/console")
    except OSError:
        return more
    return more if "CONSOLE" in given else more | {"CONSOLE": "/dev/console"}


def open_missing_streams() -> None:
    """See that 0, 1 and 2 are open, so that no file that is opened later takes their place."""
    try:
        nothing = open_nothing()
        while nothing <= 2:
            nothing = open_nothing()
        calls.close(nothing)
    except OSError:
        pass  # they seldom are missing
