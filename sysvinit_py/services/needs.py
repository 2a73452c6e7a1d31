"""What a service needs before it is started: others in its directory, named in the file ``needs``.

A service is up if somebody supervises it, it runs, and its ``check``, if there is one, exits with 0. All is
read from its folder, so it does not matter which runsv has it.
"""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import clock
from sysvinit_py.protocol.supervise import RUN, cycle, needed, reason
from sysvinit_py.services import adoption
from sysvinit_py.services.folder import Folder, FolderError
from sysvinit_py.services.spawn import CannotForkError
from sysvinit_py.services.unit import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sysvinit_py.services.host import Host

#: Seconds: a check that takes longer is killed. sv waits so long by default.
_PATIENCE = 7.0


class Needs:
    """What one service needs.

    answer    called with the name of the first one that is not up, and what is wrong, if something is; or
              with nothing
    deadline  when to call ``end_check``; infinite: never
    """

    def __init__(self, hub: Host, service: Any, path: str, answer: Callable[[str, str], None]) -> None:
        self._hub, self._service, self._answer = hub, service, answer
        above, _, self._name = path.rstrip("/").rpartition("/")
        self._directory = f"{path}/.." if self._name in (".", "..") else above
        self._left: list[str] = []  # those that have not been found to be up
        self._check = 0  # the pid of the one that runs
        self.deadline = NEVER

    def look(self, names: Iterable[str]) -> None:
        """Have it answered, now or once the checks have ended, whether all are up."""
        self._left = [*names]
        while self._left:
            name, wrong = self._left[0], ""
            try:
                check = self._started_check(name)
            except (FolderError, CannotForkError, OSError, ValueError) as error:
                check, wrong = None, f"needs {name}: {reason(error)}"
            if check is None:
                self._answer(name, wrong)
                return
            if check:
                self._check, self.deadline = check, clock() + _PATIENCE
                self._hub.child(check, self._service, self._checked)
                return
            del self._left[0]
        self._answer("", "")

    def _started_check(self, name: str) -> int | None:
        """Return the pid of its check, or 0 if it has none; None if it is not up."""
        folder = Folder(f"{self._directory}/{name}")
        try:
            told = adoption.told(folder)
            if not (told and told.state == RUN and not told.got_term and folder.is_served()):
                return None
            if not folder.is_executable("check"):
                return 0
            try:
                return self._hub.spawner.spawn(folder, ["./check"], None)
            except OSError:
                return 0  # as with sv
        finally:
            folder.close()

    def _checked(self, status: int | None) -> None:
        self.deadline = NEVER
        if status == 0:
            self.look(self._left[1:])
        else:
            self._answer(self._left[0], "")

    def end_check(self) -> None:
        """Kill a check that takes too long."""
        if self.deadline < NEVER:
            self.deadline = NEVER
            calls.kill(self._check, calls.SIGKILL)

    def cycle(self) -> str:
        """Return why it is never started, if it needs itself."""
        path = cycle(self._name, self._needs_of)
        return f"needs {', which needs '.join(path)}: none of them is started" if path else ""

    def _needs_of(self, name: str) -> Iterable[str]:
        try:
            folder = Folder(f"{self._directory}/{name}")
            try:
                return needed(folder.setting("needs"))
            finally:
                folder.close()
        except (FolderError, OSError, ValueError):
            return ()
