"""A service that sv controls: how it is, in runit's words, and whether an order has been carried out."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import time

from sysvinit_py.clients.runit import supervised
from sysvinit_py.clients.runit.common import complain
from sysvinit_py.protocol.supervise import DOWN, NOT_UP, RUN, SIGNALS, STATES, UP, reason
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.protocol.supervise import Status

_FOLDER = "/etc/service"
_SECOND = 10**9


class Service:
    """A service that is given an order."""

    def __init__(self, name: str) -> None:
        self.name = name
        plain = name and name[0] not in "./" and name[-1] != "/"
        self.folder = f"{variable('SVDIR', _FOLDER)}/{name}" if plain else name
        self.status: Status  # as it was last
        self.before: Status  # and when the order was given
        self.gives_up = 0.0
        self.undoer = ""  # who starts its runsv again
        self._check = 0  # the pid of ./check while it runs

    def look(self) -> None:
        """Ask how it is. Raises TroubleError."""
        self.status = supervised.status(self.folder)

    def line(self) -> str:
        """Return how it is."""
        note = supervised.note(self.folder, self.status)
        return line(self.name, self.status, supervised.exists(self.folder, "down", self.name), note)

    # What is waited for.

    def is_up(self) -> bool:
        """Return whether it runs, and is to run, and ./check, if there is one, has found it available."""
        return self.status.state == RUN and self.status.want == UP and self._is_available()

    def is_down(self) -> bool:
        """Return whether neither run nor finish runs."""
        return self.status.state == DOWN

    def is_stopped(self) -> bool:
        """Return whether it is down to stay: one that is about to run has not seen the order yet."""
        return self.is_down() and self.status.want == NOT_UP

    def is_once(self) -> bool:
        """Return whether it runs, and is not to run again; or has run since."""
        if self.is_down():
            return self.status.since != self.before.since
        return self.status.want == NOT_UP

    def is_new(self) -> bool:
        """Return whether it was started since."""
        is_new = self.status.since != self.before.since
        return is_new and self.status.state == RUN and self._is_available()

    def is_new_or_down(self) -> bool:
        """Return whether it was started since, or is not to run."""
        return self.is_new() or self.is_stopped()

    def is_paused(self) -> bool:
        """Return whether it is; nothing is there to be, if it is down."""
        return self.status.paused or self.is_down()

    def is_as_wanted(self) -> bool:
        """Return whether it is up, or down, as it is wanted; up is right for one that is to run once."""
        return self._is_available() if self.status.state == RUN else self.is_stopped()

    def _is_available(self) -> bool:
        """Return whether ./check has said so; it may still be at it."""
        if not self._check:
            if not (there := supervised.exists(self.folder, "check", self.name)):
                return there is False
            from sysvinit_py.linux.inherited import restore_signals

            self._check = posix.fork() or self._execute_check(restore_signals)
        pid, status = posix.waitpid(self._check, posix.WNOHANG)
        if not pid:
            return False
        self._check = 0
        return status == 0

    def _execute_check(self, restore_signals: Callable[[], None]) -> int:
        try:
            restore_signals()
            posix.chdir(self.folder)
            posix.close(1)
            posix.execv("check", ["./check"])
        except OSError as error:
            complain(f"warning: unable to run {self.name}/check: {reason(error)}\n")
        finally:
            posix._exit(0)

    def end_check(self) -> None:
        """Kill a check that is still running."""
        if self._check:
            posix.kill(self._check, SIGNALS["k"])
            posix.waitpid(self._check, 0)


def line(name: str, status: Status, down: bool | None, note: str = "") -> str:
    """Return how a service is; ``down``: whether there is such a file; ``note``: what a start waits for."""
    state = f"{STATES[status.state]}: " if status.state < len(STATES) else ""
    pid = f"(pid {status.pid}) " if status.state != DOWN else ""
    seconds = max(0, int(time.time()) - supervised.since(status) // _SECOND)
    runs = bool(status.pid)
    words = {
        ", normally down": runs and down,
        ", normally up": not runs and down is False,
        ", paused": runs and status.paused,
        ", want down": runs and status.want == NOT_UP,
        ", want up": not runs and status.want == UP,
        ", got TERM": status.got_term,
        f", {printable(note)}": note,
    }
    return f"{state}{name}: {pid}{seconds}s{''.join(word for word, holds in words.items() if holds)}"


def variable(name: str, default: str) -> str:
    """Return a variable of the environment."""
    value = posix.environ.get(name.encode())
    return default if value is None else value.decode(errors="surrogateescape")


def undoer(folder: str) -> str:
    """Return the name of the runsvdir, with its pid, that has started the runsv of a folder; or nothing."""
    if posix.access(f"{folder}/../supervise", posix.F_OK):
        return ""  # a logger's, which does not exit on its own
    try:
        inode = posix.stat(f"{folder}/supervise/lock").st_ino
        with open("/proc/locks") as locks:
            rows = [row.split() for row in locks]
        holder = next(row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode))
        with open(f"/proc/{holder}/stat", errors="replace") as stat:
            parent = stat.read().rpartition(")")[2].split()[1]
        with open(f"/proc/{parent}/cmdline", errors="replace") as file:
            names = [word.rpartition("/")[2] for word in file.read().split("\0")]
    except (OSError, StopIteration, IndexError):
        return ""
    return f"runsvdir ({parent})" if "runsvdir" in names else ""
