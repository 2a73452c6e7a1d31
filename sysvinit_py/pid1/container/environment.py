"""The environment of a container's init: PID namespace, variables, standard streams."""

from __future__ import annotations

from sysvinit_py.linux import calls, inherited, proc
from sysvinit_py.linux.descriptors import open_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def in_first_namespace() -> bool:
    """Return whether this is the initial PID namespace: a machine, not a container. True if unknown."""
    try:
        return calls.readlink("/proc/self/ns/pid") == calls.FIRST_PID_NAMESPACE
    except OSError:
        return True


def variables() -> dict[str, str]:
    """Return the variables that init was executed with."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in inherited.variables(proc.read).items()
    }


def added(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that all children get in addition."""
    more = {} if "SHELL" in given else {"SHELL": "/bin/sh"}
    try:
        calls.stat("/dev/console")
    except OSError:
        return more
    return more if "CONSOLE" in given else more | {"CONSOLE": "/dev/console"}


def open_missing_streams() -> None:
    """Open those of 0, 1 and 2 that are closed, so that no file that is opened later becomes one of them."""
    try:
        nothing = open_nothing()
        while nothing <= 2:
            nothing = open_nothing()
        calls.close(nothing)
    except OSError:
        pass  # they are seldom missing
