"""The environment of init: variables, standard streams, the kernel's settings, the power status."""

from __future__ import annotations

import posix
import sys

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: The first letter of these files is the state of the power (behaviour/signals).
POWER_STATUS = ("/run/powerstatus", "/etc/powerstatus")
POWER_EVENTS = {b"O": "power ok", b"L": "power low"}


def environment() -> dict[str, str]:
    """Return the environment variables, without those that have an empty name, which no child can have."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in posix.environ.items()
        if name
    }


def open_standard_streams() -> None:
    """Open /dev/null as 0, 1 and 2, so that no file that is opened later becomes one of them."""
    sys.stdin = sys.stdout = sys.stderr = None
    null = open_nothing()
    for number in (0, 1, 2):
        if null != number:
            calls.dup2(null, number)
    if null > 2:
        calls.close(null)


def prepare() -> None:
    """Set what children inherit: working directory, umask, session (behaviour/children#start)."""
    _try(
        lambda: calls.chdir("/"),
        lambda: calls.umask(0o022),
        calls.setsid,  # unless it leads a session already
    )


def take_keys() -> None:
    """Have Ctrl-Alt-Del delivered as SIGINT, and the keyboard request as SIGWINCH.

    See behaviour/boot#preparation.
    """
    _try(lambda: calls.reboot(calls.RB_DISABLE_CAD), _accept_keyboard_signal)


def _try(*steps: Callable[[], object]) -> None:
    for step in steps:
        try:
            step()
        except OSError:
            pass  # not permitted in this namespace, or there is no keyboard


def _accept_keyboard_signal() -> None:
    keyboard = calls.open("/dev/tty0", calls.O_RDWR | calls.O_NOCTTY | calls.O_NONBLOCK)
    try:
        calls.ioctl(keyboard, calls.KDSIGACCEPT, calls.SIGWINCH)
    finally:
        calls.close(keyboard)


def power(report: Callable[[str], None]) -> str:
    """Read and remove the file with the state of the power; return the event."""
    for path in POWER_STATUS:
        try:
            file = calls.open(path, calls.O_NONBLOCK | calls.O_NOCTTY | calls.O_NOFOLLOW)  # to read it
        except OSError:
            continue
        try:
            letter = calls.read(file, 1)
        except OSError:
            letter = b""
        calls.close(file)
        if path != POWER_STATUS[0]:
            report(f"warning: {path} is deprecated, use {POWER_STATUS[0]}")
        try:
            calls.unlink(path)
        except OSError:
            pass
        return POWER_EVENTS.get(letter, "power failed")
    return "power failed"
