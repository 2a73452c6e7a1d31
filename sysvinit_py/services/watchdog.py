"""What frees the services of a hub from one that holds it up: its files may be where nothing comes back from.

Neither open(2) nor the start of a program can be given up. So the hub notes in a file that it shares with
runsvdir what it is busy with, and has runsvdir look into the file a second later, once a second at most. A
hub that is busy with the same for too long is killed, and the next one does without that service. Nobody
looks while nothing happens.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that a hub may take for one service, as a machine may be very busy; and between two looks.
PATIENCE, EVERY = 10.0, 1.0
_LENGTH = 40
_IDLE = b"-1 0".ljust(_LENGTH)


class Watchdog:
    """As the hub has it. ``wake`` tells runsvdir that there is something to look at again."""

    def __init__(self, file: int, wake: Callable[[], None]) -> None:
        self._file, self._wake = file, wake
        self._number, self._count = -1, 0
        self._wake_at = 0.0  # until then a look is still to come

    def begin(self, number: int) -> None:
        """Note that something is done for a service from now on."""
        if self._file >= 0 and number != self._number:
            self._number = number
            self._count += 1
            calls.pwrite(self._file, (b"%d %d" % (number, self._count)).ljust(_LENGTH), 0)
            if (now := clock()) >= self._wake_at:
                self._wake()
                self._wake_at = now + EVERY

    def end(self) -> None:
        """Note that all is done."""
        if self._number >= 0:
            self._number = -1
            calls.pwrite(self._file, _IDLE, 0)


class Eye:
    """As runsvdir has it."""

    def __init__(self) -> None:
        self.file = calls.memfd_create("busy", calls.MFD_CLOEXEC)
        self.look_at: float | None = None
        self._seen, self._since = b"", 0.0

    def look(self, now: float) -> int | None:
        """Return the number of the service that holds up the hub, if one does."""
        busy = calls.pread(self.file, _LENGTH, 0)
        self.look_at = None if busy == _IDLE else now + EVERY
        if busy != self._seen:
            self._seen, self._since = busy, now
        return int(busy.split()[0]) if self.look_at and now - self._since >= PATIENCE else None

    def forget(self) -> None:
        """Take in that there is a new hub."""
        calls.pwrite(self.file, _IDLE, 0)
        self.look_at, self._seen = None, b""
