"""The barrier: an error of our own must not end PID 1, for that would be the end of the machine.

Init says it, and re-executes itself: a new process image with the state of the old one. When that has not
helped, time after time, it becomes the last resort. How often it was is among the arguments of the new init.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The argument that says: so many errors in a row, and when the last one was.
_ARGUMENT = "--errors="
#: Errors are in a row if no more than so many seconds lie between them.
ROW = 60.0
#: So many in a row are healed by re-execution; the next one is not.
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
                    pass  # not ours

    def healed(self, now: float) -> bool:
        """Count one more; return whether re-execution may still help. ``now``: seconds since the boot."""
        if now - self._last > ROW:
            self._count = 0
        self._count, self._last = self._count + 1, now
        return self._count <= HEALED

    @property
    def argument(self) -> str:
        """What tells the next process image."""
        return f"{_ARGUMENT}{self._count}@{self._last:.3f}"


def best_effort(act: Callable[..., object], *arguments: object) -> None:
    """Do something that may fail as well, for what failed before."""
    try:
        act(*arguments)
    except BaseException:
        pass


def report_error(report: Callable[[str], None], error: BaseException) -> None:
    """Report what went wrong, and where."""
    report(describe(error))


def describe(error: BaseException) -> str:
    """Return what went wrong, and where."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    return f"error in init: {type(error).__name__}: {error} at {where}"


def log_to_kernel(text: str) -> None:
    """Put it among the messages of the kernel, which are kept when nobody else listens."""
    try:
        log = calls.open(_KMSG, calls.O_WRONLY | calls.O_NONBLOCK | calls.O_NOCTTY)
        try:
            calls.write(log, f"{_CRITICAL}init: {printable(text)}".encode("utf-8", "backslashreplace")[:900])
        finally:
            calls.close(log)
    except OSError:
        pass
