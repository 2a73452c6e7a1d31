"""Sandbox: an init as PID 1 of its own namespaces, seen from outside."""

from __future__ import annotations

import marshal
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Self

from sysvinit_py.sandbox import cgroup
from sysvinit_py.sandbox.console import Console
from sysvinit_py.sandbox.refusal import NamespaceError

HERE = Path(__file__).parent

#: Text and bytes are the content (executable if they begin with ``#!``), a Path is copied with its mode.
Content = str | bytes | Path

#: What the kernel gives init.
KERNEL_ENVIRONMENT = {"HOME": "/", "TERM": "linux"}
COMMAND_ENVIRONMENT = {
    "PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "HOME": "/root", "SHELL": "/bin/sh", "TERM": "linux",
    "LC_ALL": "C",
}  # fmt: skip
#: What engines for containers give it if the image says nothing, but with our telinit before that of /usr.
ENGINE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/sbin:/usr/sbin:/usr/bin:/bin", "HOME": "/root",
}  # fmt: skip

FILES: Mapping[str, Content] = {
    "/etc/passwd": "root::0:0:root:/root:/bin/sh\nnobody:*:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "root:x:0:\ntty:x:5:\nutmp:x:43:\nnogroup:x:65534:\n",
    "/etc/hostname": "sandbox\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n",
    "/etc/profile": "PS1='sandbox# '\n",
    "/run/utmp": "",
    "/var/log/wtmp": "",
    "/sbin/halt": (HERE / "power.py").read_text(),
}
SYMLINKS = {
    "/sbin/telinit": "init",
    "/sbin/inittab": "init",
    "/sbin/shutdown": "halt",
    "/sbin/poweroff": "halt",
    "/sbin/reboot": "halt",
}

#: Of FILES those that are there even where the programs and their settings are another system's.
SYSTEM_FILES = ("/run/utmp", "/var/log/wtmp")


