# mypy: implicit-reexport
"""The system calls of PID 1, with their flags and constants. Nothing else in PID 1 calls the kernel.

Each has the name of its man page and no logic of its own, so that tests can replace it by one that fails. The
constants are the standard library's, as they differ between architectures: O_NOFOLLOW, SIGCHLD.
"""

from __future__ import annotations

import _socket  # and not socket, which imports enum and selectors
import fcntl as _fcntl
import posix as _posix  # and not os, which takes 2 ms to import
import select as _select
import time as _time
from _stat import S_IXUSR  # noqa: F401
from errno import ENOSYS
from fcntl import (  # noqa: F401
    DN_DELETE,
    DN_MULTISHOT,
    F_DUPFD_CLOEXEC,
    F_NOTIFY,
    F_SETFD,
    F_SETFL,
    F_SETPIPE_SZ,
    FD_CLOEXEC,
    LOCK_EX,
    LOCK_NB,
)
from posix import (  # noqa: F401
    MFD_CLOEXEC,
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    P_ALL,
    P_PID,
    POSIX_SPAWN_DUP2,
    POSIX_SPAWN_OPEN,
    R_OK,
    SCHED_OTHER,
    SCHED_RR,
    WEXITED,
    WNOHANG,
    WNOWAIT,
)  # fmt: skip
from select import POLLIN, POLLOUT, POLLPRI  # noqa: F401
from time import CLOCK_BOOTTIME, CLOCK_REALTIME  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any
else:
    import _signal  # and not signal, which imports enum and with it 4 ms and 1 MB

# Signals.
SIGHUP, SIGINT, SIGQUIT, SIGPIPE = _signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGPIPE
SIGKILL, SIGALRM, SIGTERM, SIGSTOP = _signal.SIGKILL, _signal.SIGALRM, _signal.SIGTERM, _signal.SIGSTOP
SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT = _signal.SIGUSR1, _signal.SIGUSR2, _signal.SIGCHLD, _signal.SIGCONT
SIGTSTP, SIGTTIN, SIGTTOU = _signal.SIGTSTP, _signal.SIGTTIN, _signal.SIGTTOU
SIGWINCH, SIGPWR, SIGRTMIN = _signal.SIGWINCH, _signal.SIGPWR, _signal.SIGRTMIN
SIGIO, SIGXFSZ = _signal.SIGIO, _signal.SIGXFSZ
SIG_DFL, SIG_IGN = _signal.SIG_DFL, _signal.SIG_IGN
SIG_BLOCK, SIG_SETMASK = _signal.SIG_BLOCK, _signal.SIG_SETMASK
#: All signals whose action can be set; glibc's own two are not among them.
SIGNALS = sorted(_signal.valid_signals() - {SIGKILL, SIGSTOP})

# Constants that are not in the standard library; they are the same on all architectures of Debian.
SEEK_SET = 0  # in os only
RB_DISABLE_CAD, RB_POWER_OFF, RB_AUTOBOOT = 0, 0x4321FEDC, 0x01234567
RB_ENABLE_CAD, RB_HALT_SYSTEM, RB_KEXEC = 0x89ABCDEF, 0xCDEF0123, 0x45584543
_RB_RESTART2, _MAGIC = 0xA1B2C3D4, (0xFEE1DEAD, 672274793)
_SYS_REBOOT = {
    "x86_64": 169, "aarch64": 142, "riscv64": 142, "i386": 88, "arm": 88, "powerpc64le": 88, "s390x": 88,
}  # fmt: skip
SIOCGIFFLAGS, SIOCSIFFLAGS, HDIO_DRIVE_CMD = 0x8913, 0x8914, 0x031F
IN_ATTRIB, IN_DELETE_SELF, IN_MOVE_SELF, IN_DONT_FOLLOW = 0x4, 0x400, 0x800, 0x2000000
IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
IN_ONLYDIR = 0x1000000
KDSIGACCEPT = 0x4B4E
IUTF8 = 0x4000
PR_SET_CHILD_SUBREAPER = 36
TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET = 1, 2
FIRST_PID_NAMESPACE = "pid:[4026531836]"  # /proc/self/ns/pid outside of all containers


