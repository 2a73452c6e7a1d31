"""What runsv and its clients share: supervise/status and stat, control characters, and error texts.

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

#: The states; finish keeps the time of run.
DOWN, RUN, FINISH = range(3)
STATES = ("down", "run", "finish")
UP = "u"
#: Wanted: anything but UP; in the status, exit is this, too.
NOT_UP = "d"
SIZE = 20
_TAI, _SECOND = 2**62 + 10, 10**9
#: The longest cycle of services that is reported.
_LONGEST = 100
#: Signals by control character.
SIGNALS: dict[str, int] = {
    "t": _signal.SIGTERM, "h": _signal.SIGHUP, "a": _signal.SIGALRM, "i": _signal.SIGINT,
    "q": _signal.SIGQUIT, "1": _signal.SIGUSR1, "2": _signal.SIGUSR2, "k": _signal.SIGKILL,
    "p": _signal.SIGSTOP, "c": _signal.SIGCONT,
}  # fmt: skip


class Status(Value):
    """The content of supervise/status."""

    since: int  # nanoseconds since 1970
    pid: int = 0
    paused: bool = False
    want: str = UP
    got_term: bool = False  # and has not ended yet
    state: int = DOWN


def encode(status: Status) -> bytes:
    """Serialize the status, in SIZE bytes."""
    seconds, nanoseconds = divmod(status.since, _SECOND)
    flags = status.paused, ord(status.want), status.got_term, status.state
    return (
        (seconds + _TAI).to_bytes(8, "big")
        + nanoseconds.to_bytes(4, "big")
        + status.pid.to_bytes(4, "little")
        + bytes(flags)
    )


def decode(data: bytes) -> Status:
    """Return the status in the first SIZE bytes. Raises ValueError if there are fewer."""
    if len(data) < SIZE:
        raise ValueError("bad format")
    since = (int.from_bytes(data[:8], "big") - _TAI) * _SECOND + int.from_bytes(data[8:12], "big")
    pid = int.from_bytes(data[12:16], "little")
    return Status(since, pid, data[16] > 0, chr(data[17]), data[18] > 0, data[19])


def words(status: Status, leaving: bool = False, note: str = "") -> str:
    """Return the text of supervise/stat, without its newline.

    leaving  runsv exits once it is down
    note     what a start waits for: ``needs NAME``, ``pausing Ns``; C's runsv has no such note
    """
    text = STATES[status.state] + ", paused" * status.paused + ", got TERM" * status.got_term
    text += f", {note}" * bool(note)
    if status.state == DOWN or status.want == UP:
        return text
    return text + (", want exit" if leaving else ", want down")


def note(stat: str) -> str:
    """Return the note in the text of supervise/stat, or an empty string."""
    state, *words = stat.rstrip("\n").removeprefix("down, paused").removeprefix("down").split(", ", 1)
    return "" if state else "".join(words)


def needed(text: str) -> dict[str, int]:
    """Return the names in the file ``needs`` with their lines: one on each that does not begin with a #."""
    lines = enumerate(map(str.strip, text.split("\n")), 1)
    return {line: number for number, line in lines if line and line[0] != "#"}


def cycle(name: str, needs: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the services of a cycle through this one, which is the last of them; or an empty list."""
    paths, seen = [[name]], set[str]()
    for path in paths:  # which grows
        for other in needs(path[-1]):
            if other == name:
                return [*path[1:], name]
            if other not in seen and len(path) < _LONGEST:
                seen.add(other)
                paths.append([*path, other])
    return []


#: runit's texts for errors, by name.
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
    """Return runit's text for an error."""
    import errno

    if not isinstance(error, OSError):
        return str(error)
    rows = (row.split(None, 1) for row in _REASONS.split(";"))
    return {getattr(errno, name): text for name, text in rows}.get(error.errno, "unknown error")
