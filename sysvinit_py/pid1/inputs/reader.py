"""Reading the inittab in PID 1: a child parses what is not plain, and sends the result through a pipe.

So PID 1 has no parser; one that hangs or crashes does not affect it, and its memory is freed afterwards.
Files that have not changed since the last time are not parsed again.
"""

from __future__ import annotations

import gc

from sysvinit_py.inittab import plain, wire
from sysvinit_py.inittab.sources import DIRECTORY, dump, exposed, gather
from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import READABLE
from sysvinit_py.linux.loop import Source as LoopSource
from sysvinit_py.machine.events import InittabNotRead, InittabRead
from sysvinit_py.pid1.outputs.spawn import INITSCRIPT, PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from sysvinit_py.inittab.entry import FileOptions, Reading
    from sysvinit_py.inittab.sources import Source

    _Reading = TypeVar("_Reading", Reading, Reading | None)

#: Seconds for the child, as Python may start slowly.
PATIENCE = 60.0
#: Bytes of an answer; a larger one is invalid.
MAX_BYTES = 64 << 20
#: The number of attempts, and seconds between them: a lack of memory or processes may be temporary.
ATTEMPTS, PAUSE = 4, 0.5
_CHUNK = 1 << 16

#: The option that runs the program as the child.
CHILD_OPTION = "--read-inittab"


class Reader(LoopSource):
    """Reads the inittab, one reading at a time; a new one replaces the one in progress."""

    deadline: float | None = None  # when to retry, or to give up

    def __init__(
        self, program: str, pause: Callable[[], object] = lambda: None,
        warn: Callable[[str], object] = lambda text: None,
        sources: Callable[[], tuple[Source, ...]] = lambda: gather(),
    ) -> None:  # fmt: skip
        """Parse with ``program``; ``pause`` is called regularly while a long answer is decoded."""
        self._gather = sources
        self._pause = pause
        self._warn = warn
        self._exposed: set[str] = set()  # the warnings that were reported
        self._argv = [program, CHILD_OPTION]
        self.pipe = -1  # for the child's answer
        self._failures = 0
        self._pid = 0
        self._answer = bytearray()
        self._sources = b""  # of the present or the last reading
        self._last: InittabRead | None = None  # the result for these sources
        self.files: tuple[tuple[str, FileOptions], ...] | None = None  # paths and options; None: not read yet

    def wanted(self) -> tuple[tuple[int, int], ...]:
        """Return the pipe."""
        return ((self.pipe, READABLE),)

    def serve(self, ready: set[int], now: float) -> Iterator[InittabRead | InittabNotRead]:
        """Read the child's answer, and enforce the deadline."""
        event = self.read(now) if self.pipe in ready else None
        if event is None and self.is_due(now):
            event = self.time_passed(now)
        if event is not None:
            yield event

    def start(self, now: float) -> InittabRead | InittabNotRead | None:
        """Begin a reading. Returns the last result if the files are the same; None: the answer follows."""
        self._failures = 0
        return self._begin(now)

    def time_passed(self, now: float) -> InittabRead | InittabNotRead | None:
        """Retry, or give up a child that does not answer, as the deadline has passed."""
        return self._begin(now) if self.pipe < 0 else self.give_up("it takes too long")

    def _begin(self, now: float) -> InittabRead | InittabNotRead | None:
        gathered = self._gather()
        self._warn_of_exposed(gathered)
        sources = dump(gathered)
        if sources == self._sources and self.pipe >= 0:
            return None  # in progress already; restarted by each of many requests it would never finish
        self.stop()
        if sources == self._sources and self._last is not None:
            return self._last
        self._sources, self._last = sources, None
        reading = self._undisturbed(lambda: plain.read(gathered, self._pause))
        if reading is not None:
            return self._keep(reading)
        try:
            self._pid = self._spawn()
        except OSError as error:
            return self._failed(str(error), now)
        self.deadline = now + PATIENCE
        return None

    def _warn_of_exposed(self, sources: tuple[Source, ...]) -> None:
        """Report once each file that others than root may change; it is used all the same."""
        found = {source.path: source.exposed for source in sources}
        found |= {path: exposed(path) for path in (DIRECTORY, INITSCRIPT)}
        warnings = {f"{path} {why}: it should be root's alone" for path, why in found.items() if why}
        for warning in sorted(warnings - self._exposed):
            self._warn(warning)
        self._exposed = warnings

    def _spawn(self) -> int:
        """Start the child: the sources on its standard input, the pipe on its standard output."""
        given = calls.memfd_create("inittab", calls.MFD_CLOEXEC)
        child_end = -1
        try:
            sources = self._sources
            while sources:
                sources = sources[calls.write(given, sources) :]
            calls.lseek(given, 0, calls.SEEK_SET)
            self.pipe, child_end = calls.pipe2(calls.O_NONBLOCK | calls.O_CLOEXEC)
            calls.fcntl(child_end, calls.F_SETFL, calls.O_WRONLY)  # the child's end may block
            return calls.posix_spawn(
                self._argv[0], self._argv, {"PATH": PATH},
                file_actions=[(calls.POSIX_SPAWN_DUP2, given, 0), (calls.POSIX_SPAWN_DUP2, child_end, 1)],
                setsid=True, setsigmask=[], setsigdef=calls.SIGNALS,
            )  # fmt: skip
        finally:
            calls.close(given)
            if child_end >= 0:
                calls.close(child_end)

    def read(self, now: float) -> InittabRead | InittabNotRead | None:
        """Read from the pipe; return None if the answer is not complete."""
        try:
            while chunk := calls.read(self.pipe, _CHUNK):
                self._answer += chunk
                if len(self._answer) > MAX_BYTES:
                    return self.give_up("its reading never ends")
        except BlockingIOError:
            return None
        except OSError as error:
            return self._failed(str(error), now)
        answer = bytes(self._answer)
        self.stop()
        try:
            return self._keep(self._undisturbed(lambda: wire.decode(answer, self._pause)))
        except ValueError:
            return self._failed("the process that parses it has failed", now)

    def _undisturbed(self, read: Callable[[], _Reading]) -> _Reading:
        """Call it with the garbage collector off, which would scan the new entries again and again."""
        gc.disable()
        try:
            return read()
        finally:
            gc.freeze()
            gc.enable()

    def _keep(self, reading: Reading) -> InittabRead:
        """Return the event of the reading, and keep it as long as the files are the same."""
        self.files = reading.files
        graces = tuple((path, of.grace) for path, of in reading.files if of.grace is not None)
        self._last = InittabRead(reading.entries, reading.problems, reading.complete, graces)
        return self._last

    def child_exited(self, pid: int) -> None:
        """Forget the child if it was the one reaped, as its pid may be reused."""
        if pid == self._pid:
            self._pid = 0

    def _failed(self, reason: str, now: float) -> InittabNotRead | None:
        """Retry in a moment, or give up after the last attempt."""
        self.stop()
        self._failures += 1
        if self._failures >= ATTEMPTS:
            return self.give_up(reason)
        self.deadline = now + PAUSE
        return None

    def give_up(self, reason: str) -> InittabNotRead:
        """End the reading in progress."""
        self.stop()
        return InittabNotRead(f"inittab is not read: {reason}")

    def stop(self) -> None:
        """Kill the child, if there is one, and close the pipe; the child is reaped like any other."""
        if self._pid:
            try:
                calls.kill(self._pid, calls.SIGKILL)
            except OSError:
                pass
            self._pid = 0
        if self.pipe >= 0:
            calls.close(self.pipe)
            self.pipe = -1
        self.deadline = None
        self._answer = bytearray()
