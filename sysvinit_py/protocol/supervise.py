"""What runsv and its clients share: supervise/status and stat, control characters, and words for errors.

supervise/status is the time of the last change to run or to down, as TAI64N (12 bytes); the pid, little
endian (4); then a byte each: whether it is paused; what is wanted, u or d; whether it got TERM; the state.
"""

from __future__ import annotations

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable
else:
    import _signal  # and not signal, which imports enum

#: States. finish keeps the time of its run.
DOWN, RUN, FINISH = range(3)
STATES = ("down", "run", "finish")
UP = "u"
#: What a service can be wanted to be, besides UP: exit is this, too, in status.
NOT_UP = "d"
SIZE = 20
_TAI, _SECOND = 2**62 + 10, 10**9
#: How many services a circle has at most that is told of.
_LONGEST = 100
#: The signals of the control characters that stand for one.
SIGNALS: dict[str, int] = {
    "t": _signal.SIGTERM, "h": _signal.SIGHUP, "a": _signal.SIGALRM, "i": _signal.SIGINT,
    "q": _signal.SIGQUIT, "1": _signal.SIGUSR1, "2": _signal.SIGUSR2, "k": _signal.SIGKILL,
    "p": _signal.SIGSTOP, "c": _signal.SIGCONT,
}  # fmt: skip


class Status(Value):
    """What supervise/status says of a service."""

    since: int  # nanoseconds since 1970
    pid: int = 0
    paused: bool = False
    want: str = UP
    got_term: bool = False  # and has not ended yet
    state: int = DOWN


def encode(status: Status) -> bytes:
    """Return the 20 bytes."""
    seconds, nanoseconds = divmod(status.since, _SECOND)
    flags = status.paused, ord(status.want), status.got_term, status.state
    return (
        (seconds + _TAI).to_bytes(8, "big")
        + nanoseconds.to_bytes(4, "big")
        + status.pid.to_bytes(4, "little")
        + bytes(flags)
    )


def decode(data: bytes) -> Status:
    """Return what the first 20 bytes say. Raises ValueError if there are fewer."""
    if len(data) < SIZE:
        raise ValueError("bad format")
    since = (int.from_bytes(data[:8], "big") - _TAI) * _SECOND + int.from_bytes(data[8:12], "big")
    pid = int.from_bytes(data[12:16], "little")
    return Status(since, pid, data[16] > 0, chr(data[17]), data[18] > 0, data[19])


def words(status: Status, leaving: bool = False, note: str = "") -> str:
    """Return what supervise/stat says, without its newline.

    leaving  runsv exits once it is down
    note     what a start waits for: ``needs NAME``, ``pausing Ns``; C's runsv knows no such thing
    """
    text = STATES[status.state] + ", paused" * status.paused + ", got TERM" * status.got_term
    text += f", {note}" * bool(note)
    if status.state == DOWN or status.want == UP:
        return text
    return text + (", want exit" if leaving else ", want down")


def note(stat: str) -> str:
    """Return the note in what supervise/stat says; or nothing."""
    state, *words = stat.rstrip("\n").removeprefix("down, paused").removeprefix("down").split(", ", 1)
    return "" if state else "".join(words)


def needed(text: str) -> dict[str, int]:
    """Return the names in the file ``needs`` with their lines: one on each that does not begin with a #."""
    lines = enumerate(map(str.strip, text.split("\n")), 1)
    return {line: number for number, line in lines if line and line[0] != "#"}


def circle(name: str, needs: Callable[[str], Iterable[str]]) -> list[str]:
    """Return which services need each other, from one that this one needs to itself; or nothing."""
    ways, seen = [[name]], set[str]()
    for way in ways:  # which grows
        for other in needs(way[-1]):
            if other == name:
                return [*way[1:], name]
            if other not in seen and len(way) < _LONGEST:
                seen.add(other)
                ways.append([*way, other])
    return []


#: runit's words for errors, by their names.
_REASONS = """\
EPERM permission denied; ENOENT file does not exist; ESRCH no such process; EINTR interrupted system call;
EIO input/output error; ENXIO device not configured; E2BIG argument list too long;
ENOEXEC exec format error; EBADF file descriptor not open; ECHILD no child processes;
EAGAIN temporary failure; ENOMEM out of memory; EACCES access denied; EFAULT bad address;
ENOTBLK not a block device; EBUSY device busy; EEXIST file already exists; EXDEV cross-device link;
ENODEV device does not support operation; ENOTDIR not a directory; EISDIR is a directory;
EINVAL invalid argument; ENFILE system cannot open more files; EMFILE process cannot open more files;
ENOTTY not a tty; ETXTBSY text busy; EFBIG file too big; ENOSPC out of disk space;
ESPIPE unseekable descriptor; EROFS read-only file system; EMLINK too many links; EPIPE broken pipe;
EDEADLK operation would cause deadlock; ENAMETOOLONG file name too long; ENOLCK no locks available;
ENOSYS system call not available; ENOTEMPTY directory not empty; ELOOP symbolic link loop;
EPROTO protocol error; EUSERS too many users; ENOTSOCK not a socket;
EDESTADDRREQ destination address required; EMSGSIZE message too long; EOPNOTSUPP operation not supported;
EAFNOSUPPORT address family not supported; EADDRINUSE address already used;
EADDRNOTAVAIL address not available; ENETDOWN network down; ENETUNREACH network unreachable;
ENETRESET network reset; ECONNABORTED connection aborted; ECONNRESET connection reset;
ENOBUFS out of buffer space; ENOTCONN not connected; ETIMEDOUT timed out; ECONNREFUSED connection refused;
EHOSTDOWN host down; EHOSTUNREACH host unreachable; EALREADY operation already in progress;
EINPROGRESS operation in progress; ESTALE stale NFS file handle; EDQUOT disk quota exceeded;
EDOM input out of range; ERANGE output out of range; EPROTOTYPE incorrect protocol type;
ENOPROTOOPT protocol not available; EPROTONOSUPPORT protocol not supported; EISCONN already connected"""


def reason(error: Exception) -> str:
    """Return an error in runit's own words."""
    import errno

    if not isinstance(error, OSError):
        return str(error)
    rows = (row.split(None, 1) for row in _REASONS.split(";"))
    return {getattr(errno, name): text for name, text in rows}.get(error.errno, "unknown error")
