"""The signals that init handles: blocked, so that they interrupt nothing, and read from a signalfd(2).

See behaviour/signals.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

SHUTDOWN = calls.SIGRTMIN + 4
#: The kernel does not deliver any others to PID 1.
HANDLED = (
    calls.SIGHUP, calls.SIGINT, calls.SIGUSR1, calls.SIGUSR2, calls.SIGCHLD, calls.SIGCONT,
    calls.SIGTSTP, calls.SIGWINCH, calls.SIGPWR, SHUTDOWN,
)  # fmt: skip

#: struct signalfd_siginfo: the number comes first.
_INFO = Struct("=I124x")


class Signals(Source):
    """The signals that have arrived. Between SIGTSTP and SIGCONT they wait, and so do all other sources."""

    #: Functions by signal, called in this order; each returns an event, or None.
    actions: Mapping[int, Callable[[], Any]] = {}

    def __init__(self) -> None:
        self.arrived: set[int] = set()  # and are not handled yet
        self._fd = -1
        for number in HANDLED:
            calls.signal(number, calls.SIG_DFL)  # the previous init may have ignored them
        calls.pthread_sigmask(calls.SIG_SETMASK, HANDLED)

    @property
    def deadline(self) -> float | None:
        """At once while there are signals to handle."""
        return 0.0 if self.arrived and not self.holds_others else None

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the signalfd, which is opened by the first call."""
        if self._fd < 0:
            self._fd = calls.signalfd(HANDLED, calls.O_NONBLOCK | calls.O_CLOEXEC)
        return ((self._fd, READABLE),)

    def serve(self, ready: set[int], now: float) -> Iterator[Any]:
        """Read the signals that have arrived, and handle them unless they have to wait."""
        if self._fd in ready:
            self._read()
        if self.holds_others:
            return
        for number, act in self.actions.items():
            if number in self.arrived:
                self.arrived.remove(number)
                event = act()
                if event is not None:
                    yield event

    def _read(self) -> None:
        try:
            data = calls.read(self._fd, _INFO.size * len(HANDLED))
        except BlockingIOError:
            return
        self.add(number for (number,) in _INFO.iter_unpack(data))

    def add(self, numbers: Iterable[int]) -> None:
        """Add signals to those that have arrived."""
        self.arrived.update(numbers)
        if calls.SIGTSTP in self.arrived:
            self.holds_others = True
        if calls.SIGCONT in self.arrived:
            self.holds_others = False
        self.arrived -= {calls.SIGTSTP, calls.SIGCONT}

    @property
    def pending(self) -> set[int]:
        """The signals that the next init has to handle; SIGTSTP is among them while it is in force."""
        return self.arrived | ({calls.SIGTSTP} if self.holds_others else set())