@dataclass(frozen=True)
class End:
    """How PID 1 ended; inside a PID namespace reboot(2) ends it by a signal that tells what was asked for."""

    status: int  # as from wait(2)

    @property
    def signal(self) -> int:
        """The signal that ended it, or 0."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    @property
    def code(self) -> int:
        """The exit status, as shells and engines count it."""
        return 128 + self.signal if self.signal else os.waitstatus_to_exitcode(self.status)

    def __str__(self) -> str:
        if not self.signal:
            return f"PID 1 exited with status {os.waitstatus_to_exitcode(self.status)}"
        reboot = {signal.SIGINT: "halted", signal.SIGHUP: "restarted"}
        return reboot.get(signal.Signals(self.signal), f"PID 1 was killed by signal {self.signal}")

    @property
    def halted(self) -> bool:
        """Halt or power-off was asked for."""
        return self.signal == signal.SIGINT

    @property
    def restarted(self) -> bool:
        """A restart was asked for."""
        return self.signal == signal.SIGHUP


@dataclass(frozen=True)
class Process:
    """A process inside, by the numbers of the inside: proc_pid_stat(5)."""

    pid: int
    name: str
    state: str  # R, S, D, Z, T ...
    ppid: int
    pgid: int
    sid: int
    tty: int
    tpgid: int
    title: str  # its command line

    @classmethod
    def parse(cls, cmdline: bytes, stat: bytes) -> Process:
        """Parse what /proc/PID has."""
        before, _, after = stat.decode(errors="replace").rpartition(")")
        pid, _, name = before.partition(" (")
        state, *numbers = after.split()
        ppid, pgid, sid, tty, tpgid = map(int, numbers[:5])
        title = cmdline.replace(b"\0", b" ").strip().decode(errors="replace")
        return cls(int(pid), name, state, ppid, pgid, sid, tty, tpgid, title)


class Sandbox:
    """Boots ``init`` with ``inittab`` as PID 1 of its own namespaces, with or without root.

    init         the program; it becomes /sbin/init, and /sbin/telinit and /sbin/inittab links to it
    inittab      what /etc/inittab holds; None: it does not exist
    files        more files by their paths inside, instead of FILES; None: there is no such file
    arguments    what the kernel's command line would hand to init
    environment  the same for its environment
    console      whether there is a /dev/console
    engine       whether init finds what an engine for containers gives it: the console as its controlling
                 terminal, or without one pipes for its output and its errors: ``streams``
    confined     whether what runs inside is not trusted: root inside is nobody outside, and has but the
                 capabilities that an init needs; otherwise, if started by root, it is root outside too
    listener     given each part of what is said on the console, on another thread
    before       called with the sandbox when the root is there, but PID 1 has not become init yet
    system       a root file system whose programs are used instead of the machine's, read-only
    binds        what else is shown inside, read-only: pairs of a path outside and one inside
    memory       how many bytes all that runs inside may take; 0: no limit
    pids         how many processes there may be; 0: no limit

    A context manager. Raises NamespaceError on entering; leaving ends all inside, and nothing stays.
    """

    def __init__(
        self,
        init: Content,
        inittab: str | bytes | None,
        *,
        files: Mapping[str, Content | None] | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] = KERNEL_ENVIRONMENT,
        console: bool = True,
        engine: bool = False,
        confined: bool = False,
        listener: Callable[[bytes], object] | None = None,
        before: Callable[[Sandbox], object] | None = None,
        system: str = "",
        binds: Sequence[tuple[str, str]] = (),
        memory: int = 0,
        pids: int = 0,
    ) -> None:
        own = {path: FILES[path] for path in SYSTEM_FILES} if system else FILES
        wanted = {**own, "/sbin/init": init, "/etc/inittab": inittab, **(files or {})}
        self._memory = memory
        self._plan = {
            "arguments": list(arguments), "environment": dict(environment), "confined": confined,
            "engine": engine, "command_environment": COMMAND_ENVIRONMENT,
            "files": {path: _read(content) for path, content in wanted.items() if content is not None},
            "links": {path: target for path, target in SYMLINKS.items()
                      if path not in wanted and (not system or target == "init")},
            "system": system, "binds": list(binds), "memory": memory, "pids": pids,
        }  # fmt: skip
        self.pid = 0  # of PID 1, outside
        self._has_console = console
        self.streams: tuple[int, ...] = ()  # init's output and errors are read from these
        self._fds: list[int] = []  # a pidfd of PID 1, and its root
        self._booted = False
        self._listener = listener
        self._before = before

    def __enter__(self) -> Self:
        self.console = Console(self._listener)
        self._group = cgroup.make(self._memory) if self._memory else ""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stage = [sys.executable, "-ISB", str(HERE / "stage.py"), str(theirs.fileno())]
        writers: tuple[int, ...] = ()
        if self._plan["engine"] and not self._has_console:
            self.streams, writers = _pipes()
        self._plan["streams"] = writers
        with theirs:
            self._keeper = Popen(
                stage, stdin=PIPE, stdout=DEVNULL, start_new_session=True,
                pass_fds=[theirs.fileno(), *writers],
            )  # fmt: skip
        for fd in writers:
            os.close(fd)
        self._ends: dict[bytes, int] = {}  # how (as from wait(2)) the command, PID 1 have ended
        self._some: list[tuple[bytes, bytes]] = []  # of the processes
        self._processes: list[Process] | None = None  # none: not yet told
        self._asked = False
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all that runs inside. The console's text, and what ``wait_end`` said, stay."""
        if self._control.fileno() >= 0:
            self._control.close()  # on which the keeper ends it all
            self._keeper.wait()
            if self._fds:  # the keeper may have been killed: then the kernel does so
                select.select(self._fds[:1], [], [], 10)
            self.console.close()
            for fd in self._fds:
                os.close(fd)
            if self._group:
                cgroup.remove(self._group)

    # Looking and reaching inside

    def path(self, inside: str) -> Path:
        """Return a path by which this process alone reaches the file ``inside``; also after PID 1's end.

        Not in a confined sandbox: whoever owns the names inside may have them lead anywhere.
        """
        return Path(f"/proc/{os.getpid()}/fd/{self._fds[1]}/{inside.lstrip('/')}")

    def write(self, inside: str, content: Content) -> None:
        """Make a file inside, or replace its content."""
        file = self.path(inside)
        file.parent.mkdir(parents=True, exist_ok=True)
        mode, data = _read(content)
        file.write_bytes(data)
        file.chmod(mode)

    def processes(self, timeout: float = 10) -> list[Process]:
        """Return all processes inside, zombies too, by pid; none after the end. Raises TimeoutError."""
        try:
            if not self._asked:
                self._processes = None
                self._control.send(b"p")
                self._asked = True
            self._receive(lambda: self._processes is not None, timeout)
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            return []
        self._asked = False
        return self._processes or []

    def command(self, command: str) -> tuple[int, int]:
        """Start a command inside by sh, once; return descriptors from which its output and errors are read.

        It gets pipes alone. What it has started may hold them longer than it lives.
        """
        read, write = _pipes()
        socket.send_fds(self._control, [b"c" + os.fsencode(command)], write)
        for fd in write:
            os.close(fd)
        return read

    @property
    def command_status(self) -> int | None:
        """The command's exit status, if it has ended; negative: of which signal it died."""
        self._hear()
        status = self._ends.get(b"c")
        return None if status is None else os.waitstatus_to_exitcode(status)

    def kill(self, number: int) -> bool:
        """Send init a signal, if it is still there; return whether it has been started."""
        if self._booted:
            with suppress(OSError):
                signal.pidfd_send_signal(self._fds[0], number)
        return self._booted

    def wait_end(self, timeout: float = 10) -> End:
        """Wait until PID 1 has ended; raises TimeoutError."""
        try:
            self._receive(lambda: b"e" in self._ends, timeout)
        except EOFError:  # one of the keepers was killed: the kernel kills PID 1, too
            select.select(self._fds[:1], [], [], 10)
            self._ends[b"e"] = signal.SIGKILL
        return End(self._ends[b"e"])

    @property
    def end(self) -> End | None:
        """How PID 1 has ended, if it has."""
        try:
            return self.wait_end(0)
        except TimeoutError:
            return None

    # The beginning

    def _start(self) -> None:
        plan = {**self._plan, "console": self.console.name if self._has_console else "", "group": self._group}
        assert self._keeper.stdin
        with self._keeper.stdin as stdin:
            stdin.write(marshal.dumps(plan))
        self._receive(lambda: bool(self._fds), 10)
        information = Path(f"/proc/self/fdinfo/{self._fds[0]}").read_text()
        self.pid = int(information.partition("\nPid:")[2].split()[0])
        if self._before:
            self._before(self)
        self._control.send(b"g")
        self._receive(lambda: self._booted, 10)

    def _hear(self) -> None:
        """Take in what has been told, if anything was."""
        try:
            self._receive(lambda: False, 0)
        except (TimeoutError, EOFError):
            pass

    def _receive(self, enough: Callable[[], bool], timeout: float) -> None:
        """Take in what the keepers tell until it is enough. Raises TimeoutError, EOFError, NamespaceError."""
        end = time.monotonic() + timeout
        while not enough():
            if not select.select([self._control], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"nothing came from PID 1's keeper within {timeout} s")
            try:
                packet, fds, *_ = socket.recv_fds(self._control, 1 << 17, 2)
            except ConnectionResetError:
                packet, fds = b"", []
            if not packet:
                raise EOFError("PID 1's keeper is gone")
            self._take(packet, fds)

    def _take(self, packet: bytes, fds: list[int]) -> None:
        letter, rest = packet[:1], packet[1:]
        if letter in b"pP":
            self._some += marshal.loads(rest)
            if letter == b"P":
                processes = [Process.parse(*seen) for seen in self._some]
                self._processes = sorted(processes, key=lambda process: process.pid)
                self._some = []
        elif letter in b"ce":
            self._ends[letter] = int(rest)
        elif packet == b"ready":
            self._fds = fds
        elif packet == b"booted":
            self._booted = True
        else:
            _, number, call = os.fsdecode(packet).split(" ", 2)
            raise NamespaceError(call, int(number))


def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the ends to read from of two pipes, for output and errors, and those to write to."""
    (read, write), (read_errors, write_errors) = os.pipe(), os.pipe()
    for fd in write, write_errors:
        os.fchmod(fd, 0o622)  # it is another user who opens /dev/stdout
    return (read, read_errors), (write, write_errors)


def _read(content: Content) -> tuple[int, bytes]:
    """Return a file's mode and bytes."""
    if isinstance(content, Path):
        return content.stat().st_mode & 0o777, content.read_bytes()
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return 0o755 if data.startswith(b"#!") else 0o644, data
