"""Session: one boot of an inittab in the sandbox, from the first line on the console to its end."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sysvinit_py.lint.finding import printable
from sysvinit_py.sandbox import terminal
from sysvinit_py.sandbox.sandbox import Content, Sandbox
from sysvinit_py.sandbox.screen import RAW_RESET, Screen
from sysvinit_py.sandbox.watch import Watch

OK, DIED, USAGE, FAILED, TIMEOUT, NO_SANDBOX = 0, 1, 2, 3, 124, 125
TICK = 0.05  # seconds between two checks of the processes
MEMORY, PIDS = 512 << 20, 512
MAX_OUTPUT = 64 << 20  # bytes, without a terminal
MAX_TOLD = 5  # failures that are reported

#: Messages of init for an entry that it could not execute or has throttled; and of the shell for a command in
#: one, possibly after the prompt of another shell.
_FAILURE = re.compile(rb'cannot execute "|respawning too fast')
_SHELL_FAILURE = re.compile(
    rb"^(?:\S*[#$] )?(?:/bin/)?(?:ba|da)?sh: .*: "
    rb"(?:(?:command )?not found|Permission denied|No such file or directory)$"
)
#: The question for a level, which ends a session without a terminal.
_QUESTION = b"Enter runlevel:"
#: Not sys.stdout and sys.stderr, which are None if they were closed at the start.
_STDOUT, _STDERR = 1, 2
#: Serializes writes of two streams to a terminal, as parts of two escape sequences could form a third one.
_WHOLE = threading.Lock()


class Outcome(NamedTuple):
    """The exit status, and a message for the user."""

    status: int
    text: str


class Settings(NamedTuple):
    """The settings of a session.

    level    to boot into, or ""
    command  for sh, to be run when the boot has settled; with it the session is not interactive
    timeout  in seconds; 0: none
    console  the descriptor that gets the output of the console
    raw      whether output is not filtered
    lenient  whether entries may fail
    """

    level: str = ""
    command: str = ""
    timeout: float = 0
    console: int = _STDOUT
    raw: bool = False
    lenient: bool = False


class Output:
    """One of the user's streams, with a filter for output from inside."""

    def __init__(self, fd: int, *, raw: bool, newlines: bool) -> None:
        self.fd = fd
        self.closed = False
        self.size = 0
        self._screen = None if raw else Screen()
        self._newlines = newlines  # remove carriage returns, as it is not a terminal

    def write(self, part: bytes) -> None:
        """Write output, filtered."""
        self.size += len(part)
        self._write(self._screen.feed(part) if self._screen else part)

    def reset(self) -> None:
        """Reset the modes of a terminal."""
        self._write(self._screen.reset() if self._screen else RAW_RESET * os.isatty(self.fd))

    def _write(self, rest: bytes) -> None:
        rest = rest.replace(b"\r", b"") if self._newlines else rest
        try:
            with _WHOLE:
                while rest:
                    rest = rest[os.write(self.fd, rest) :]
        except OSError:
            self.closed = True


