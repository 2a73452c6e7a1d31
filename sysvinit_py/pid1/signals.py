"""The signals that init acts on: blocked, so that they interrupt nothing, and read like a file.

See behaviour/signals.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.pid1 import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SHUTDOWN = kernel.SIGRTMIN + 4
#: The kernel keeps all others from PID 1.
HANDLED = (
    kernel.SIGHUP, kernel.SIGINT, kernel.SIGUSR1, kernel.SIGUSR2, kernel.SIGCHLD, kernel.SIGCONT,
    kernel.SIGTSTP, kernel.SIGWINCH, kernel.SIGPWR, SHUTDOWN,
)  # fmt: skip

#: struct signalfd_siginfo: the number comes first.
_INFO = Struct("=I124x")


class Signals:
    """Those that have arrived. Between TSTP and CONT all others wait."""

    def __init__(self) -> None:
        self.arrived: set[int] = set()  # and were not acted on yet
        self.paused = False
        self._fd = -1
        for number in HANDLED:
            kernel.signal(number, kernel.SIG_DFL)  # the previous init may have ignored them
        kernel.pthread_sigmask(kernel.SIG_SETMASK, HANDLED)

    @property
    def fd(self) -> int:
        """Ready to be read when there are some. Opened when it is asked for first."""
        if self._fd < 0:
            self._fd = kernel.signalfd(HANDLED, kernel.O_NONBLOCK | kernel.O_CLOEXEC)
        return self._fd

    def read(self) -> None:
        """Take in those that are there."""
        try:
            told = kernel.read(self.fd, _INFO.size * len(HANDLED))
        except BlockingIOError:
            return
        self.add(number for (number,) in _INFO.iter_unpack(told))

    def add(self, numbers: Iterable[int]) -> None:
        """These have arrived."""
        self.arrived.update(numbers)
        if kernel.SIGTSTP in self.arrived:
            self.paused = True
        if kernel.SIGCONT in self.arrived:
            self.paused = False
        self.arrived -= {kernel.SIGTSTP, kernel.SIGCONT}

    def take(self, number: int) -> bool:
        """Whether it has arrived; it is being acted on then."""
        if number in self.arrived and not self.paused:
            self.arrived.remove(number)
            return True
        return False
