"""Sandbox: an init as PID 1 of its own namespaces, seen from outside."""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import IO, Any, Self

from sysvinit_py.tools.sandbox.console import Console
from sysvinit_py.tools.sandbox.kernel import BEYOND_NAMESPACES
from sysvinit_py.tools.sandbox.refusal import NamespaceError

HERE = Path(__file__).parent

#: Text and bytes are the content (executable if they begin with ``#!``), a Path is copied with its mode.
Content = str | bytes | Path

#: What the kernel gives init.
KERNEL_ENVIRONMENT = {"HOME": "/", "TERM": "linux"}
COMMAND_ENVIRONMENT = {
    "PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "HOME": "/root", "SHELL": "/bin/sh", "TERM": "linux",
    "LC_ALL": "C",
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
    "/sbin/shutdown": "halt",
    "/sbin/poweroff": "halt",
    "/sbin/reboot": "halt",
}

#: Namespaces by their names in /proc/PID/ns and nsenter(1)'s options.
NSENTER = {
    "user": "--user", "mnt": "--mount", "uts": "--uts", "ipc": "--ipc", "net": "--net", "pid": "--pid",
    "cgroup": "--cgroup",
}  # fmt: skip


@dataclass(frozen=True)
class End:
    """How PID 1 ended; inside a PID namespace reboot(2) ends it by a signal that tells what was asked for."""

    status: int  # as from wait(2)

    @property
    def signal(self) -> int:
        """The signal that ended it, or 0."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

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
    def read(cls, folder: Path) -> Process:
        """Read /proc/PID."""
        before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        pid, _, name = before.partition(" (")
        state, *numbers = after.split()
        ppid, pgid, sid, tty, tpgid = map(int, numbers[:5])
        title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").strip().decode(errors="replace")
        return cls(int(pid), name, state, ppid, pgid, sid, tty, tpgid, title)


class Sandbox:
    """Boots ``init`` with ``inittab`` as PID 1 of its own namespaces, with or without root.

    init         the program; it becomes /sbin/init, and /sbin/telinit a link to it
    inittab      what /etc/inittab holds; None: there is none
    files        more files by their paths inside, instead of FILES; None: there is no such file
    arguments    what the kernel's command line would hand to init
    environment  the same for its environment
    console      whether there is a /dev/console
    confined     whether root inside has no rights outside, even if started by root; otherwise it is root
                 outside too then, and can do some more, such as taking a terminal from another session
    listener     given each part of what is said on the console, on another thread
    before       called with the sandbox when the root is there, but PID 1 has not become init yet

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
        confined: bool = False,
        listener: Callable[[bytes], object] | None = None,
        before: Callable[[Sandbox], object] | None = None,
    ) -> None:
        wanted = {**FILES, "/sbin/init": init, "/etc/inittab": inittab, **(files or {})}
        self._files = {path: _read(content) for path, content in wanted.items() if content is not None}
        self.pid = 0  # of PID 1, outside
        self._arguments = list(arguments)
        self._environment = dict(environment)
        self._has_console = console
        self._confined = confined
        self._listener = listener
        self._before = before
        self._end: End | None = None

    def __enter__(self) -> Self:
        self.console = Console(self._listener)
        stage = [sys.executable, "-ISB", str(HERE / "stage.py")]
        self._keeper = Popen(stage, stdin=PIPE, stdout=PIPE, start_new_session=True, bufsize=0)
        self._root = self._pidfd = -1
        self._lines = b""
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
        if not self._stdin.closed:
            with self._keeper:  # closes both pipes, on which the keeper ends it all, and waits
                pass
            self.console.close()
            for fd in (self._root, self._pidfd):
                if fd >= 0:
                    os.close(fd)

    # Looking and reaching inside

    def path(self, inside: str) -> Path:
        """A path by which this process, and no other, reaches the file ``inside``; also after PID 1's end."""
        return Path(f"/proc/{os.getpid()}/fd/{self._root}/{inside.lstrip('/')}")

    def write(self, inside: str, content: Content) -> None:
        """Make a file inside, or replace its content; not in a confined sandbox, where we have no say."""
        file = self.path(inside)
        file.parent.mkdir(parents=True, exist_ok=True)
        mode, data = _read(content)
        file.write_bytes(data)
        file.chmod(mode)

    def processes(self) -> list[Process]:
        """All processes inside, zombies too, by pid; none after the end."""
        found = []
        for folder in self.path("/proc").glob("[1-9]*"):
            try:
                found.append(Process.read(folder))
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has ended meanwhile
        return sorted(found, key=lambda process: process.pid)

    def signal(self, number: int) -> None:
        """Send PID 1 a signal; only one that it handles, SIGKILL or SIGSTOP arrives: pid_namespaces(7)."""
        signal.pidfd_send_signal(self._pidfd, number)

    def start(self, command: Sequence[str], **options: Any) -> Popen[Any]:
        """Start a command inside, as root, in no runlevel and on no terminal; ``options`` are Popen's."""
        namespaces = [
            option for name, option in NSENTER.items()
            if os.stat(f"/proc/{self.pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino
        ]  # fmt: skip
        # Users who are not root have no other id inside than the one they come with: root's.
        users = ["--setuid=0", "--setgid=0"] if os.geteuid() == 0 else ["--preserve-credentials"]
        limits = ["setpriv", "--bounding-set=" + ",".join(f"-{name}" for name in BEYOND_NAMESPACES)]
        enter = ["nsenter", f"--target={self.pid}", *namespaces, *users, "--", *limits, "--"]
        return Popen([*enter, *command], **{"env": COMMAND_ENVIRONMENT, **options})

    def run(self, command: Sequence[str], timeout: float = 10, **options: Any) -> CompletedProcess[str]:
        """Run a command inside and wait for it; what it says is in the result, as text."""
        options = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, "text": True, **options}
        with self.start(command, **options) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except TimeoutExpired:
                process.kill()
                raise
        return CompletedProcess(list(command), process.returncode, stdout, stderr)

    def wait_end(self, timeout: float = 10) -> End:
        """Wait until PID 1 has ended; raises TimeoutError."""
        if not self._end:
            try:
                self._end = End(int(self._listen(timeout).removeprefix("ended ")))
            except EOFError:  # then PID 1 has been killed with its keeper
                self._end = End(signal.SIGKILL)
        return self._end

    @property
    def end(self) -> End | None:
        """How PID 1 has ended, if it has."""
        try:
            return self.wait_end(0)
        except TimeoutError:
            return None

    # The beginning

    def _start(self) -> None:
        plan = {
            "arguments": self._arguments,
            "environment": self._environment,
            "console": self.console.name if self._has_console else "",
            "confined": self._confined,
            "files": self._files,
            "links": {path: target for path, target in SYMLINKS.items() if path not in self._files},
        }
        self._stdin.write(marshal.dumps(plan))
        self.pid = int(self._listen(10).removeprefix("ready "))
        self._pidfd = os.pidfd_open(self.pid)
        self._root = os.open(f"/proc/{self.pid}/root", os.O_PATH | os.O_DIRECTORY)
        if self._before:
            self._before(self)
        self._stdin.write(b"g")
        self._listen(10)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._keeper.stdin
        return self._keeper.stdin

    def _listen(self, timeout: float) -> str:
        """Return the keeper's next line."""
        assert self._keeper.stdout
        end = time.monotonic() + timeout
        while b"\n" not in self._lines:
            if not select.select([self._keeper.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"nothing came from PID 1's keeper within {timeout} s")
            part = self._keeper.stdout.read(4096)
            if not part:
                raise EOFError("PID 1's keeper is gone")
            self._lines += part
        line, _, self._lines = self._lines.partition(b"\n")
        if line.startswith(b"refused "):
            _, errno, call = os.fsdecode(line).split(" ", 2)
            raise NamespaceError(call, int(errno))
        return os.fsdecode(line)


def _read(content: Content) -> tuple[int, bytes]:
    """Return a file's mode and bytes."""
    if isinstance(content, Path):
        return content.stat().st_mode & 0o777, content.read_bytes()
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return 0o755 if data.startswith(b"#!") else 0o644, data
