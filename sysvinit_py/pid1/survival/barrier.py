"""The barrier: an internal error must not end PID 1, as that would be a kernel panic.

Init reports it, and re-executes itself: a new process image with the state of the old one. If errors recur,
it becomes the last resort. The number of errors is passed as an argument to the new init.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The argument with the number of errors in a row, and the time of the last one.
_ARGUMENT = "--errors="
#: Seconds between two errors up to which they are in a row.
ROW = 60.0
#: The number of errors in a row after which init is re-executed; at the next one it is not.
HEALED = 2

_KMSG = "/dev/kmsg"
_CRITICAL = "<2>"


class Errors:
    """Counts the errors in a row, of this process image and those before it."""

    def __init__(self, argv: Sequence[str] = ()) -> None:
        self._count, self._last = 0, 0.0
        for word in argv:
            if word.startswith(_ARGUMENT):
                count, _, last = word.removeprefix(_ARGUMENT).partition("@")
                try:
                    self._count, self._last = int(count), float(last)
                except ValueError:
                    pass  # another program's argument

    def healed(self, now: float) -> bool:
        """Count an error; return whether re-execution may still help. ``now``: seconds since the boot."""
        if now - self._last > ROW:
            self._count = 0
        self._count, self._last = self._count + 1, now
        return self._count <= HEALED

    @property
    def argument(self) -> str:
        """The argument for the next process image."""
        return f"{_ARGUMENT}{self._count}@{self._last:.3f}"


def best_effort(act: Callable[..., object], *arguments: object) -> None:
    """Call a function, and ignore its errors."""
    try:
        act(*arguments)
    except BaseException:
        pass


def report_error(report: Callable[[str], None], error: BaseException) -> None:
    """Report an error, with its place."""
    report(describe(error))


def describe(error: BaseException) -> str:
    """Return the message for an error, with its place."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    return f"error in init: {type(error).__name__}: {error} at {where}"


def log_to_kernel(text: str) -> None:
    """Write a message to the kernel's log, which works without a console and syslog."""
    try:
        log = calls.open(_KMSG, calls.O_WRONLY | calls.O_NONBLOCK | calls.O_NOCTTY)
        try:
            calls.write(log, f"{_CRITICAL}init: {printable(text)}".encode("utf-8", "backslashreplace")[:900])
        finally:
            calls.close(log)
    except OSError:
        pass
