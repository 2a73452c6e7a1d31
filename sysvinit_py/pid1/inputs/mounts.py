"""Changes of the mount table, after which init's files may be others, or writable."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import CHANGED, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOUNTS = "/proc/self/mountinfo"


class Mounts(Source):
    """Calls functions when something was mounted or unmounted."""

    def __init__(self, *mounted: Callable[[], object]) -> None:
        self._mounted = mounted
        self._fd = -1
        self._is_new = False  # just opened: earlier changes are not reported

    @property
    def deadline(self) -> float | None:
        """At once when the table was opened."""
        return 0.0 if self._is_new else None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the kernel's table, which can be opened once /proc is mounted."""
        if self._fd < 0:
            try:
                self._fd = calls.open(_MOUNTS, calls.O_RDONLY)
                self._is_new = True
            except OSError:
                pass
        return ((self._fd, CHANGED),)

    def serve(self, ready: set[int], now: float) -> Iterable[object]:
        """Call the functions; there are no events."""
        if self._is_new or self._fd in ready:
            self._is_new = False
            for act in self._mounted:
                act()
        return ()
