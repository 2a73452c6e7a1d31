"""Watch: whether the processes of an inittab have settled."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Protocol

from sysvinit_py.sandbox.sandbox import Process

REST = 1.0  # seconds without a process coming or going
#: Levels that are meant to end with halt or reboot.
LAST_LEVELS = ("0", "6")

_TITLE = re.compile(r"init \[(.)\]")


class Watched(Protocol):
    """The part of Sandbox that is needed here."""

    def processes(self) -> list[Process]:
        """Return all processes inside."""


class Watch:
    """Knows the level, and since when nothing has changed, if ``look`` is called several times a second.

    This is a guess, as not every init publishes its state: an entry that is waited for and sleeps looks like
    a level that has been entered.
    """

    def __init__(self, sandbox: Watched, clock: Callable[[], float] = time.monotonic) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self.processes: list[Process] = []
        self._now = self._since = clock()

    def look(self) -> None:
        """Get the processes, without zombies."""
        self._now = self._clock()
        seen = [process for process in self._sandbox.processes() if process.state != "Z"]
        if [(p.pid, p.title) for p in seen] != [(p.pid, p.title) for p in self.processes]:
            self._since = self._now
        self.processes = seen

    def restart(self) -> None:
        """Begin to wait again, as something was requested."""
        self._since = self._clock()

    @property
    def level(self) -> str:
        """The level in PID 1's title; empty during boot."""
        found = _TITLE.fullmatch(self.processes[0].title) if self.processes else None
        return found[1] if found else ""

    @property
    def at_rest(self) -> bool:
        """Whether no process has started, ended or changed its title for REST seconds."""
        return self._now - self._since >= REST

    @property
    def settled(self) -> bool:
        """Whether a level is entered and all is at rest."""
        return bool(self.level) and self.at_rest

    @property
    def nothing_left(self) -> bool:
        """Whether level 0 or 6 is entered and only PID 1 is left, so that nothing will call halt any more."""
        return self.level in LAST_LEVELS and len(self.processes) == 1 and self.at_rest
