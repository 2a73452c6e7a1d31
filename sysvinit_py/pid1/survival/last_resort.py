"""The last resort: what PID 1 does if re-execution has not helped, until ``telinit u`` succeeds.

It reaps, keeps a sulogin on the console, and handles ``telinit u``, ``0`` and ``6``. As it is for errors in
the rest of PID 1, it uses nothing of it but ``linux.calls`` and the check of the FIFO's ownership.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there
from errno import EPERM
from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.pid1.ownership import is_roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FIFO = "/run/initctl"
CONSOLE = "/dev/console"
NOTHING = "/dev/null"
SULOGIN = ["/sbin/sulogin"]
_ENVIRONMENT = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "SHELL": "/bin/sh", "TERM": "linux"}

_REQUEST = Struct("=iiii368x")
_MAGIC, _RUNLVL = 0x03091969, 1
_CHUNK = 64 * _REQUEST.size

#: Milliseconds between two checks for children that have ended.
_LOOK = 250
#: Seconds between two starts of sulogin.
_PAUSE = 5.0
#: Seconds after SIGTERM and after SIGKILL to all processes, if no entry halts the machine.
_WAIT = 5.0


def serve(
    report: Callable[[str], None],
    become_init: Callable[[], None],
    commands: Mapping[str, Sequence[str]],
    signals: Iterable[int],
) -> None:
    """Run the last resort. Never returns or raises.

    ``become_init`` is for telinit u, and returns or raises if it fails; ``commands`` are those of the entries
    of levels 0 and 6; ``signals`` are those that init handles.
    """
    resort = LastResort(report, become_init, commands)
    _best_effort(lambda: resort.begin(signals))
    while True:
        _best_effort(resort.turn)


def _best_effort(step: Callable[[], None]) -> None:
    """Call a function, and ignore its errors."""
    try:
        step()
    except BaseException:
        try:
            calls.sleep(_LOOK / 1000)
        except BaseException:
            pass


class LastResort:
    """The minimal init."""

    def __init__(
        self,
        report: Callable[[str], None],
        become_init: Callable[[], None],
        commands: Mapping[str, Sequence[str]],
    ) -> None:
        self._report = report
        self._become_init = become_init
        self._commands = commands
        self._fifo = -1
        self._sulogin = 0  # its pid
        self._not_before = 0.0  # for the next sulogin
        self._ending = ""  # 0 or 6, once asked for
        self._to_run: list[str] = []
        self._runs = 0  # the pid of what runs of it

    def begin(self, signals: Iterable[int]) -> None:
        """Ignore the signals that init handles, and report the failure."""
        for number in signals:
            calls.signal(number, calls.SIG_DFL)  # not delivered to PID 1 by the kernel
        calls.pthread_sigmask(calls.SIG_SETMASK, [])
        self._report("init has failed, and only reaps now; telinit u, 0 and 6 are obeyed")

    def turn(self) -> None:
        """Reap, keep a sulogin running, and handle requests."""
        self._reap()
        if self._ending:
            self._end()
        elif not self._sulogin and self._now() >= self._not_before:
            self._not_before = self._now() + _PAUSE
            self._sulogin = self._start(SULOGIN)
        for level in self._requests():
            self._obey(level)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = calls.waitpid(-1, calls.WNOHANG)
            except OSError:
                return  # no children
            if not pid:
                return
            if pid == self._sulogin:
                self._sulogin = 0
            if pid == self._runs:
                self._runs = 0

    def _requests(self) -> list[str]:
        """Wait for requests, up to _LOOK, and return the levels that they name."""
        try:
            if self._fifo < 0:
                self._fifo = self._open_fifo()
            poll = calls.poll()
            poll.register(self._fifo, calls.POLLIN)
            if not poll.poll(_LOOK):
                return []
            data = calls.read(self._fifo, _CHUNK)
        except OSError:
            self._close_fifo()
            calls.sleep(_LOOK / 1000)
            return []
        whole = len(data) - len(data) % _REQUEST.size
        requests = _REQUEST.iter_unpack(data[:whole])
        return [chr(code & 0x7F) for magic, cmd, code, _ in requests if (magic, cmd) == (_MAGIC, _RUNLVL)]

    def _open_fifo(self) -> int:
        try:
            calls.mkfifo(FIFO, 0o600)
        except FileExistsError:
            pass
        fifo = calls.open(FIFO, calls.O_RDWR | calls.O_NONBLOCK)
        if S_ISFIFO(calls.fstat(fifo).st_mode) and is_roots(FIFO, fifo):
            return fifo
        calls.close(fifo)
        raise OSError(EPERM, "not root's alone")

    def _close_fifo(self) -> None:
        if self._fifo >= 0:
            fifo, self._fifo = self._fifo, -1
            calls.close(fifo)

    def _obey(self, level: str) -> None:
        if level in "uU":
            self._become_init()
        elif level in "06" and not self._ending:
            self._ending = level
            self._to_run = list(self._commands.get(level, ()))

    def _end(self) -> None:
        """Run the commands of the level, one after the other; then kill all processes, and reboot(2)."""
        if self._runs:
            return
        if self._to_run:
            self._runs = self._start(["/bin/sh", "-c", self._to_run.pop(0)])
            return
        for number in (calls.SIGTERM, calls.SIGKILL):
            try:
                calls.kill(-1, number)
                calls.sleep(_WAIT)
            except OSError:
                pass  # there are no other processes
        calls.sync()
        calls.reboot(calls.RB_POWER_OFF if self._ending == "0" else calls.RB_AUTOBOOT)

    def _start(self, argv: list[str]) -> int:
        """Start a command on the console, or on /dev/null. Raises OSError."""
        level = self._ending or "S"
        terminal = self._open_console()
        try:
            return calls.posix_spawn(
                argv[0], argv, _ENVIRONMENT | {"RUNLEVEL": level, "PREVLEVEL": "N"},
                file_actions=[(calls.POSIX_SPAWN_DUP2, terminal, number) for number in (0, 1, 2)],
                setsid=True, setsigmask=[], setsigdef=calls.SIGNALS,
            )  # fmt: skip
        finally:
            calls.close(terminal)

    def _open_console(self) -> int:
        try:
            # O_NONBLOCK, as opening a serial line may block.
            console = calls.open(CONSOLE, calls.O_RDWR | calls.O_NOCTTY | calls.O_NONBLOCK)
        except OSError:
            return calls.open(NOTHING, calls.O_RDWR)
        calls.fcntl(console, calls.F_SETFL, calls.O_RDWR)
        return console

    def _now(self) -> float:
        return calls.clock_gettime(calls.CLOCK_BOOTTIME)
