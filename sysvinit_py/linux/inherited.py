"""What Python has changed of what this process was executed with: a variable, and two signals' dispositions.

A program that executes another one restores both. Whether a signal that Python ignores was ignored before
cannot be determined.
"""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
else:
    import _signal  # and not signal, which imports enum

_ENVIRON = "/proc/self/environ"
_CHUNK = 1 << 16
#: What Python sets where no locale is set (PEP 538).
_PYTHONS = (b"LC_CTYPE", b"C.UTF-8")


def _read(path: str) -> bytes:
    """Read as proc.read() does, which imports linux/calls: for programs that start faster without it."""
    file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        data = b""
        while chunk := posix.read(file, _CHUNK):
            data += chunk
        return data
    finally:
        posix.close(file)


def variables(read: Callable[[str], bytes] = _read) -> dict[bytes, bytes]:
    """Return the environment as it was at execve(2); without /proc, without what Python may have added."""
    try:
        given = read(_ENVIRON)
    except OSError:
        return {name: value for name, value in posix.environ.items() if (name, value) != _PYTHONS}
    pairs = (word.partition(b"=") for word in given.split(b"\0"))
    return {name: value for name, equals, value in pairs if name and equals}


def restore_signals() -> None:
    """Set SIGPIPE and SIGXFSZ to their default actions."""
    for number in _signal.SIGPIPE, _signal.SIGXFSZ:
        _signal.signal(number, _signal.SIG_DFL)
