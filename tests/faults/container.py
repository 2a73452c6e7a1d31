"""A container on the fake kernel: set-up, services, a re-read, orphans, a daemon, and the stop."""

from __future__ import annotations

import errno
import posix
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from sysvinit_py.inittab.sources import Source
from sysvinit_py.pid1.container import main as container
from tests.faults.fake import File, Kernel, Process
from tests.faults.life import PASSING, change, kill, level, orphan, signal

INITTAB = b"""\
id:2:initdefault:
si::sysinit:/w SYSINIT 0.2
wa:2:wait:/w WAIT 0.1
sh:2:respawn:/w SHORT 10
# inittab: stop=QUIT
st:2:respawn:/w STAY stay
de:2:respawn:/w DEAF stay
on:2:once:/w ONCE 1 3
od:a:ondemand:/w DEMAND stay
c0:0:wait:/w CLEAN 0.1
"""
COMMAND = ("/w", "MAIN", "stay")
STOPPED, GRACE = 60.0, 2
#: What runs before the stop.
EXPECTED = [
    "/w DEAF stay", "/w DEMAND stay", "/w MAIN stay", "/w NEW stay", "/w SHORT 10", "/w STAY stay", "daemon",
]  # fmt: skip
#: SIGKILL to the deaf one; an error of our own that nothing heals.
KILLED, OWN_ERROR = 137, 70


class ContainerKernel(Kernel):
    """Pipes have writers, signals have handlers, and PID 1 may exit."""

    def __init__(
        self,
        inittab: bytes,
        script: Iterable[tuple[float, Callable[[Kernel], None]]],
        pid: int = 1,
        terminal: bool = False,
    ) -> None:
        self.handlers: dict[int, Callable[[int, None], None]] = {}
        self.wake: File | None = None
        self.write_ends: set[int] = set()
        self.holders: list[tuple[Process, set[int]]] = []  # with the pipes that they have open, by id()
        self.told: set[int] = set()
        self.exit_status: int | None = None
        self.before: list[str] = []  # what ran shortly before the stop
        self.pid, self.terminal = pid, terminal
        super().__init__(inittab, script)
        self.arguments = ["--grace", f"{GRACE}", "--", *COMMAND]
        is_deaf = b"DEAF" in inittab
        self.expected = [command for command in EXPECTED if is_deaf or "DEAF" not in command]
        self.expected_status = KILLED if is_deaf else 0
        self.out = File("log")
        for fd in (0, 1, 2):
            self.put(fd, self.out)

    def main(self, argv: list[str]) -> NoReturn:
        setattr(container, "gather", lambda: (Source("/etc/inittab", self.inittab),))  # noqa: B010
        posix.environ.update({b"PATH": b"/bin", b"A": b"1"})
        status = container.main(argv, "/sbin/init")()
        self._exit(status)

    def _exit(self, status: int) -> NoReturn:
        self.exit_status = status
        self.finish()

    # Signals.

    def signal(self, number: int, action: object) -> None:
        self.call("signal")
        if callable(action):
            self.handlers[number] = action

    def set_wakeup_fd(self, fd: int, **_: object) -> int:
        self.call("set_wakeup_fd")
        self.wake = self._at(fd).file
        return -1

    def pass_time(self, until: float) -> None:
        super().pass_time(until)
        for number in [number for number in self.signals if number in self.handlers]:
            self.signals.discard(number)
            if self.wake:
                self.wake.data += bytes([number])
            self.handlers[number](number, None)

    def _signal(self, pid: int, number: int) -> None:
        process = self.processes.get(pid)
        if process is None or process.zombie_since is not None:
            raise OSError(errno.ESRCH, "ESRCH")
        if number in (3, 9, 15):
            self.told.add(pid)
            if number == 9 or "DEAF" not in process.command:
                self.end(process, number)

    # Pipes.

    def pipe2(self, flags: int) -> tuple[int, int]:
        read_end, write_end = super().pipe2(flags)
        self.write_ends.add(write_end)
        return read_end, write_end

    def close(self, fd: int) -> None:
        super().close(fd)
        self.write_ends.discard(fd)

    def _writers(self, file: File) -> bool:
        own = any(self.descriptors[fd].file is file for fd in self.write_ends)
        return own or any(
            process.zombie_since is None and id(file) in pipes for process, pipes in self.holders
        )

    def is_ready(self, pipe: File) -> bool:
        return bool(pipe.data) or not self._writers(pipe)

    def posix_spawn(self, path: str, argv: list[str], env: dict[str, str], **how: Any) -> int:
        files = {number: self._at(fd).file for _, fd, number in how.get("file_actions", ())}
        pid = super().posix_spawn(path, argv, env, **how)
        process = self.processes[pid]
        if "--read-inittab" not in argv:
            assert env["A"] == "1"
            assert env["RUNLEVEL"]
            self.holders.append((process, {id(file) for file in files.values()}))
            if len(argv) > 3:
                process.status = int(argv[3]) << 8
            if files.get(1):
                files[1].data += f"{argv[1]} says {pid}\n".encode()
        return pid

    # /proc.

    def getpid(self) -> int:
        super().getpid()
        return self.pid

    def isatty(self, fd: int) -> bool:
        super().isatty(fd)
        return self.terminal and fd == 0

    def readlink(self, path: str) -> str:
        if path == "/proc/self/ns/pid":
            self.call("readlink")
            return "pid:[7]"
        return super().readlink(path)

    def listdir(self, path: str) -> list[str]:
        if not path.endswith("/task"):
            return super().listdir(path)
        self.call("listdir")
        process = path.split("/")[2]
        children = " ".join(map(str, self.processes)) if process == "self" else ""
        self.files[f"{path}/1/children"] = self._regular(children.encode())
        return ["1"]

    def waitid(self, which: int, pid: int, options: int) -> None:
        self.call("waitid")
        if not self.processes:
            raise OSError(errno.ECHILD, "ECHILD")


