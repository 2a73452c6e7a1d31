"""Trial: one boot of an inittab, from the first line on the console to its end, whoever brings that about."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from subprocess import DEVNULL, Popen
from typing import Any, NamedTuple

from sysvinit_py.tools.sandbox import terminal
from sysvinit_py.tools.sandbox.box import Content, Sandbox
from sysvinit_py.tools.sandbox.watch import Watch

OK, DIED, USAGE, TIMEOUT, NO_SANDBOX = 0, 1, 2, 124, 125
TICK = 0.05  # seconds between two looks at what runs


#: Not sys.stdout, which is None where it was closed at the start.
_STDOUT = 1


class Outcome(NamedTuple):
    """The exit status, and what to tell the person."""

    status: int
    text: str


class Trial:
    """Boots ``files`` (an inittab and what belongs to it) with ``init``, and follows it to its end.

    level    to boot into, or ""
    command  for sh, to be run when the boot has settled; with it, or without a terminal, nobody can type
    timeout  in seconds; 0: none
    """

    def __init__(
        self,
        init: Content,
        files: Mapping[str, Content],
        level: str = "",
        command: str = "",
        timeout: float = 0,
    ) -> None:
        self._command = command
        self._ends_at = time.monotonic() + timeout if timeout else float("inf")
        #: Whether the sandbox gets the person's terminal.
        self.interactive = not command and sys.stdin.isatty() and sys.stdout.isatty()
        self._shown_to_nobody = False
        self._running: Popen[Any] | None = None
        self._sandbox = Sandbox(
            init,
            None,
            files=files,
            arguments=[level] if level else [],
            environment={"HOME": "/", "TERM": os.environ.get("TERM", "linux")},
            confined=True,
            listener=self._show,
        )

    def run(self) -> Outcome:
        """Do it. Raises NamespaceError."""
        try:
            with self._sandbox as sandbox:
                if not self.interactive:
                    return self._follow()
                with terminal.lent(sandbox.console):
                    return self._follow()
        finally:
            if self._running:
                self._running.wait()  # it has ended with all the others

    def _follow(self) -> Outcome:
        """Look and listen until there is a reason to end it."""
        watch = Watch(self._sandbox)
        while not (outcome := self._outcome(watch)):
            if not self.interactive:
                time.sleep(TICK)
            elif not terminal.hand_over(self._sandbox.console, TICK):
                return Outcome(OK, "left")
        return outcome

    def _outcome(self, watch: Watch) -> Outcome | None:
        if end := self._sandbox.end:
            return Outcome(OK if end.halted or end.restarted else DIED, str(end))
        watch.look()
        if watch.nothing_left:
            return Outcome(OK, f"runlevel {watch.level}, and nothing is left that could halt: ended")
        if time.monotonic() > self._ends_at:
            running = ", ".join(f"{process.pid} {process.title}" for process in watch.processes)
            return Outcome(TIMEOUT, f"timeout; running: {running}")
        if self._shown_to_nobody:
            return Outcome(128 + signal.SIGPIPE, "standard output is closed")
        return self._proceed(watch) if self._command else None

    def _proceed(self, watch: Watch) -> Outcome | None:
        """Run the command once the boot has settled; the end is when what it asked for has settled, too."""
        if not self._running:
            if watch.settled:
                self._running = self._sandbox.start(["/bin/sh", "-c", self._command], stdin=DEVNULL)
                watch.restart()
            return None
        status = self._running.poll()
        if status is None:
            watch.restart()
            return None
        if not watch.settled:
            return None
        if status:
            return Outcome(status if status > 0 else 128 - status, f"{self._command}: status {status}")
        return Outcome(OK, f"settled in runlevel {watch.level}")

    def _show(self, part: bytes) -> None:
        """Hand on what the console says; without its carriage returns where no terminal needs them."""
        rest = part if self.interactive else part.replace(b"\r", b"")
        try:
            while rest:
                rest = rest[os.write(_STDOUT, rest) :]
        except OSError:
            self._shown_to_nobody = True
