"""Starting run, finish and the programs in control/: in their folder, with what the supervisor was given."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.inherited import variables
from sysvinit_py.protocol.supervise import reason
from sysvinit_py.services.folder import PASSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sysvinit_py.services.folder import Folder

#: What is first on a busy machine; a child, until its program is executed.
_FIRST, _CHILD = 2, 1
#: What Python has ignored, and we handle; children have the default.
_DEFAULT = (calls.SIGCHLD, calls.SIGTERM, calls.SIGIO, calls.SIGPIPE, calls.SIGXFSZ)

_SILENT = [(calls.POSIX_SPAWN_OPEN, 1, "/dev/null", calls.O_WRONLY, 0), (calls.POSIX_SPAWN_DUP2, 1, 2)]


class CannotForkError(Exception):
    """No process can be made now."""


class Spawner:
    """What all children have in common.

    session  whether each leads a session of its own
    """

    def __init__(self, session: bool = False) -> None:
        import resource  # not every small Python has it; it is needed nowhere else

        self._environment = variables()
        blocked = set(calls.pthread_sigmask(calls.SIG_BLOCK, ()))
        self._mask = blocked - {calls.SIGCHLD, calls.SIGTERM}
        calls.pthread_sigmask(calls.SIG_SETMASK, self._mask)
        self._how: dict[str, Any] = {"setsid": True} if session else {}
        self._setrlimit, self._descriptors = resource.setrlimit, resource.RLIMIT_NOFILE
        self._soft, self._hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._limit(self._hard)

    def _limit(self, soft: int) -> None:
        """Set how many descriptors a process may have: for us many, for children what we were given."""
        if self._soft != self._hard:
            self._setrlimit(self._descriptors, (soft, self._hard))

    def hurry(self) -> bool:
        """Be scheduled before others, and children until they are executed; return whether that is new.

        Each start waits for an execve(2), and on a busy machine that would wait for its turn each time.
        """
        try:
            if "scheduler" in self._how or calls.sched_getscheduler(0) != calls.SCHED_OTHER:
                return False
            calls.sched_setscheduler(0, calls.SCHED_RR, calls.sched_param(_FIRST))
        except OSError:
            return False  # it is not allowed
        self._how["scheduler"] = calls.SCHED_RR, calls.sched_param(_CHILD)
        return True

    def calm(self) -> None:
        """Be scheduled as others again."""
        if self._how.pop("scheduler", None):
            calls.sched_setscheduler(0, calls.SCHED_OTHER, calls.sched_param(0))

    def spawn(self, folder: Folder, words: list[str], descriptor: int | None = -1, number: int = 1) -> int:
        """Start a program of a folder, ``descriptor`` being its ``number``, and return its pid.

        None: nobody hears what it says. Raises CannotForkError, or OSError if that fails.
        """
        actions: list[tuple[Any, ...]] = _SILENT
        if descriptor is not None:
            actions = [(calls.POSIX_SPAWN_DUP2, descriptor, number)] if descriptor >= 0 else []
        calls.fchdir(folder.fd)
        self._limit(self._soft)
        try:
            pid = calls.posix_spawn(
                words[0], words, self._environment,
                file_actions=actions, setsigmask=self._mask, setsigdef=_DEFAULT, **self._how,
            )  # fmt: skip
        except OSError as error:
            if error.errno in PASSING:
                raise CannotForkError(reason(error)) from error
            raise
        finally:
            self._limit(self._hard)
        if "scheduler" in self._how:
            try:
                calls.sched_setscheduler(pid, calls.SCHED_OTHER, calls.sched_param(0))
            except OSError:
                pass  # it has ended already
        return pid