def _bytes(text: str) -> bytes:
    """Encode text as init decodes it, in UTF-8, independent of the locale."""
    return text.encode("utf-8", "surrogateescape")


# Files.


def open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """Open a file (open(2), openat(2))."""
    return _posix.open(_bytes(path), flags, mode, dir_fd=dir_fd)


def rename(path: str, new: str, *, dir_fd: int) -> None:
    """Rename a file within a folder (renameat(2))."""
    _posix.rename(_bytes(path), _bytes(new), src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def stat(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> _posix.stat_result:
    """Return the status of a file (stat(2), fstatat(2))."""
    return _posix.stat(_bytes(path), dir_fd=dir_fd, follow_symlinks=follow_symlinks)


def readlink(path: str, *, dir_fd: int | None = None) -> str:
    """Return where a symbolic link points to (readlink(2), readlinkat(2))."""
    return _posix.readlink(_bytes(path), dir_fd=dir_fd).decode("utf-8", "surrogateescape")


def listdir(path: str) -> list[str]:
    """Return the names in a folder (readdir(3))."""
    return [name.decode("utf-8", "surrogateescape") for name in _posix.listdir(_bytes(path))]


read = _posix.read
write = _posix.write
pread = _posix.pread
pwrite = _posix.pwrite
ftruncate = _posix.ftruncate
chmod = _posix.chmod
fchmod = _posix.fchmod
fchown = _posix.fchown
fstat = _posix.fstat
access = _posix.access
mkdir = _posix.mkdir
mkfifo = _posix.mkfifo
unlink = _posix.unlink
lseek = _posix.lseek
memfd_create = _posix.memfd_create
pipe2 = _posix.pipe2
dup2 = _posix.dup2
closerange = _posix.closerange
chdir = _posix.chdir
fchdir = _posix.fchdir
getcwd = _posix.getcwd
umask = _posix.umask
uname = _posix.uname
fcntl = _fcntl.fcntl
lockf = _fcntl.lockf
flock = _fcntl.flock

# Processes.


def posix_spawn(path: str, argv: list[str], env: Mapping[Any, Any], **how: Any) -> int:
    """Start a program; return its pid once it has been executed (posix_spawn(3))."""
    return _posix.posix_spawn(_bytes(path), [*map(_bytes, argv)], _environment(env), **how)


def execve(path: str, argv: list[str], env: Mapping[str, str]) -> None:
    """Execute a program in this process (execve(2))."""
    _posix.execve(_bytes(path), [*map(_bytes, argv)], _environment(env))


def _environment(env: Mapping[Any, Any]) -> Mapping[bytes, bytes]:
    """Encode an environment, unless it consists of bytes."""
    if isinstance(next(iter(env), ""), bytes):
        return env
    return {  # not by _bytes(), as this is done at each start
        name.encode("utf-8", "surrogateescape"): value.encode("utf-8", "surrogateescape")
        for name, value in env.items()
    }


fork = _posix.fork
getpid = _posix.getpid
geteuid = _posix.geteuid
waitpid = _posix.waitpid
waitid = _posix.waitid
pidfd_open = _posix.pidfd_open
kill = _posix.kill
killpg = _posix.killpg
getpgid = _posix.getpgid
sched_getscheduler = _posix.sched_getscheduler
sched_setscheduler = _posix.sched_setscheduler
sched_param = _posix.sched_param
setsid = _posix.setsid
_exit = _posix._exit
strerror = _posix.strerror
sync = _posix.sync
fsync = _posix.fsync

# Signals' actions.
signal = _signal.signal
pthread_sigmask = _signal.pthread_sigmask
set_wakeup_fd = _signal.set_wakeup_fd
pidfd_send_signal = _signal.pidfd_send_signal
sigtimedwait = _signal.sigtimedwait

# Sockets.
socket = _socket.socket
socketpair = _socket.socketpair

# Terminals.
ioctl = _fcntl.ioctl
isatty = _posix.isatty
tcsetpgrp = _posix.tcsetpgrp


# termios is imported late, as python3-minimal, which is enough in a container without a terminal, lacks it.


def tcgetattr(fd: int) -> list[Any]:
    """Return the settings of a terminal (tcgetattr(3))."""
    import termios

    return termios.tcgetattr(fd)


def tcsetattr(fd: int, when: int, settings: list[Any]) -> None:
    """Set the settings of a terminal (tcsetattr(3))."""
    import termios

    termios.tcsetattr(fd, when, settings)


def take_terminal(fd: int, by_force: int) -> None:
    """Make a terminal the controlling terminal (TIOCSCTTY of ioctl(2))."""
    import termios

    ioctl(fd, termios.TIOCSCTTY, by_force)


# Waiting and time.
poll = _select.poll
epoll = _select.epoll
clock_gettime = _time.clock_gettime
clock_gettime_ns = _time.clock_gettime_ns
sleep = _time.sleep


def close(fd: int) -> None:
    """Close a descriptor. Errors are ignored, as Linux releases it in any case (close(2))."""
    try:
        _posix.close(fd)
    except OSError:
        pass


# Calls that are not in the standard library. _ctypes is imported by the first of them, after the first
# entries are started (Init.run). ctypes, which wraps it, would take 5 ms more, and half a megabyte.

_functions: dict[str, Callable[..., int]] = {}


def _function(name: str) -> Callable[..., int]:
    """Return a function of the C library."""
    import _ctypes

    class Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
        _type_ = "i"

    class Function(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        _restype_ = Int

    return Function(_ctypes.dlsym(_ctypes.dlopen(None, 0), name))  # type: ignore[arg-type]


def _libc(name: str, *arguments: object) -> int:
    """Call a function of the C library."""
    import _ctypes

    if name not in _functions:
        _functions[name] = _function(name)
    result = _functions[name](*arguments)
    if result < 0:
        number = _ctypes.get_errno()
        raise OSError(number, _posix.strerror(number))
    return result


def reboot(cmd: int) -> None:
    """Set what Ctrl-Alt-Del does, or stop the machine (reboot(2))."""
    _libc("reboot", cmd)


def reboot_with(message: bytes) -> None:
    """Restart the machine with a message for its firmware, which reboot() of the C library cannot pass."""
    import sys

    architecture = sys.implementation._multiarch.partition("-")[0]  # of this program, not of the kernel
    if architecture not in _SYS_REBOOT:
        raise OSError(ENOSYS, _posix.strerror(ENOSYS))
    _libc("syscall", _SYS_REBOOT[architecture], *_MAGIC, _RB_RESTART2, message)


def become_subreaper() -> None:
    """Become the parent of orphaned descendants (PR_SET_CHILD_SUBREAPER of prctl(2))."""
    _libc("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _long_size() -> int:
    """Return the bytes of a long of the C library."""
    import sys

    return sys.maxsize.bit_length() // 8 + 1


def timerfd_create(clock: int, flags: int) -> int:
    """Make a timer that is read like a file (timerfd_create(2))."""
    return _libc("timerfd_create", clock, flags)


def timerfd_settime(fd: int, flags: int, seconds: int) -> None:
    """Have a timer expire once (timerfd_settime(2))."""
    import sys

    fields = (number.to_bytes(_long_size(), sys.byteorder) for number in (0, 0, seconds, 0))
    _libc("timerfd_settime", fd, flags, b"".join(fields), None)


def signalfd(signals: Iterable[int], flags: int) -> int:
    """Make a descriptor from which these signals, which have to be blocked, are read (signalfd(2))."""
    import sys

    bits, size = sum(1 << number - 1 for number in signals), _long_size()
    words = (bits >> at & 2 ** (8 * size) - 1 for at in range(0, 1024, 8 * size))
    mask = b"".join(word.to_bytes(size, sys.byteorder) for word in words)  # a sigset_t of the C library
    return _libc("signalfd", -1, mask, flags)


def inotify_init1(flags: int) -> int:
    """Make a descriptor that reports changes in the file system (inotify_init(2))."""
    return _libc("inotify_init1", flags)


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """Watch a file or directory (inotify_add_watch(2))."""
    return _libc("inotify_add_watch", fd, _bytes(path), mask)
