"""System: a sandbox with the witness in it, and the ways in which the world talks to an init."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import Any, NamedTuple

from sysvinit_py.linux.namespaces import BEYOND_NAMESPACES
from sysvinit_py.sandbox.sandbox import COMMAND_ENVIRONMENT, FILES, Sandbox
from tests.support.patience import PATIENCE
from tests.system.oracle import libraries
from tests.system.witness import Witness, program, wait_until

#: The root file system whose programs are used, such as another architecture's; empty: the machine's.
SYSTEM = os.environ.get("SYSVINIT_PY_SYSTEM", "")

#: A request on /run/initctl: magic, command, runlevel, seconds, data (behaviour/initctl#format).
INITCTL = struct.Struct("=iiii368s")
MAGIC = 0x03091969

#: A record of glibc's utmp, 384 bytes, and 400 on arm64 (utmp(5)).
IS_ARM64 = Path(SYSTEM, "lib/aarch64-linux-gnu").exists() if SYSTEM else os.uname().machine == "aarch64"
UTMP = struct.Struct(f"=h2xi32s4s32s256shh{'qqq4i24x' if IS_ARM64 else 'iii4i20x'}")
RUN_LVL, BOOT_TIME, INIT_PROCESS, LOGIN_PROCESS, DEAD_PROCESS = 1, 2, 5, 6, 8

#: Namespaces by their names in /proc/PID/ns and nsenter(1)'s options.
NSENTER = {
    "user": "--user", "mnt": "--mount", "uts": "--uts", "ipc": "--ipc", "net": "--net", "pid": "--pid",
    "cgroup": "--cgroup",
}  # fmt: skip


class Record(NamedTuple):
    """One of utmp's or wtmp's, texts without their padding."""

    type: int
    pid: int
    line: str
    id: str
    user: str
    host: str
    termination: int
    exit: int
    session: int
    seconds: int
    microseconds: int


class System(Sandbox):
    """A booted inittab whose entries run ``/w TAG [WORD ...]`` (witness.c): all of Sandbox's and this."""

    def __init__(self, init: Path, inittab: str | bytes | None, **options: Any) -> None:
        files = {**(FILES if SYSTEM else {}), **libraries(), "/w": program()}
        options["files"] = {**files, **(options.get("files") or {})}
        options.setdefault("system", SYSTEM)
        super().__init__(init, inittab, **options)

    def path(self, inside: str) -> Path:
        """Sandbox's; of a confined one too, as we trust what we run in it."""
        if len(self._fds) < 2:
            self._fds.append(os.open(f"/proc/{self.pid}/root", os.O_PATH | os.O_DIRECTORY))
        return super().path(inside)

    def signal(self, number: int) -> None:
        """Send PID 1 a signal; only one that it handles, SIGKILL or SIGSTOP arrives: pid_namespaces(7)."""
        signal.pidfd_send_signal(self._fds[0], number)

    def start(self, command: Sequence[str], **options: Any) -> Popen[Any]:
        """Start a command inside, as root, in no runlevel and on no terminal; ``options`` are Popen's.

        Not in a confined sandbox: it would begin with the caller's rights, terminal and descriptors.
        """
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
                stdout, stderr = process.communicate(timeout=timeout * PATIENCE)
            except TimeoutExpired:
                process.kill()
                raise
        return CompletedProcess(list(command), process.returncode, stdout, stderr)

    @property
    def witness(self) -> Witness:
        """What the entries' witnesses wrote down."""
        return Witness(self.path("/w.log"))

    @property
    def title(self) -> str:
        """PID 1's title: ``init boot``, ``init [2]``."""
        return self.path("/proc/1/cmdline").read_bytes().replace(b"\0", b" ").strip().decode()

    def wait_level(self, level: str, timeout: float = 5.0) -> None:
        """Wait until PID 1's title names the level. Its entries may not have been started yet."""
        wait_until(
            lambda: self.title == f"init [{level}]",
            lambda: f"title init [{level}]; but {self.title!r}, {self.witness}",
            timeout,
        )

    def wait_gone(self, pid: int, timeout: float = 5.0) -> None:
        """Wait until the process (numbered as inside) has ended and was reaped."""
        proc = self.path(f"/proc/{pid}")
        wait_until(lambda: not proc.exists(), lambda: f"end of {pid}; but {self.processes()}", timeout)

    def alive(self, pid: int) -> bool:
        """Whether there is such a process (numbered as inside) and it is no zombie."""
        return any(process.pid == pid and process.state != "Z" for process in self.processes())

    def telinit(self, *arguments: str, timeout: float = 10) -> CompletedProcess[str]:
        """Run the /sbin/telinit inside as soon as init reads requests; it must succeed."""
        self.wait_ready()
        done = self.run(["/sbin/telinit", *arguments], timeout)
        assert not done.returncode, done
        return done

    def send(self, request: bytes) -> None:
        """Write on /run/initctl in one write, from outside. Raises OSError (ENXIO) if nobody reads it."""
        fifo = os.open(self.path("/run/initctl"), os.O_WRONLY | os.O_NONBLOCK)
        try:
            assert os.write(fifo, request) == len(request)
        finally:
            os.close(fifo)

    def request(self, command: int, runlevel: str = "\0", seconds: int = 0, data: bytes = b"") -> None:
        """Send a request: 1 runlevel, 2 power fails, 3 fails now, 4 is back, 6 setenv."""
        self.send(INITCTL.pack(MAGIC, command, ord(runlevel), seconds, data))

    def wait_ready(self, timeout: float = 5.0) -> None:
        """Wait until init reads /run/initctl."""

        def read() -> bool:
            try:
                self.send(b"")
            except OSError:
                return False
            return True

        wait_until(read, lambda: f"a reader of /run/initctl; title {self.title!r}", timeout)

    def records(self, path: str = "/run/utmp") -> list[Record]:
        """All records of utmp, or of another file such as /var/log/wtmp."""
        records = []
        for fields in UTMP.iter_unpack(self.path(path).read_bytes()):
            plain: list[Any] = [
                field.rstrip(b"\0").decode(errors="surrogateescape") if isinstance(field, bytes) else field
                for field in fields
            ]
            records.append(Record(*plain[: len(Record._fields)]))
        return records
