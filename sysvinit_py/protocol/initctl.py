"""Requests on /run/initctl: 384 bytes each, as telinit, shutdown, powerd and NUT write them.

See behaviour/initctl#format.

A request begins with a magic number, and writes of its size to a FIFO are atomic. So the stream is whole
requests, one after the other, until somebody writes something else. From then on only the magic can tell
where the next one begins: it stands at the begin of a request and nowhere inside. All else is dropped.
"""

from __future__ import annotations

from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PATH = "/run/initctl"
#: Seconds from SIGTERM to SIGKILL in a request that does not say otherwise, and for init until there is one.
WAIT_TIME = 5

# The commands.
START = 0  # nobody sends it
RUNLVL = 1
POWERFAIL = 2
POWERFAILNOW = 3
POWEROK = 4
BSD = 5  # nobody sends it
SETENV = 6
UNSETENV = 7
# Our own; C sysvinit says "got unimplemented initrequest." and goes on. Its commands count up from 0, so
# these are far away. RESUME, from initeventd, starts the resume entries, and carries a wait time as those
# of the power do. TERMINALS asks init to look which terminals are there that the gettys of its inittab
# need; nothing of ours sends it, as init watches for those that it waits for. ENTRY is about one entry:
# protocol/control.py.
RESUME = 101
TERMINALS = 102
ENTRY = 103

_LAYOUT = Struct("=iiii368s")
_INT32 = Struct("=i")

SIZE = _LAYOUT.size
DATA_SIZE = 368  # bytes
_MAGIC_NUMBER = 0x03091969
_MAGIC = _INT32.pack(_MAGIC_NUMBER)

#: Stands for a code that is no printable ASCII character, such as the 0 of requests about something else.
NO_RUNLEVEL = "?"


class Request(Value):
    """One request, whatever it asks for: the machine decides what is obeyed."""

    cmd: int  # one of the commands above, or any other int32
    runlevel: str = NO_RUNLEVEL  # one printable ASCII character; sent as its code
    sleeptime: int = 0  # seconds from SIGTERM to SIGKILL; an int32
    data: bytes = b""  # up to DATA_SIZE bytes, without the NULs that fill it up


class Bogus(Value):
    """A run of bytes, of any length, that is no request. What comes after it is unharmed."""


def encode(request: Request) -> bytes:
    """Return the SIZE bytes that ask for it. Raises ValueError if something does not fit."""
    if len(request.data) > DATA_SIZE:
        raise ValueError(f"data of {len(request.data)} bytes, at most {DATA_SIZE} fit")
    code = 0 if request.runlevel == NO_RUNLEVEL else ord(request.runlevel)
    for number in (request.cmd, request.sleeptime):
        if not -(2**31) <= number < 2**31:
            raise ValueError(f"{number} is no int32")
    return _LAYOUT.pack(_MAGIC_NUMBER, request.cmd, code, request.sleeptime, request.data)


def _request(window: bytes) -> Request:
    _, cmd, code, sleeptime, data = _LAYOUT.unpack(window)
    runlevel = chr(code) if 0x20 < code < 0x7F else NO_RUNLEVEL
    return Request(cmd, runlevel, sleeptime, data.rstrip(b"\0"))


def _begun_magic(stream: bytes) -> int:
    """How many bytes at the end of the stream may be the begin of a magic number."""
    return next((n for n in (3, 2, 1) if stream.endswith(_MAGIC[:n])), 0)


class Decoder:
    """Turns the bytes read from the FIFO into requests; how they were cut into reads makes no difference.

    Keeps less than one request and a magic number between reads, and takes time linear in what is fed.
    """

    __slots__ = ("_in_garbage", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._in_garbage = False

    def feed(self, chunk: bytes) -> list[Request | Bogus]:
        """Return what these bytes complete, in their order; a run of garbage is told when it begins."""
        return self._decode(self._rest + chunk, drained=False)

    def flush(self) -> list[Request | Bogus]:
        """Return what is left when the FIFO is empty. Writes are atomic, so a rest is the end of garbage."""
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
            # Of all requests that begin inside this one only the last can be whole.
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
    """Read the data of SETENV: ``NAME=VALUE`` or ``NAME`` (value None: unset it), a NUL after each.

    An empty one ends them. All names are returned; that only INIT_ ones are obeyed is the machine's rule.
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
    if len(data) >= DATA_SIZE:  # the empty item at the end takes a byte too
        raise ValueError(f"{len(data) + 1} bytes of variables, at most {DATA_SIZE} fit")
    return data
