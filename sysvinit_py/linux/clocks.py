"""How long the machine has slept since the boot, and a descriptor that tells when that may have changed.

CLOCK_BOOTTIME goes on while the machine is suspended, CLOCK_MONOTONIC does not: the difference is the time
asleep, and nothing else changes it. The kernel wakes a timer of timerfd_create(2) with CANCEL_ON_SET when the
machine resumes, and when somebody sets the clock: one look at the difference tells which it was.
"""

from __future__ import annotations

import ctypes
import os
import time

_TFD_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK
_TFD_TIMER_ABSTIME, _TFD_TIMER_CANCEL_ON_SET = 1, 2
_NEVER = 2 ** (8 * ctypes.sizeof(ctypes.c_long) - 1) - 1  # the largest time_t: no timer runs so long
#: Seconds; a reading that took longer is repeated, as something else ran between the clocks.
_LONGEST_READING = 0.001

_libc = ctypes.CDLL(None, use_errno=True)


class _Itimerspec(ctypes.Structure):
    _fields_ = (
        ("interval_sec", ctypes.c_long),
        ("interval_nsec", ctypes.c_long),
        ("value_sec", ctypes.c_long),
        ("value_nsec", ctypes.c_long),
    )


def asleep() -> float:
    """Return the seconds that the machine has slept since the boot, to a millisecond or so."""
    while True:
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
        if time.clock_gettime(time.CLOCK_MONOTONIC) - before < _LONGEST_READING:
            return max(0.0, boottime - before)


class ClockWatch:
    """Ready to be read when the machine has resumed, or its clock was set.

    Raises OSError if the kernel has no such timer.
    """

    def __init__(self) -> None:
        self._fd = _checked(_libc.timerfd_create(time.CLOCK_REALTIME, _TFD_CLOEXEC_NONBLOCK))
        never = _Itimerspec(value_sec=_NEVER)
        flags = _TFD_TIMER_ABSTIME | _TFD_TIMER_CANCEL_ON_SET
        _checked(_libc.timerfd_settime(self._fd, flags, ctypes.byref(never), None))

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def read(self) -> None:
        """Acknowledge it: the timer is not ready until the next time."""
        try:
            os.read(self._fd, 8)
        except OSError:
            pass  # ECANCELED, each time; EAGAIN: it was nothing


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
