"""The signals that init acts on: blocked, so that they interrupt nothing, and read like a file.

See behaviour/signals.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.linux import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SHUTDOWN = calls.SIGRTMIN + 4
#: The kernel keeps all others from PID 1.
HANDLED = (
    calls.SIGHUP, calls.SIGINT, calls.SIGUSR1, calls.SIGUSR2, calls.SIGCHLD, calls.SIGCONT,
    calls.SIGTSTP, calls.SIGWINCH, calls.SIGPWR, SHUTDOWN,
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
            calls.signal(number, calls.SIG_DFL)  # the previous init may have ignored them
        calls.pthread_sigmask(calls.SIG_SETMASK, HANDLED)

    @property
    def fd(self) -> int:
        """Ready to be read when there are some. Opened when it is asked for first."""
        if self._fd < 0:
            self._fd = calls.signalfd(HANDLED, calls.O_NONBLOCK | calls.O_CLOEXEC)
        return self._fd

    def read(self) -> None:
        """Take in those that are there."""
        try:
            told = calls.read(self.fd, _INFO.size * len(HANDLED))
        except BlockingIOError:
            return
        self.add(number for (number,) in _INFO.iter_unpack(told))

    def add(self, numbers: Iterable[int]) -> None:
        """These have arrived."""
        self.arrived.update(numbers)
        if calls.SIGTSTP in self.arrived:
            self.paused = True
        if calls.SIGCONT in self.arrived:
            self.paused = False
        self.arrived -= {calls.SIGTSTP, calls.SIGCONT}

    def take(self, number: int) -> bool:
        """Whether it has arrived; it is being acted on then."""
        if number in self.arrived and not self.paused:
            self.arrived.remove(number)
            return True
        return False
