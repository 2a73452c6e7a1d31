"""The records of utmp(5) and wtmp(5), glibc's 384 bytes each (SPEC chapter 7, Accounting).

What C sysvinit 3.06 was seen to write, and these builders do too; besides the time, all else is empty or 0:

===============  =================================  ========  ====  =======================  =================
record           pid                                user      id    line                     host
===============  =================================  ========  ====  =======================  =================
BOOT_TIME        0                                  reboot    ~~    ~                        utmp: none; wtmp:
RUN_LVL          new level + 256 x old ('N': none)  runlevel  ~~    ~                        the kernel's
INIT_PROCESS     the entry's process                          its                            release
DEAD_PROCESS     the entry's process                          its   of the record it ends
===============  =================================  ========  ====  =======================  =================

A DEAD_PROCESS tells no exit status, and the user and host of the session that ended are dropped.
"""

from __future__ import annotations

from struct import Struct

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RUN_LVL = 1
BOOT_TIME = 2
NEW_TIME = 3
OLD_TIME = 4
INIT_PROCESS = 5
LOGIN_PROCESS = 6
USER_PROCESS = 7
DEAD_PROCESS = 8

_PROCESSES = (INIT_PROCESS, LOGIN_PROCESS, USER_PROCESS, DEAD_PROCESS)
#: What happened to the machine, which is worth knowing later too.
LASTING = (BOOT_TIME, RUN_LVL)

# The seconds are unsigned in newer versions of glibc, so that the clock lasts until 2106.
_LAYOUT = Struct("=hxxi32s4s32s256shhiII16s20x")
_TYPE = Struct("=h")
_LINE = slice(8, 40)
_ID = slice(40, 44)

SIZE = _LAYOUT.size


class Record(Value):
    """One record. Texts end at their first NUL, and are cut to what their field holds when packed."""

    type: int  # one of the constants above; 0 is an empty record
    pid: int = 0
    line: str = ""  # 32 bytes: the terminal without /dev/
    id: str = ""  # 4 bytes: the id of the entry in inittab
    user: str = ""  # 32 bytes
    host: str = ""  # 256 bytes
    termination: int = 0  # the signal that ended the process
    status: int = 0  # its exit status
    session: int = 0
    seconds: int = 0  # since 1970, below 2**32
    microseconds: int = 0
    addr: bytes = bytes(16)  # the address of the remote host


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def pack(record: Record) -> bytes:
    """Return the SIZE bytes of the record. struct.error: a number does not fit."""
    type_, pid, line, id_, user, host, *numbers = record.astuple()
    return _LAYOUT.pack(type_, pid, _bytes(line), _bytes(id_), _bytes(user), _bytes(host), *numbers)


def unpack(content: bytes, offset: int = 0) -> Record:
    """Return the record whose SIZE bytes begin at the offset. struct.error: they are not all there."""
    type_, pid, line, id_, user, host, *numbers = _LAYOUT.unpack_from(content, offset)
    return Record(type_, pid, _text(line), _text(id_), _text(user), _text(host), *numbers)


def _record(type_: int, pid: int, when: int, line: str, id_: str, user: str = "") -> Record:
    seconds, nanoseconds = divmod(when, 10**9)
    return Record(type_, pid, line, id_, user, seconds=seconds & 0xFFFFFFFF, microseconds=nanoseconds // 1000)


def boot_time(when: int) -> Record:
    """The machine was booted at ``when``, in nanoseconds since 1970 as time.time_ns() tells them."""
    return _record(BOOT_TIME, 0, when, "~", "~~", "reboot")


def run_level(new: str, old: str, when: int) -> Record:
    """The runlevel is ``new`` and was ``old``: one character each, ``N`` for none before."""
    return _record(RUN_LVL, ord(new) + 256 * ord(old), when, "~", "~~", "runlevel")


def init_process(id_: str, pid: int, when: int) -> Record:
    """The process of the entry ``id_`` was started."""
    return _record(INIT_PROCESS, pid, when, "", id_)


def dead_process(id_: str, pid: int, when: int, line: str = "") -> Record:
    """The process of the entry ``id_`` has ended; ``line`` is that of the record which this one replaces."""
    return _record(DEAD_PROCESS, pid, when, line, id_)


def for_wtmp(record: Record, release: str) -> Record:
    """The record as it goes to wtmp: C init notes the kernel's release (``os.uname().release``) in it."""
    return record.replace(host=release)  # type: ignore[no-any-return]


def place(content: bytes, record: Record) -> tuple[int, Record | None]:
    """Find where in a utmp file the record belongs: the offset, and the record it replaces (None: appended).

    As pututxline(3) has it: RUN_LVL, BOOT_TIME, NEW_TIME and OLD_TIME replace the one of their type, a
    process the first process of its id, or of its line where one of the two has no id. A torn end is lost.
    """
    whole = len(content) - len(content) % SIZE
    wanted = pack(record)
    processes = record.type in _PROCESSES
    types = _PROCESSES if processes else (record.type,)
    for offset in _worth_a_look(content[:whole], wanted[_ID]) if processes else range(0, whole, SIZE):
        if _TYPE.unpack_from(content, offset)[0] in types and (
            not processes or _same_process(content[offset : offset + _ID.stop], wanted)
        ):
            return offset, unpack(content, offset)
    return whole, None


def _worth_a_look(content: bytes, id_: bytes) -> Iterable[int]:
    """The offsets of records with the id, and of those without one; of all if it is empty.

    A machine has thousands of entries if it has many, and a look at each record for each would be seen.
    """
    if not id_[0]:
        return range(0, len(content), SIZE)
    length = _ID.stop - _ID.start
    ids = bytearray(len(content) // SIZE * length)
    for byte in range(length):
        ids[byte::length] = content[_ID.start + byte :: SIZE]
    numbers = [*_all(ids[::length], b"\0"), *(at // length for at in _all(ids, id_) if not at % length)]
    return (number * SIZE for number in sorted(numbers))


def _all(text: bytearray, part: bytes) -> Iterator[int]:
    """Where the part begins, each time."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _same_process(one: bytes, other: bytes) -> bool:
    field = _ID if one[_ID.start] and other[_ID.start] else _LINE
    return _text(one[field]) == _text(other[field])
