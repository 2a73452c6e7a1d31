"""The signals that init acts on (SPEC 6): blocked, so that they interrupt nothing, and read like a file."""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.pid1 import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM = 1, 2, 9, 10, 12, 15
SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH, SIGPWR, SIGRTMIN = 17, 18, 20, 28, 30, 34
SHUTDOWN = SIGRTMIN + 4
#: The kernel keeps all others from PID 1.
HANDLED = (
    SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH, SIGPWR, SHUTDOWN,
)  # fmt: skip

#: struct signalfd_siginfo: the number comes first.
_INFO = Struct("=I124x")
_SIG_SETMASK, _SIG_DFL = 2, 0
_O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000


class Signals:
    """Those that have arrived. Between TSTP and CONT all others wait."""

    def __init__(self) -> None:
        self.arrived: set[int] = set()  # and were not acted on yet
        self.paused = False
        self._fd = -1
        for number in HANDLED:
            kernel.signal(number, _SIG_DFL)  # the init before this may have ignored them
        kernel.pthread_sigmask(_SIG_SETMASK, HANDLED)

    @property
    def fd(self) -> int:
        """Ready to be read when there are some. Opened when it is asked for first."""
        if self._fd < 0:
            self._fd = kernel.signalfd(HANDLED, _O_NONBLOCK_CLOEXEC)
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
        if SIGTSTP in self.arrived:
            self.paused = True
        if SIGCONT in self.arrived:
            self.paused = False
        self.arrived -= {SIGTSTP, SIGCONT}

    def take(self, number: int) -> bool:
        """Whether it has arrived; it is being acted on then."""
        if number in self.arrived and not self.paused:
            self.arrived.remove(number)
            return True
        return False
