"""Reading the inittab without parsing it: a child does that, and PID 1 takes what comes out of a pipe.

So there is no parser in PID 1, one that hangs or dies cannot hurt it, and its memory is gone afterwards.
"""

from __future__ import annotations

import sys

from sysvinit_py.inittab import wire
from sysvinit_py.machine.events import InittabNotRead, InittabRead
from sysvinit_py.pid1 import kernel
from sysvinit_py.pid1.spawn import PATH, SIGNALS

_O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_SIGKILL = 9

#: Seconds for the child: a slow machine takes some to start Python.
PATIENCE = 30.0
#: An answer larger than this is none.
MAX_BYTES = 64 << 20
_CHUNK = 1 << 16

#: The option by which the program knows that it is to be the child.
CHILD_OPTION = "--read-inittab"


class Reader:
    """One reading at a time; a new one replaces the one under way."""

    def __init__(self, program: str) -> None:
        self._argv = [sys.executable, "-IS", program, CHILD_OPTION]
        self.pipe = -1  # the child's answer comes in here
        self.deadline: float | None = None
        self._pid = 0
        self._answer = bytearray()

    def start(self, now: float) -> InittabNotRead | None:
        """Start the child. An event instead: it cannot be started."""
        self.stop()
        try:
            self.pipe, child_end = kernel.pipe2(_O_NONBLOCK_CLOEXEC)
        except OSError as error:
            return InittabNotRead(f"inittab is not read: {error.strerror}")
        try:
            kernel.fcntl(child_end, 4, 1)  # F_SETFL: the child's end may block
            self._pid = kernel.posix_spawn(
                self._argv[0], self._argv, {"PATH": PATH}, file_actions=[(2, child_end, 1)],
                setsid=True, setsigmask=[], setsigdef=SIGNALS,
            )  # fmt: skip
        except OSError as error:
            self.stop()
            return InittabNotRead(f"inittab is not read: {error.strerror}")
        finally:
            kernel.close(child_end)
        self.deadline = now + PATIENCE
        return None

    def read(self) -> InittabRead | InittabNotRead | None:
        """Take what has come. None: there is more to come."""
        try:
            while chunk := kernel.read(self.pipe, _CHUNK):
                self._answer += chunk
                if len(self._answer) > MAX_BYTES:
                    return self.give_up("its reading never ends")
        except BlockingIOError:
            return None
        except OSError as error:
            return self.give_up(str(error))
        answer = bytes(self._answer)
        self.stop()
        try:
            reading = wire.decode(answer)
        except ValueError:
            return InittabNotRead("inittab is not read: the process that does it has failed")
        return InittabRead(reading.entries, reading.problems, reading.complete)

    def child_exited(self, pid: int) -> None:
        """A child was reaped; if it is this one, its pid may soon be somebody else's."""
        if pid == self._pid:
            self._pid = 0

    def give_up(self, reason: str) -> InittabNotRead:
        """End the reading under way."""
        self.stop()
        return InittabNotRead(f"inittab is not read: {reason}")

    def stop(self) -> None:
        """End the child, if there is one, and close the pipe; the child is reaped like any other."""
        if self._pid:
            try:
                kernel.kill(self._pid, _SIGKILL)
            except OSError:
                pass
            self._pid = 0
        if self.pipe >= 0:
            kernel.close(self.pipe)
            self.pipe = -1
        self.deadline = None
        self._answer = bytearray()
