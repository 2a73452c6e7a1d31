"""A kernel that is none: files, processes, signals and time in a few tables; every call can be made to fail.

A *life* is a script over virtual time. It runs in a process of its own (``live``), as PID 1 never returns:
re-execution is a call of ``main`` from within ``execve``, and the end of the script ends the process.
"""

from __future__ import annotations

import errno
import marshal
import os
import posix
import stat
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType, SimpleNamespace
from typing import Any, NoReturn

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source, load
from sysvinit_py.inittab.wire import encode
from sysvinit_py.linux import calls
from sysvinit_py.pid1 import sysv
from sysvinit_py.pid1.inputs import reader
from sysvinit_py.pid1.outputs.capture import LOGGER_OPTION

SIGNAL_SIZE = 128
LOGGER = "logger"
SIGCHLD = 17
CLOEXEC = 0o2000000
#: A life that makes so many calls turns in circles.
MOST_CALLS = 20_000

#: Which seam name has which failing part, where it is an object's method.
METHODS = {"socket": ("connect", "send"), "poll": ("poll",)}


class File:
    """Anything open: its bytes, and what kind of thing it is."""

    def __init__(self, kind: str, data: bytearray | None = None, inode: int = 0) -> None:
        self.kind = kind
        self.data = bytearray() if data is None else data
        self.inode = inode
        self.path = ""  # of a folder
        self.both_ends = False  # of a pipe, in one descriptor


class Descriptor:
    def __init__(self, file: File, cloexec: bool = True) -> None:
        self.file = file
        self.offset = 0
        self.cloexec = cloexec


class Process:
    def __init__(self, pid: int, command: str, ends: float, status: int = 0) -> None:
        self.pid = pid
        self.command = command
        self.ends = ends
        self.status = status
        self.zombie_since: float | None = None


