"""Requests on /run/initctl: 384 bytes each, as telinit, shutdown, powerd and NUT write them.

See behaviour/initctl#format.

A request begins with a magic number, and writes of its size to a FIFO are atomic. So the stream consists of
whole requests until something else is written. From then on only the magic number, which is at the beginning
of a request and nowhere in it, shows where the next one begins. Everything else is dropped.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PATH = "/run/initctl"
#: Seconds from SIGTERM to SIGKILL by default.
WAIT_TIME = 5

# The commands.
START = 0  # not used
RUNLVL = 1
POWERFAIL = 2
POWERFAILNOW = 3
POWEROK = 4
BSD = 5  # not used
SETENV = 6
UNSETENV = 7
# Extensions, numbered far from C sysvinit's commands, which reports "got unimplemented initrequest." for
# them. RESUME, sent by initeventd, starts the resume entries, and carries a wait time as the power commands
# do. TERMINALS has init check the terminals that gettys need; it is not sent by this package, as init watches
# for those that are missing. ENTRY is a request for one entry: protocol/control.py.
RESUME = 101
TERMINALS = 102
ENTRY = 103

_LAYOUT = Struct("=iiii368s")
_INT32 = Struct("=i")

SIZE = _LAYOUT.size
DATA_SIZE = 368  # bytes
_MAGIC_NUMBER = 0x03091969
_MAGIC = _INT32.pack(_MAGIC_NUMBER)

#: Stands for a code that is not a printable ASCII character, such as the 0 of requests not for a level.
NO_RUNLEVEL = "?"


class Request(Value):
    """A request. Its content is not validated here."""

    cmd: int  # one of the commands above, or any other int32
    runlevel: str = NO_RUNLEVEL  # one printable ASCII character
    sleeptime: int = 0  # seconds from SIGTERM to SIGKILL; an int32
    data: bytes = b""  # up to DATA_SIZE bytes, without the padding of NULs


class Bogus(Value):
    """A run of bytes, of any length, that is not a request. Requests after it are not affected."""


def encode(request: Request) -> bytes:
    """Return the request as SIZE bytes. Raises ValueError if a field does not fit."""
    if len(request.data) > DATA_SIZE:
        raise ValueError(f"data of {len(request.data)} bytes, at most {DATA_SIZE} fit")
    code = 0 if request.runlevel == NO_RUNLEVEL else ord(request.runlevel)
    for number in (request.cmd, request.sleeptime):
        if not -(2**31) <= number < 2**31:
            raise ValueError(f"{number} is not an int32")
    return _LAYOUT.pack(_MAGIC_NUMBER, request.cmd, code, request.sleeptime, request.data)


def _request(window: bytes) -> Request:
    _, cmd, code, sleeptime, data = _LAYOUT.unpack(window)
    runlevel = chr(code) if 0x20 < code < 0x7F else NO_RUNLEVEL
    return Request(cmd, runlevel, sleeptime, data.rstrip(b"\0"))


def _begun_magic(stream: bytes) -> int:
    """Return how many bytes at the end of the stream may be the beginning of a magic number."""
    return next((n for n in (3, 2, 1) if stream.endswith(_MAGIC[:n])), 0)


class Decoder:
    """Decodes the bytes read from the FIFO, independent of how they were split into reads.

    Keeps less than one request and a magic number between reads, and takes time linear in the input.
    """

    __slots__ = ("_in_garbage", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._in_garbage = False

    def feed(self, chunk: bytes) -> list[Request | Bogus]:
        """Return the requests that these bytes complete, in order; a Bogus where a run of garbage begins."""
        return self._decode(self._rest + chunk, drained=False)

    def flush(self) -> list[Request | Bogus]:
        """Return the rest when the FIFO is empty. As writes are atomic, an incomplete request is garbage."""
        found = self._decode(self._rest, drained=True)
        if self._rest:
            self._drop(found)
        self._rest = b""
        self._in_garbage = False
        return found

    def _drop(self, found: list[Request | Bogus]) -> None:
        if not self._in_garbage:
            found.append(Bogus())
        self._in_garbage = True

    def _decode(self, stream: bytes, drained: bool) -> list[Request | Bogus]:
        found: list[Request | Bogus] = []
        at = 0
        while True:
            begin = stream.find(_MAGIC, at)
            if begin < 0:
                begin = max(at, len(stream) - _begun_magic(stream))
            if begin > at:
                self._drop(found)
            at, end = begin, begin + SIZE
            if len(stream) < end:
                break
            # Of all requests that begin inside this one only the last can be complete.
            inner = stream.rfind(_MAGIC, at + 1, end + 3)
            if inner >= 0:
                self._drop(found)
                at = inner
                continue
            if not drained and len(stream) - _begun_magic(stream) < end:
                break
            found.append(_request(stream[at:end]))
            self._in_garbage = False
            at = end
        self._rest = stream[at:]
        return found


def assignments(data: bytes) -> list[tuple[str, str | None]]:
    """Return the assignments in the data of SETENV: ``NAME=VALUE`` or ``NAME`` (value None), NUL-terminated.

    An empty one ends them. All names are returned; the machine ignores those without INIT_.
    """
    found: list[tuple[str, str | None]] = []
    for item in data.split(b"\0"):
        if not item:
            break
        name, equals, value = item.decode("utf-8", "surrogateescape").partition("=")
        found.append((name, value if equals else None))
    return found


def environment_data(items: Iterable[bytes]) -> bytes:
    """Return the data of SETENV for these ``NAME=VALUE`` and ``NAME``. Raises ValueError if too long."""
    data = b"".join(item + b"\0" for item in items)
    if len(data) >= DATA_SIZE:  # the empty item at the end takes a byte
        raise ValueError(f"{len(data) + 1} bytes of variables, at most {DATA_SIZE} fit")
    return data
