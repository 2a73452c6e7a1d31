"""How long the machine was suspended since the boot, and a descriptor that is readable when that has changed.

CLOCK_BOOTTIME counts while the machine is suspended, CLOCK_MONOTONIC does not: the difference is the time
asleep, and nothing else changes it. A timer of timerfd_create(2) with TFD_TIMER_CANCEL_ON_SET becomes
readable when the machine resumes, and when the clock is set: the difference tells the two apart.
"""

from __future__ import annotations

import os
import sys
import time

from sysvinit_py.linux import calls

#: Seconds; a reading that took longer is repeated, as another process ran between the two clocks.
_LONGEST_READING = 0.001


def asleep() -> float:
    """Return the seconds that the machine was suspended since the boot, to about a millisecond."""
    while True:
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
        if time.clock_gettime(time.CLOCK_MONOTONIC) - before < _LONGEST_READING:
            return max(0.0, boottime - before)


class ClockWatch:
    """Readable when the machine has resumed, or its clock was set.

    Raises OSError if the kernel has no such timer.
    """

    def __init__(self) -> None:
        self._fd = calls.timerfd_create(time.CLOCK_REALTIME, os.O_CLOEXEC | os.O_NONBLOCK)
        flags = calls.TFD_TIMER_ABSTIME | calls.TFD_TIMER_CANCEL_ON_SET
        calls.timerfd_settime(self._fd, flags, sys.maxsize)  # the largest time_t: it never expires

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def read(self) -> None:
        """Acknowledge it, so that the descriptor is not readable until the next time."""
        try:
            os.read(self._fd, 8)
        except OSError:
            pass  # ECANCELED each time; EAGAIN if nothing has happened