class Kernel:
    """The calls of sysvinit_py.linux.calls, by the same names."""

    def __init__(self, inittab: bytes, script: Iterable[tuple[float, Callable[[Kernel], None]]]) -> None:
        self.now = 100.0  # since the boot
        self.wall_clock = 1.8e9  # seconds more than that
        self.inittab = inittab
        self.script = sorted(
            ((100.0 + when, n, act) for n, (when, act) in enumerate(script)), key=lambda s: s[:2]
        )
        self.calls: Counter[str] = Counter()
        self.places: dict[str, dict[str, list[int]]] = {}  # call → line of PID 1 → which calls it makes
        self.faults: dict[tuple[str, int], int] = {}
        self.tripped: list[tuple[str, int]] = []
        self.console = bytearray()
        self.typed = bytearray()
        self.parser_is_broken = self.no_processes = False
        self.mounted = False  # something was, and poll(2) has not told it yet
        self.arguments = ["init"]
        self.log: list[str] = []
        self.processes: dict[int, Process] = {}
        self.last_pid = 1
        self.left_behind: set[int] = set()  # groups of which a zombie is left whose parent does not reap it
        self.signals: set[int] = set()
        self.started: list[str] = []
        self.longest_zombie = 0.0
        self.executions = 0
        self.rebooted: list[int] = []
        self._inodes = 10
        self.files: dict[str, File] = {
            "/dev/console": File("tty", self.console), "/dev/null": File("null"), "/dev/tty0": File("tty"),
            "/run": File("folder"),
            "/run/utmp": self._regular(), "/var/log/wtmp": self._regular(), "/dev/kmsg": File("kmsg"),
            "/proc/self/mountinfo": File("mounts"), "/proc/cmdline": self._regular(b"quiet"),
            "/proc/self/stat": self._regular(b"1 (init) " + b" ".join(b"%d" % n for n in range(3, 60))),
            "/proc/1/stat": self._regular(b"1 (init) S 0 1 " + b"1 " * 40),
            "/proc/self/mem": self._regular(bytes(100)), "/sbin/init": self._regular(b"#! sysvinit_py"),
        }  # fmt: skip
        self.descriptors: dict[int, Descriptor] = {}
        self.finish: Callable[[], NoReturn] = self._no_finish

    def _no_finish(self) -> NoReturn:
        raise AssertionError

    def _regular(self, data: bytes = b"") -> File:
        self._inodes += 1
        return File("file", bytearray(data), self._inodes)

    # Faults.

    def call(self, name: str) -> None:
        """Count the call, and fail if it is its turn."""
        self.calls[name] += 1
        self.places.setdefault(name, {}).setdefault(_caller(), []).append(self.calls[name])
        if sum(self.calls.values()) > MOST_CALLS:
            self.log.append("turns in circles")
            self.finish()
        number = self.faults.get((name, self.calls[name])) or self.faults.get((name, 0), 0)
        if number:
            self.tripped.append((name, number))
            raise OSError(number, os.strerror(number))

    # Time.

    def pass_time(self, until: float) -> None:
        """Let happen what happens until then."""
        while True:
            ends = min(
                (p for p in self.processes.values() if p.zombie_since is None),
                key=lambda p: p.ends,
                default=None,
            )
            next_end = ends.ends if ends else float("inf")
            next_act = self.script[0][0] if self.script else float("inf")
            if min(next_end, next_act) > until:
                break
            self.now = max(self.now, min(next_end, next_act))
            if ends and next_end <= next_act:
                self.end(ends)
            else:
                self.script.pop(0)[2](self)
        self.now = max(self.now, until)

    def next_happening(self) -> float:
        ends = [p.ends for p in self.processes.values() if p.zombie_since is None]
        return min([*ends, *(when for when, _, _ in self.script[:1])], default=float("inf"))

    def end(self, process: Process, status: int | None = None) -> None:
        if process.zombie_since is None:
            process.zombie_since = self.now
            process.status = process.status if status is None else status
            self.signals.add(SIGCHLD)

    def make_process(self, command: str, life: float, status: int = 0) -> int:
        self.last_pid += 1
        self.processes[self.last_pid] = Process(self.last_pid, command, self.now + life, status)
        return self.last_pid

    def running(self, command: str) -> list[Process]:
        return [p for p in self.processes.values() if p.command == command and p.zombie_since is None]

    def request(self, data: bytes) -> None:
        if "/run/initctl" in self.files:
            self.files["/run/initctl"].data += data
        else:
            self.log.append("no FIFO to write to")

    def disturb(self, path: str, file: File | None) -> None:
        """Put something else, or nothing, in the place of a file that is watched."""
        self.files.pop(path)
        if file:
            self.files[path] = file
        self.notify()

    def notify(self) -> None:
        """Something has changed that is watched."""
        for descriptor in self.descriptors.values():
            if descriptor.file.kind == "inotify":
                descriptor.file.data += b"!"

    # Files.

    def _new(self, file: File, cloexec: bool = True) -> int:
        fd = next(n for n in range(1024) if n not in self.descriptors)
        self.descriptors[fd] = Descriptor(file, cloexec)
        return fd

    def put(self, fd: int, file: File) -> None:
        """Have a descriptor open that nobody has opened here."""
        self.descriptors[fd] = Descriptor(file, cloexec=False)

    def _at(self, fd: int) -> Descriptor:
        try:
            return self.descriptors[fd]
        except KeyError:
            raise OSError(errno.EBADF, "EBADF") from None

    def _path(self, path: str, dir_fd: int | None) -> str:
        return path if dir_fd is None else f"{self._at(dir_fd).file.path}/{path}"

    def open(self, path: str, flags: int, mode: int = 0, *, dir_fd: int | None = None) -> int:
        self.call("open")
        path = self._path(path, dir_fd)
        if path.startswith("/proc/self/fd/"):
            pipe = self._at(int(path.rpartition("/")[2])).file
            pipe.both_ends = True
            return self._new(pipe)
        if flags & 0o200 and path in self.files:
            raise OSError(errno.EEXIST, "EEXIST")
        if path not in self.files:
            if not flags & 0o100:
                raise OSError(errno.ENOENT, "ENOENT")
            self.files[path] = self._regular()
        file = self.files[path]
        if flags & 0o1000 and file.kind == "file":
            file.data.clear()
        fd = self._new(file)
        if flags & 0o2000:
            self.descriptors[fd].offset = len(file.data)
        return fd

    def close(self, fd: int) -> None:
        self.calls["close"] += 1
        self.descriptors.pop(fd, None)

    def read(self, fd: int, size: int) -> bytes:
        self.call("read")
        descriptor = self._at(fd)
        file = descriptor.file
        if file.kind == "file":
            data = bytes(file.data[descriptor.offset : descriptor.offset + size])
            descriptor.offset += len(data)
            return data
        if file.kind == "signals":
            if not self.signals:
                raise BlockingIOError(errno.EAGAIN, "EAGAIN")
            data = b"".join(
                n.to_bytes(4, sys.byteorder).ljust(SIGNAL_SIZE, b"\0") for n in sorted(self.signals)
            )
            self.signals.clear()
            return data
        if file.kind == "tty" and self.typed:
            data = bytes(self.typed[:size])
            del self.typed[:size]
            return data.replace(b"\4", b"")
        if file.kind in ("pipe", "fifo", "inotify"):
            if not file.data and (file.kind == "fifo" or self._writers(file)):
                raise BlockingIOError(errno.EAGAIN, "EAGAIN")
            data = bytes(file.data[:size])
            del file.data[:size]
            return data
        if file.kind == "null":
            return b""
        raise BlockingIOError(errno.EAGAIN, "EAGAIN")

    def _writers(self, file: File) -> bool:
        return False  # children have ended when they have written

    def is_ready(self, pipe: File) -> bool:
        """Whether poll(2) says so: a child's answer comes whole, when it has ended."""
        return bool(pipe.data) or not (pipe.both_ends or self.running("reader"))

    def write(self, fd: int, data: bytes) -> int:
        self.call("write")
        descriptor = self._at(fd)
        if descriptor.file.kind == "file":
            self._put(descriptor.file, descriptor.offset, data)
            descriptor.offset += len(data)
        elif descriptor.file.kind != "null":
            descriptor.file.data += data
        return len(data)

    def _put(self, file: File, offset: int, data: bytes) -> None:
        file.data[offset:] = bytes(file.data[offset:]).ljust(0)
        if len(file.data) < offset:
            file.data += bytes(offset - len(file.data))
        file.data[offset : offset + len(data)] = data

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        self.call("pread")
        return bytes(self._at(fd).file.data[offset : offset + size])

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        self.call("pwrite")
        if self._at(fd).file.kind == "broken":
            raise OSError(errno.EIO, "EIO")
        self._put(self._at(fd).file, offset, data)
        return len(data)

    def lseek(self, fd: int, offset: int, whence: int) -> int:
        self.call("lseek")
        self._at(fd).offset = offset
        return offset

    def ftruncate(self, fd: int, size: int) -> None:
        self.call("ftruncate")
        del self._at(fd).file.data[size:]

    def _status(self, file: File) -> SimpleNamespace:
        kinds = {"file": stat.S_IFREG, "fifo": stat.S_IFIFO, "pipe": stat.S_IFIFO, "folder": stat.S_IFDIR}
        mode = kinds.get(file.kind, stat.S_IFCHR) | 0o600
        return SimpleNamespace(st_mode=mode, st_uid=0, st_size=len(file.data), st_dev=1, st_ino=file.inode)

    def fstat(self, fd: int) -> SimpleNamespace:
        self.call("fstat")
        return self._status(self._at(fd).file)

    def stat(self, path: str, **_: object) -> SimpleNamespace:
        self.call("stat")
        if path not in self.files:
            raise OSError(errno.ENOENT, "ENOENT")
        return self._status(self.files[path])

    def readlink(self, path: str) -> str:
        self.call("readlink")
        raise OSError(errno.EINVAL if path in self.files else errno.ENOENT, "no link")

    def access(self, path: str, mode: int) -> bool:
        try:
            self.call("access")
        except OSError:
            return False  # os.access(3) says nothing else
        return path in self.files

    def mkfifo(self, path: str, mode: int = 0o666) -> None:
        self.call("mkfifo")
        if path in self.files:
            raise OSError(errno.EEXIST, "EEXIST")
        self._inodes += 1
        self.files[path] = File("fifo", inode=self._inodes)

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        self.call("mkdir")
        if path in self.files:
            raise OSError(errno.EEXIST, "EEXIST")
        self.files[path] = File("folder")
        self.files[path].path = path

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        self.call("unlink")
        if self.files.pop(self._path(path, dir_fd), None) is None:
            raise OSError(errno.ENOENT, "ENOENT")

    def rename(self, path: str, new: str, *, dir_fd: int) -> None:
        self.call("rename")
        if self._path(path, dir_fd) not in self.files:
            raise OSError(errno.ENOENT, "ENOENT")
        self.files[self._path(new, dir_fd)] = self.files.pop(self._path(path, dir_fd))

    def memfd_create(self, name: str, flags: int) -> int:
        self.call("memfd_create")
        return self._new(self._regular())

    def pipe2(self, flags: int) -> tuple[int, int]:
        self.call("pipe2")
        self._inodes += 1
        pipe = File("pipe", inode=self._inodes)
        return self._new(pipe, bool(flags & CLOEXEC)), self._new(pipe, bool(flags & CLOEXEC))

    def dup2(self, fd: int, new: int, inheritable: bool = True) -> int:
        self.call("dup2")
        self.descriptors[new] = Descriptor(self._at(fd).file, not inheritable)
        return new

    def fcntl(self, fd: int, cmd: int, argument: int = 0) -> int:
        self.call("fcntl")
        descriptor = self._at(fd)
        if cmd == 1030:  # F_DUPFD_CLOEXEC
            new = next(n for n in range(argument, 1024) if n not in self.descriptors)
            self.descriptors[new] = Descriptor(descriptor.file)
            return new
        if cmd == 2:
            descriptor.cloexec = bool(argument)
        return 0

    def lockf(self, fd: int, cmd: int, *_: int) -> None:
        self.call("lockf")

    def ioctl(self, fd: int, *_: object) -> int:
        self.call("ioctl")
        return 0

    def tcgetattr(self, fd: int) -> list[Any]:
        self.call("tcgetattr")
        if self._at(fd).file.kind != "tty":
            raise OSError(errno.ENOTTY, "ENOTTY")
        return [0, 0, 0, 0, 0, 0, [b"\0"] * 32]

    def tcsetattr(self, fd: int, *_: object) -> None:
        self.call("tcsetattr")

    # Processes.

    def posix_spawn(self, path: str, argv: list[str], env: dict[str, str], **how: Any) -> int:
        self.call("posix_spawn")
        if self.no_processes:
            raise OSError(errno.EAGAIN, "EAGAIN")
        if path.startswith("/nowhere"):
            raise OSError(errno.ENOENT, "ENOENT")
        if argv[1:] == ["--probe"]:
            [(_, output, _)] = how["file_actions"]
            self.descriptors[output].file.data += b"it can start"
            return self.make_process("trial", 0.05)
        if argv[1:] == [LOGGER_OPTION]:
            return self.make_process(LOGGER, float("inf"))
        if reader.CHILD_OPTION in argv:
            (given, answer) = (fd for _, fd, number in how["file_actions"] if number in (0, 1))
            sources = bytes(self.descriptors[given].file.data)
            reading = encode(interpret(load(sources)))
            self.descriptors[answer].file.data += b"?" if self.parser_is_broken else reading
            return self.make_process("reader", 0.05)
        return self._entry(argv)

    def _entry(self, argv: list[str]) -> int:
        if argv[0] == "/bin/sh" and argv[1] != "-c":
            argv = argv[1:]  # by way of the shell, as it has no first line
        if argv[:2] == ["/bin/sh", "-c"]:
            argv = argv[2].removeprefix("exec ").replace('"', "").split()
        command = " ".join(argv)
        life = argv[2] if len(argv) > 2 and argv[0] == "/w" else "stay"
        self.started.append(argv[1] if argv[0] == "/w" else argv[0])
        return self.make_process(command, float("inf") if life == "stay" else float(life))

    def fork(self) -> int:
        self.call("fork")
        caller: FrameType = sys._getframe(1)
        if caller.f_code.co_name == "_start_writer":
            self.descriptors[caller.f_locals["write_end"]].file.data += caller.f_locals["state"]
            return self.make_process("writer", 0.1)
        while "argv" not in caller.f_locals:  # the leader's
            assert caller.f_back
            caller = caller.f_back
        return self._entry(caller.f_locals["argv"])

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        self.call("waitpid")
        if not self.processes:
            raise OSError(errno.ECHILD, "ECHILD")
        for process in self.processes.values():
            if process.zombie_since is not None and pid in (-1, process.pid):
                del self.processes[process.pid]
                self.longest_zombie = max(self.longest_zombie, self.now - process.zombie_since)
                if "LEAVES" in process.command:
                    self.left_behind.add(process.pid)
                return process.pid, process.status
        return 0, 0

    def waitid(self, which: int, pid: int, options: int) -> None:
        self.call("waitid")
        if pid not in self.processes:
            raise OSError(errno.ECHILD, "ECHILD")

    def getpid(self) -> int:
        self.call("getpid")
        return 1

    def geteuid(self) -> int:
        self.call("geteuid")
        return 0

    def listdir(self, path: str) -> list[str]:
        self.call("listdir")
        assert path == "/proc"
        zombies = {10_000 + group: f"Z 1 {group}" for group in self.left_behind}
        processes = {
            pid: f"{'S' if process.zombie_since is None else 'Z'} 1 {pid}"
            for pid, process in self.processes.items()
        }
        for pid, fields in (processes | zombies).items():
            self.files[f"/proc/{pid}/stat"] = self._regular(f"{pid} (w) {fields} {'1 ' * 40}".encode())
        return ["self", "cpuinfo", *map(str, [1, *processes, *zombies])]

    def kill(self, pid: int, number: int) -> None:
        self.call("kill")
        self._signal(pid, number)

    def killpg(self, group: int, number: int) -> None:
        self.call("killpg")
        if group not in self.left_behind:
            self._signal(group, number)

    def _signal(self, pid: int, number: int) -> None:
        targets = list(self.processes.values()) if pid == -1 else [p for p in [self.processes.get(pid)] if p]
        targets = [p for p in targets if p.zombie_since is None]
        if not targets:
            raise OSError(errno.ESRCH, "ESRCH")
        for process in targets:
            if number in (9, 15) and "HANGS" not in process.command:
                self.end(process, number)

    def execve(self, path: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        self.call("execve")
        self.executions += 1
        for fd in [fd for fd, descriptor in self.descriptors.items() if descriptor.cloexec]:
            del self.descriptors[fd]
        for number in [n for n in self.signals if n != SIGCHLD]:
            self.log.append(f"signal {number} stays pending")
        posix.environ.clear()
        posix.environ.update({os.fsencode(name): os.fsencode(value) for name, value in env.items()})
        self.main(argv)

    def main(self, argv: list[str]) -> NoReturn:
        sysv.main(["/sbin/init", *argv[1:]], "/sbin/init")
        raise AssertionError("init has returned")

    def setsid(self) -> None:
        self.call("setsid")

    def reboot(self, cmd: int) -> None:
        self.call("reboot")
        self.rebooted.append(cmd)

    def sync(self) -> None:
        self.call("sync")

    def chdir(self, path: str) -> None:
        self.call("chdir")

    def umask(self, mask: int) -> int:
        self.call("umask")
        return 0

    def uname(self) -> SimpleNamespace:
        self.call("uname")
        return SimpleNamespace(release="6")

    # Signals, waiting, time.

    def signal(self, number: int, action: object) -> None:
        self.call("signal")

    def pthread_sigmask(self, how: int, mask: Iterable[int]) -> set[int]:
        self.call("pthread_sigmask")
        return set()

    def signalfd(self, signals: Iterable[int], flags: int) -> int:
        self.call("signalfd")
        return self._new(File("signals"))

    def inotify_init1(self, flags: int) -> int:
        self.call("inotify_init1")
        return self._new(File("inotify"))

    def inotify_add_watch(self, fd: int, path: str, mask: int) -> int:
        self.call("inotify_add_watch")
        return 1

    def poll(self) -> Poll:
        return Poll(self)

    def clock_gettime(self, clock: int) -> float:
        self.call("clock_gettime")
        return self.now if clock == time.CLOCK_BOOTTIME else self.now + self.wall_clock

    def clock_gettime_ns(self, clock: int) -> int:
        self.call("clock_gettime_ns")
        return int((self.now + self.wall_clock) * 1e9)

    def sleep(self, seconds: float) -> None:
        self.call("sleep")
        self.pass_time(self.now + seconds)

    def socket(self, *_: int) -> Socket:
        self.call("socket")
        return Socket(self)

    def _exit(self, status: int) -> NoReturn:
        raise AssertionError("only children exit")

    # What only the init of a container calls.

    def getcwd(self) -> str:
        self.call("getcwd")
        return "/"

    def isatty(self, fd: int) -> bool:
        self.call("isatty")
        return False

    def tcsetpgrp(self, fd: int, group: int) -> None:
        self.call("tcsetpgrp")

    def take_terminal(self, fd: int, by_force: int) -> None:
        raise AssertionError("only in children")

    def strerror(self, number: int) -> str:
        return os.strerror(number)

    def chmod(self, path: str, mode: int) -> None:
        self.call("chmod")

    def fchmod(self, fd: int, mode: int) -> None:
        self.call("fchmod")

    def getpgid(self, pid: int) -> int:
        self.call("getpgid")
        if pid not in self.processes:
            raise OSError(errno.ESRCH, "ESRCH")
        return pid

    def set_wakeup_fd(self, fd: int, **_: object) -> int:
        self.call("set_wakeup_fd")
        return -1

    def become_subreaper(self) -> None:
        self.call("become_subreaper")

    def closerange(self, *_: object) -> None:
        raise AssertionError("only in children")


def _caller() -> str:
    """The line of PID 1 that makes a call."""
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    assert frame
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


class Poll:
    def __init__(self, calls: Kernel) -> None:
        self._kernel = calls
        self._registered: dict[int, int] = {}

    def register(self, fd: int, mask: int) -> None:
        self._registered[fd] = mask

    def _ready(self) -> list[tuple[int, int]]:
        calls, ready = self._kernel, []
        for fd, mask in self._registered.items():
            file = calls._at(fd).file
            if file.kind == "signals":
                is_ready = bool(calls.signals)
            elif file.kind == "tty":
                is_ready = bool(calls.typed) and mask == 1
            elif file.kind == "mounts":
                is_ready, calls.mounted = calls.mounted, False
            elif file.kind == "pipe":
                is_ready = calls.is_ready(file)
            else:
                is_ready = bool(file.data) and file.kind in ("fifo", "inotify")
            if is_ready or mask == 4:
                ready.append((fd, mask))
        return ready

    def poll(self, timeout: int | None = None) -> list[tuple[int, int]]:
        calls = self._kernel
        calls.call("poll")
        deadline = float("inf") if timeout is None else calls.now + timeout / 1000
        calls.pass_time(calls.now)
        while not (ready := self._ready()):
            happening = calls.next_happening()
            if happening > deadline:
                calls.pass_time(deadline)
                return []
            if happening == float("inf"):
                calls.log.append("waits forever")
                calls.finish()
            calls.pass_time(happening)
        return ready


class Socket:
    def __init__(self, calls: Kernel) -> None:
        self._kernel = calls

    def connect(self, path: str) -> None:
        self._kernel.call("socket.connect")

    def send(self, data: bytes) -> int:
        self._kernel.call("socket.send")
        self._kernel.log.append(data.decode().partition("init: ")[2])
        return len(data)

    def close(self) -> None:
        pass


def seam() -> list[str]:
    """Every name of the seam that is a call."""
    return [
        name for name, thing in vars(calls).items()
        if callable(thing) and (not name.startswith("_") or name == "_exit")
    ]  # fmt: skip


def of_services(*_: object, **__: object) -> NoReturn:
    """Stand in for a call that no init makes."""
    raise AssertionError("only what supervises services calls this")


def live(
    make: Callable[[], Kernel], prepare: Callable[[Kernel], None], judge: Callable[[Kernel], dict[str, Any]]
) -> dict[str, Any]:
    """Live a life in a process of its own; return what ``judge`` says of it at its end."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        _live(make, prepare, judge, write_end)
    os.close(write_end)
    with open(read_end, "rb") as result:
        data = result.read()
    _, status = os.waitpid(pid, 0)
    if status or not data:
        return {"problems": [f"PID 1 has ended: status {status}"]}
    judgement: dict[str, Any] = marshal.loads(data)
    return judgement


def _live(
    make: Callable[[], Kernel],
    prepare: Callable[[Kernel], None],
    judge: Callable[[Kernel], dict[str, Any]],
    write_end: int,
) -> NoReturn:
    try:
        fake = make()

        def finish() -> NoReturn:
            try:
                with open(write_end, "wb") as result:
                    result.write(marshal.dumps(judge(fake)))
                os._exit(0)
            except BaseException:  # PID 1 would catch it, and live on
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(3)

        fake.finish = finish
        for name in seam():
            setattr(calls, name, getattr(fake, name, of_services))
        setattr(reader, "gather", lambda: (Source("/etc/inittab", fake.inittab),))  # noqa: B010
        posix.environ.clear()
        prepare(fake)
        fake.main(fake.arguments)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(3)
