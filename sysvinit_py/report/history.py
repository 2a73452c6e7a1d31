"""The last events, as init publishes them: a ring of lines, each with its number and a checksum.

    NUMBER TIME WHAT ID PID STATUS WORD [PID]

Times are of CLOCK_BOOTTIME, which nobody sets. STATUS is that of wait(2), or a count; WORD says why, who, or
which level. The second PID is that of the process which was begun at once when the first one had ended: a
respawn is one line, and takes PID 1 half as long.
"""

from __future__ import annotations

from binascii import crc32

from sysvinit_py.machine.job import ANSWER
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sysvinit_py.machine.processes import Note

#: Lines that are kept, bytes of each, and of all.
LINES, LINE = 1024, 64
SIZE = LINES * LINE
_BODY = LINE - 9
#: A line that is shorter has room for another pid.
_ROOM = _BODY - 7


class Event(Value):
    """Something that has happened."""

    number: int  # larger than that of the event before
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
            self._count = max((event.number // 2 for event in _events(content)), default=-1) + 1

    def add(self, notes: Iterable[Note]) -> tuple[int, bytes]:
        """Add events; return what has changed: from where on, and the bytes."""
        run, at = b"", self._count % LINES * LINE
        for text in self._lines(notes):
            body = text.encode()[:_BODY].ljust(_BODY)
            run += b"%s%08x\n" % (body, crc32(body))
        self._count += len(run) // LINE
        over = at + len(run) - SIZE
        if over <= 0:
            self.content[at : at + len(run)] = run
            return at, run
        turned = bytes(self.content[:at]) + run  # it goes around, once or more
        end = len(turned) % SIZE
        self.content[:] = turned[len(turned) - end :] + turned[len(turned) - SIZE : len(turned) - end]
        return 0, bytes(self.content)

    def _lines(self, notes: Iterable[Note]) -> list[str]:
        lines: list[str] = []
        ended: object = None
        for when, what, name, pid, status, word in notes:
            if what == "begin" and ended == (when, name) and len(lines[-1]) < _ROOM:
                lines[-1] += f"{pid} "
            else:
                number = self._count + len(lines)
                lines.append(f"{number} {round(when, 3):.11g} {what} {_quoted(name)} {pid} {status} {word} ")
            ended = (when, name) if what == "end" else None
        return lines


def read(content: bytes) -> list[Event]:
    """Return the events, the oldest first; what is empty, damaged, or being written now is left out."""
    return sorted((event for event in _events(content) if event.what != ANSWER), key=_number)


def answers(content: bytes) -> list[str]:
    """Return what requests for one entry were answered: TOKEN:ANSWER:WAIT-TIME, the oldest first."""
    return [event.word for event in sorted(_events(content), key=_number) if event.what == ANSWER]


def _number(event: Event) -> int:
    return event.number


def _events(content: bytes) -> Iterator[Event]:
    for at in range(0, len(content), LINE):
        body, crc = content[at : at + _BODY], content[at + _BODY : at + LINE]
        if crc == b"%08x\n" % crc32(body):
            try:
                yield from _event(body.decode())
            except ValueError:
                pass  # not written by init


def _event(line: str) -> list[Event]:
    """Return what a line says. Raises ValueError."""
    number, when, what, name, pid, status, word, next_pid, *_ = [*line.split(" "), ""]
    event = Event(2 * int(number), float(when), what, _unquoted(name), int(pid), int(status), word)
    if not next_pid:
        return [event]
    begun = event.replace(number=event.number + 1, what="begin", pid=int(next_pid), status=0, word="")
    return [event, begun]


def _quoted(name: str) -> str:
    """Return an id as a word."""
    if name.isascii() and name.isalnum():
        return name
    return f"%{name.encode('utf-8', 'surrogateescape').hex()}" if name else "-"


def _unquoted(word: str) -> str:
    if not word.startswith("%"):
        return "" if word == "-" else word
    return bytes.fromhex(word[1:]).decode("utf-8", "surrogateescape")
