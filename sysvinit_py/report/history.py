"""The last events, as init publishes them: a ring of lines, each with its number and a checksum.

    NUMBER TIME WHAT ID PID STATUS WORD

Times are of CLOCK_BOOTTIME, which nobody sets. STATUS is that of wait(2), or a count; WORD says why, who, or
which level.
"""

from __future__ import annotations

from binascii import crc32

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sysvinit_py.machine.processes import Note

#: Events that are kept, bytes of each, and of all.
EVENTS, LINE = 1024, 64
SIZE = EVENTS * LINE
_BODY = LINE - 9


class Event(Value):
    """Something that has happened."""

    number: int  # one more than that of the event before
    time: float  # on CLOCK_BOOTTIME
    what: str
    id: str  # of the entry; empty: it is about none
    pid: int
    status: int
    word: str


class Ring:
    """The write side."""

    def __init__(self) -> None:
        self.content = bytearray(SIZE)
        self._count = 0

    def resume(self, content: bytes) -> None:
        """Go on with what another init has left, if it is that."""
        if len(content) == SIZE:
            self.content = bytearray(content)
            self._count = max((event.number for event in read(content)), default=-1) + 1

    def add(self, notes: Iterable[Note]) -> tuple[int, int]:
        """Add events; return from where to where the content has changed."""
        first = last = self._count
        for when, what, name, pid, status, word in notes:
            text = f"{last} {when:.2f} {what} {_quoted(name)} {pid} {status} {word} "
            body = text.encode()[:_BODY].ljust(_BODY)
            at = last % EVENTS * LINE
            self.content[at : at + LINE] = b"%s%08x\n" % (body, crc32(body))
            last += 1
        self._count = last
        if first % EVENTS + last - first > EVENTS:
            return 0, SIZE
        return first % EVENTS * LINE, (first % EVENTS + last - first) * LINE


def read(content: bytes) -> list[Event]:
    """Return the events, the oldest first; what is empty, damaged, or being written now is left out."""
    return sorted(_events(content), key=lambda event: event.number)


def _events(content: bytes) -> Iterator[Event]:
    for at in range(0, len(content), LINE):
        body, crc = content[at : at + _BODY], content[at + _BODY : at + LINE]
        if crc == b"%08x\n" % crc32(body):
            try:
                number, when, what, name, pid, status, word, *_ = body.decode().split(" ")
                yield Event(int(number), float(when), what, _unquoted(name), int(pid), int(status), word)
            except ValueError:
                pass  # not written by init


def _quoted(name: str) -> str:
    """Return an id as a word."""
    if name.isascii() and name.isalnum():
        return name
    return f"%{name.encode('utf-8', 'surrogateescape').hex()}" if name else "-"


def _unquoted(word: str) -> str:
    if not word.startswith("%"):
        return "" if word == "-" else word
    return bytes.fromhex(word[1:]).decode("utf-8", "surrogateescape")
