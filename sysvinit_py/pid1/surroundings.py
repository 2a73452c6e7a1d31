"""What is around init: the standard streams, the kernel's settings, its command line, the power status."""

from __future__ import annotations

import posix
import sys

from sysvinit_py.pid1 import kernel
from sysvinit_py.pid1.console import open_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: The first letter of these files says what has become of the power (behaviour/signals).
POWER_STATUS = ("/run/powerstatus", "/etc/powerstatus")
POWER_EVENTS = {b"O": "power ok", b"L": "power low"}


def environment() -> dict[str, str]:
    """Return the variables that init was executed with, but none without a name: no child can have one."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in posix.environ.items()
        if name
    }


def open_standard_streams() -> None:
    """See that 0, 1 and 2 are /dev/null, so that no file that is opened later takes their place."""
    sys.stdin = sys.stdout = sys.stderr = None
    null = open_nothing()
    for number in (0, 1, 2):
        if null != number:
            kernel.dup2(null, number)
    if null > 2:
        kernel.close(null)


def prepare() -> None:
    """Make the process what its children are to inherit (behaviour/children#start)."""
    _try(
        lambda: kernel.chdir("/"),
        lambda: kernel.umask(0o022),
        kernel.setsid,  # unless it leads a session already
    )


def take_keys() -> None:
    """Have ctrl-alt-del arrive as SIGINT, and the keyboard signal as SIGWINCH.

    See behaviour/boot#preparation.
    """
    _try(lambda: kernel.reboot(kernel.RB_DISABLE_CAD), _accept_keyboard_signal)


def _try(*steps: Callable[[], object]) -> None:
    for step in steps:
        try:
            step()
        except OSError:
            pass  # the machine is not our own, or has no keyboard


def _accept_keyboard_signal() -> None:
    keyboard = kernel.open("/dev/tty0", kernel.O_RDWR | kernel.O_NOCTTY | kernel.O_NONBLOCK)
    try:
        kernel.ioctl(keyboard, kernel.KDSIGACCEPT, kernel.SIGWINCH)
    finally:
        kernel.close(keyboard)


def power(say: Callable[[str], None]) -> str:
    """Read and remove the file in which a power daemon says what is the matter."""
    for path in POWER_STATUS:
        try:
            file = kernel.open(path, kernel.O_NONBLOCK | kernel.O_NOCTTY | kernel.O_NOFOLLOW)  # to read it
        except OSError:
            continue
        try:
            letter = kernel.read(file, 1)
        except OSError:
            letter = b""
        kernel.close(file)
        if path != POWER_STATUS[0]:
            say(f"warning: {path} is deprecated, use {POWER_STATUS[0]}")
        try:
            kernel.unlink(path)
        except OSError:
            pass
        return POWER_EVENTS.get(letter, "power failed")
    return "power failed"


def kernel_command_line() -> str:
    """What the boot loader has given the kernel."""
    try:
        file = kernel.open("/proc/cmdline", kernel.O_RDONLY)
        try:
            return kernel.read(file, 4096).decode("ascii", "replace")
        finally:
            kernel.close(file)
    except OSError:
        return ""
