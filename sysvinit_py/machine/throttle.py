"""The throttle of respawned entries (behaviour/throttle)."""

from __future__ import annotations

from sysvinit_py.machine.limits import STARTS_ALLOWED, WINDOW
from sysvinit_py.machine.plain import Plain


class Throttle(Plain):
    """Counts the starts in a time window that begins with the first one (behaviour/throttle)."""

    __slots__ = SAVED = ("opened", "starts")

    def __init__(self) -> None:
        self.opened = 0.0
        self.starts = 0

    def allows(self, now: float) -> bool:
        """Count a start at this time; return False, and do not count it, if it is one too many."""
        if self.starts == 0 or now - self.opened >= WINDOW:
            self.opened, self.starts = now, 0
        if self.starts >= STARTS_ALLOWED:
            return False
        self.starts += 1
        return True

    def take_back(self) -> None:
        """Uncount the last start, which has failed."""
        self.starts = max(0, self.starts - 1)

    def clear(self) -> None:
        """Forget the starts so far."""
        self.starts = 0