def daemon(kernel: Kernel) -> None:
    kernel.make_process("daemon", float("inf"))


def look(kernel: Kernel) -> None:
    """Note what runs: nothing was lost so far."""
    assert isinstance(kernel, ContainerKernel)
    kernel.before = sorted(p.command for p in kernel.processes.values() if p.zombie_since is None)


def too_late(kernel: Kernel) -> None:
    kernel.log.append("has not stopped")
    kernel.finish()


def script(*more: tuple[float, Any]) -> list[tuple[float, Any]]:
    return [
        (2, kill("/w STAY stay")), (3, orphan), (3.1, orphan), (4, daemon), (8, change_level_2),
        (8.1, signal(1)), (12, level("q")), (14, level("u")), (16, signal(10)), (18, level("a")),
        (25, kill("/w DEMAND stay")), (30, orphan), (STOPPED - 1, look), (STOPPED, signal(15)), *more,
        (STOPPED + 30, too_late),
    ]  # fmt: skip


def change_level_2(kernel: Kernel) -> None:
    change(kernel)
    kernel.inittab = kernel.inittab.replace(b"nw:3:", b"nw:2:")


def make() -> Kernel:
    return ContainerKernel(INITTAB, script())


def make_child() -> Kernel:
    """Not PID 1, and on a terminal; nobody is deaf."""
    gentle = b"".join(line for line in INITTAB.splitlines(keepends=True) if b"DEAF" not in line)
    return ContainerKernel(gentle, script(), pid=7, terminal=True)


def make_impatient() -> Kernel:
    """Somebody asks twice, in a container where output goes as it is and nothing is set up."""
    kernel = ContainerKernel(INITTAB, script((STOPPED + 1, signal(2))))
    kernel.arguments = ["--log=raw", "--", *COMMAND]
    return kernel


def make_throttled() -> Kernel:
    """A service crashes, and an inittab cannot be read again."""
    inittab = b"id:2:initdefault:\nok:2:respawn:/w STAY stay\ncr:2:respawn:/w CRASH 1 3\n"
    kernel = ContainerKernel(inittab, [(2, spoil), (2.1, signal(1)), (STOPPED, too_late)])
    kernel.arguments, kernel.expected, kernel.expected_status = [], [], 3
    return kernel


def make_done() -> Kernel:
    """All ends by itself; a command is not there."""
    inittab = b"id:2:initdefault:\na:2:once:/w A 1\nb:2:once:/nowhere/b\nc:2:once:/w C 2 5\n"
    kernel = ContainerKernel(inittab, [(1, short_daemon), (STOPPED, too_late)])
    kernel.arguments, kernel.expected, kernel.expected_status = [], [], 127
    return kernel


def spoil(kernel: Kernel) -> None:
    kernel.parser_is_broken = True
    kernel.inittab += b"not plain\n"


def short_daemon(kernel: Kernel) -> None:
    kernel.make_process("daemon", 3.0)


LIVES = (make, make_child, make_impatient, make_throttled, make_done)


def judge(kernel: Kernel) -> dict[str, Any]:
    """What is wrong at the end of the life; and what was counted."""
    assert isinstance(kernel, ContainerKernel)
    status, problems = kernel.exit_status, []
    ended = kernel.now - 100
    cannot_execute = any(name == "posix_spawn" and error not in PASSING for name, error in kernel.tripped)
    # A command that is not there, and a set-up that failed, end the container, and say so.
    statuses = {kernel.expected_status} | ({126, 127} if cannot_execute else set())
    gave_up = status == OWN_ERROR
    if status not in statuses and not gave_up:
        problems.append(f"status {status}")
    if ended < STOPPED and status == kernel.expected_status and kernel.expected:
        problems.append(f"ended at {ended}")
    if ended > STOPPED + GRACE + 1.6 and not gave_up:
        problems.append(f"took {ended - STOPPED} s")
    if not any(descriptor.file.kind == "fifo" for descriptor in kernel.descriptors.values()):
        kernel.expected = [command for command in kernel.expected if "DEMAND" not in command]  # unasked for
        kernel.before = [command for command in kernel.before if command in kernel.expected]
    lost = [command for command in kernel.expected if command not in kernel.before]
    if ended >= STOPPED and not gave_up:
        if kernel.before != kernel.expected and not cannot_execute:
            problems.append(f"ran: {kernel.before}")
        if "CLEAN" not in kernel.started and not cannot_execute and not kernel.expected_status:
            problems.append("has not cleaned up")
    alive = [p for p in kernel.processes.values() if p.zombie_since is None]
    problems += [f"left {p.command}" for p in alive]
    if kernel.longest_zombie > 1.5:
        problems.append(f"a zombie for {kernel.longest_zombie} s")
    if any(line in kernel.log for line in ("waits forever", "turns in circles", "has not stopped")):
        problems.append(f"log: {kernel.log[-3:]}")
    return {
        "problems": problems, "lost": len(lost) if problems else 0, "calls": dict(kernel.calls),
        "places": kernel.places, "tripped": kernel.tripped, "log": kernel.log, "started": kernel.started,
        "status": status, "ended": ended, "out": bytes(kernel.out.data),
    }  # fmt: skip