class Session:
    """Boots ``files`` (an inittab and its inittab.d) with ``init``, and follows it to its end.

    ``options`` are Sandbox's.
    """

    def __init__(
        self, init: Content, files: Mapping[str, Content], settings: Settings, **options: Any
    ) -> None:
        self._settings = settings
        self.limit_time(settings.timeout)
        #: Whether the sandbox gets the user's terminal.
        self.interactive = (
            not settings.command and settings.console == _STDOUT and sys.stdin is not None
            and sys.stdin.isatty() and os.isatty(_STDOUT)
        )  # fmt: skip
        self._console = Output(settings.console, raw=settings.raw, newlines=not self.interactive)
        self._streams: dict[int, Output] = {}  # of the command, by the descriptors that they are read from
        self._started = False
        self._parent = os.getppid()
        self._line = b""  # an incomplete line of the console
        self._failures: list[str] = []
        environment = {"HOME": "/", "TERM": os.environ.get("TERM", "linux")}
        given = {"environment": environment, "arguments": [settings.level] if settings.level else []}
        options = {"confined": True, "memory": MEMORY, "pids": PIDS, **given, **options}
        self._is_container = options.get("engine", False)
        console = self.interactive or not self._is_container
        self._sandbox = Sandbox(init, None, files=files, console=console, listener=self._show, **options)

    def limit_time(self, timeout: float) -> None:
        """Set the timeout in seconds from now; 0: none."""
        self._ends_at = time.monotonic() + timeout if timeout else float("inf")

    def run(self) -> Outcome:
        """Run the session. Raises NamespaceError."""
        try:
            with self._sandbox as sandbox:
                if not self.interactive:
                    outcome = self._follow()
                else:
                    with terminal.connected(sandbox.console):
                        outcome = self._follow()
        finally:
            while self._streams:  # all writers have ended
                self._copy(None)
            self._console.reset()
        if outcome.status == OK and self._failures:
            told = "; ".join(dict.fromkeys(self._failures))
            outcome = Outcome(OK if self._settings.lenient else FAILED, f"{outcome.text}; but: {told}")
        return outcome

    @property
    def last_lines(self) -> str:
        """The last lines on the console."""
        lines = self._sandbox.console.said.decode(errors="replace").split("\n")
        return "\n".join(printable(line.strip("\r")) for line in lines[-20:])

    def kill(self, number: int) -> None:
        """Send PID 1 a signal; exit if it was not started yet."""
        if not self._sandbox.kill(number):
            sys.exit(128 + number)

    def _follow(self) -> Outcome:
        """Pass on output until there is a reason to end the session."""
        for fd, target in zip(self._sandbox.streams, (_STDOUT, _STDERR), strict=False):
            self._streams[fd] = Output(target, raw=self._settings.raw, newlines=False)
        watch = Watch(self._sandbox)
        while not (outcome := self._outcome(watch)):
            if not self.interactive:
                self._copy(TICK)
            elif not terminal.pass_keys(self._sandbox.console, TICK):
                return Outcome(OK, "left")
        return outcome

    def _outcome(self, watch: Watch) -> Outcome | None:
        if end := self._sandbox.end:
            if self._is_container:
                return Outcome(end.code, str(end))
            return Outcome(OK if end.halted or end.restarted else DIED, str(end))
        with suppress(TimeoutError):  # then nothing has changed
            watch.look()
        if watch.nothing_left and not self._is_container:
            return Outcome(OK, f"runlevel {watch.level}, and nothing is left that could halt: ended")
        if time.monotonic() > self._ends_at:
            running = ", ".join(f"{process.pid} {printable(process.title)}" for process in watch.processes)
            return Outcome(TIMEOUT, f"timeout; running: {running}")
        outputs = (self._console, *self._streams.values())
        if any(output.closed for output in outputs):
            return Outcome(128 + signal.SIGPIPE, "standard output is closed")
        if not self.interactive and sum(output.size for output in outputs) > MAX_OUTPUT:
            return Outcome(TIMEOUT, f"more than {MAX_OUTPUT >> 20} MiB of output")
        if os.getppid() != self._parent:
            return Outcome(DIED, "what had started this is gone: ended")
        return None if self.interactive or self._is_container else self._proceed(watch)

    def _proceed(self, watch: Watch) -> Outcome | None:
        """Run the command once the boot has settled; the session ends when its effects have settled, too."""
        if watch.at_rest and self._line.lstrip().startswith(_QUESTION):
            return Outcome(FAILED, "init asks for a runlevel: the inittab names none that can be entered")
        command = self._settings.command
        if command and not self._started:
            if watch.settled:
                self._started = True
                for fd, target in zip(self._sandbox.command(command), (_STDOUT, _STDERR), strict=True):
                    self._streams[fd] = Output(target, raw=self._settings.raw, newlines=False)
                watch.restart()
            return None
        status = self._sandbox.command_status if self._started else 0
        if status is None:
            watch.restart()
            return None
        if not watch.settled:
            return None
        if status:
            return Outcome(status if status > 0 else 128 - status, f"{printable(command)}: status {status}")
        return Outcome(OK, f"settled in runlevel {watch.level}")

    def _copy(self, patience: float | None) -> None:
        """Pass on the output of the command, and wait for it up to ``patience`` seconds."""
        for fd in select.select([*self._streams], [], [], patience)[0]:
            if part := os.read(fd, 1 << 16):
                self._streams[fd].write(part)
            else:
                self._streams.pop(fd).reset()
                os.close(fd)

    def _show(self, part: bytes) -> None:
        """Pass on the output of the console, and note which entries have failed."""
        self._console.write(part)
        *lines, self._line = (self._line + part).split(b"\n")
        self._line = self._line[-1024:]
        for line in lines:
            line = line.strip(b"\r")[-1024:]
            failed = _FAILURE.search(line) or (not self.interactive and _SHELL_FAILURE.search(line))
            if failed and len(self._failures) < MAX_TOLD:
                self._failures.append(line.decode(errors="replace"))


def boot_root(root: Path, inittab: Mapping[str, Content], init: Content, timeout: float) -> Outcome:
    """Boot a root file system with ``init`` until it has settled; return the outcome, and show nothing.

    ``inittab``: its files, as they were checked; ``timeout`` in seconds. The root is not changed. Raises
    NamespaceError if no sandbox can be made.
    """
    root = root.resolve(strict=True)
    nowhere = os.open("/dev/null", os.O_WRONLY)
    try:
        session = Session(init, inittab, Settings(timeout=timeout, console=nowhere), system=str(root))
        outcome = session.run()
    finally:
        os.close(nowhere)
    if outcome.status == OK:
        return outcome
    return Outcome(outcome.status, f"{outcome.text}\n{session.last_lines}".rstrip())
