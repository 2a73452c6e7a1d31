"""The records of utmp(5) and wtmp(5), glibc's 384 bytes, on arm64 400 (behaviour/children#accounting).

As observed from C sysvinit 3.06, and written here; besides the time, everything else is empty or 0:

===============  =================================  ========  ====  =======================  =================
record           pid                                user      id    line                     host
===============  =================================  ========  ====  =======================  =================
BOOT_TIME        0                                  reboot    ~~    ~                        utmp: none; wtmp:
RUN_LVL          new level + 256 x old ('N': none)  runlevel  ~~    ~                        the kernel's
INIT_PROCESS     the entry's process                          its                            release
DEAD_PROCESS     the entry's process                          its   of the record it ends
RUN_LVL          0, from halt                       shutdown  ~~    ~~                       as of a RUN_LVL
===============  =================================  ========  ====  =======================  =================

A DEAD_PROCESS has no exit status, and the user and host of the session that ended are dropped.

Init writes a record at each start and each end. So the functions it uses work on packed records; ``Record``
is for programs that read them.
"""

from __future__ import annotations

import sys
from _struct import Struct  # struct does no more than to import it from there

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RUN_LVL = 1
BOOT_TIME = 2
NEW_TIME = 3
OLD_TIME = 4
INIT_PROCESS = 5
LOGIN_PROCESS = 6
USER_PROCESS = 7
DEAD_PROCESS = 8

_PROCESSES = (INIT_PROCESS, LOGIN_PROCESS, USER_PROCESS, DEAD_PROCESS)

#: The machines whose session and time have 64 bits there; elsewhere they have the 32 of an older ABI.
_LONG_TIMES = ("aarch64", "aarch64_be", "loongarch64")


def layout(machine: str) -> Struct:
    """Return the layout of a record of programs for a machine, such as ``x86_64-linux-gnu``."""
    # The 32 bits of the seconds are unsigned in newer versions of glibc, and so last until 2106.
    times, end = ("qQQ", "24x") if machine.partition("-")[0] in _LONG_TIMES else ("iII", "20x")
    return Struct(f"=hxxi32s4s32s256shh{times}16s{end}")


_LAYOUT = layout(getattr(sys.implementation, "_multiarch", ""))
_LINE = slice(8, 40)
_ID = slice(40, 44)
_HOST = slice(76, 332)

SIZE = _LAYOUT.size


class Record(Value):
    """A record. Texts end at their first NUL, and are truncated to their field when packed."""

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
    """Return the SIZE bytes of the record. Raises struct.error if a number does not fit."""
    type_, pid, line, id_, user, host, *numbers = record.astuple()
    return _LAYOUT.pack(type_, pid, _bytes(line), _bytes(id_), _bytes(user), _bytes(host), *numbers)


def unpack(content: bytes, offset: int = 0) -> Record:
    """Return the record whose SIZE bytes begin at the offset. Raises struct.error if some are missing."""
    type_, pid, line, id_, user, host, *numbers = _LAYOUT.unpack_from(content, offset)
    return Record(type_, pid, _text(line), _text(id_), _text(user), _text(host), *numbers)


#: Returns the type and the pid of a packed record.
type_and_pid_of: Callable[[bytes], tuple[int, int]] = Struct("=hxxi").unpack_from


def type_of(record: bytes) -> int:
    """Return the type of a packed record."""
    return type_and_pid_of(record)[0]


def id_of(record: bytes) -> bytes:
    """Return the id of a packed record, which may be empty."""
    return record[_ID].partition(b"\0")[0]


def _made(type_: int, pid: int, when: int, line: str, id_: str, user: bytes = b"") -> bytes:
    seconds, nanoseconds = divmod(when, 10**9)
    return _LAYOUT.pack(
        type_, pid, _bytes(line), _bytes(id_), user, b"", 0, 0, 0,
        seconds & 0xFFFFFFFF, nanoseconds // 1000, b"",
    )  # fmt: skip


def boot_time(when: int) -> bytes:
    """Return the record of a boot at ``when``, in nanoseconds since 1970 (time.time_ns())."""
    return _made(BOOT_TIME, 0, when, "~", "~~", b"reboot")


def run_level(new: str, old: str, when: int) -> bytes:
    """Return the record of a change of runlevel: one character each, ``N`` for none before."""
    return _made(RUN_LVL, ord(new) + 256 * ord(old), when, "~", "~~", b"runlevel")


def shutdown(when: int) -> bytes:
    """Return the record that halt writes when the machine goes down."""
    return _made(RUN_LVL, 0, when, "~~", "~~", b"shutdown")


def init_process(id_: str, pid: int, when: int) -> bytes:
    """Return the record of a start of the entry ``id_``."""
    return _made(INIT_PROCESS, pid, when, "", id_)


def dead_process(id_: str, pid: int, when: int, line: str = "") -> bytes:
    """Return the record of an end of the entry ``id_``; ``line`` is that of the record it replaces."""
    return _made(DEAD_PROCESS, pid, when, line, id_)


def with_line_of(record: bytes, other: bytes) -> bytes:
    """Return the packed record with the line of the other one."""
    return record[: _LINE.start] + other[_LINE] + record[_LINE.stop :]


def for_wtmp(record: bytes, release: str) -> bytes:
    """Return the packed record for wtmp: with the kernel's release as host, as C init has it."""
    length = _HOST.stop - _HOST.start
    return record[: _HOST.start] + _bytes(release)[:length].ljust(length, b"\0") + record[_HOST.stop :]


def place(content: bytes | bytearray, record: bytes) -> tuple[int, bytes | None]:
    """Return the offset of a packed record in a utmp file, and the record it replaces (None: appended).

    That is the first one that it may replace. An incomplete record at the end is overwritten.
    """
    whole = len(content) - len(content) % SIZE
    if whole < len(content):
        content = content[:whole]
    is_process = type_of(record) in _PROCESSES
    for offset in _worth_a_look(content, record[_ID]) if is_process else range(0, whole, SIZE):
        there = bytes(content[offset : offset + SIZE])
        if replaces(record, there):
            return offset, there
    return whole, None


def replaces(record: bytes, there: bytes) -> bool:
    """Return whether a packed record may replace another one, which may be truncated.

    As in pututxline(3): RUN_LVL, BOOT_TIME, NEW_TIME and OLD_TIME replace the one of their type, a process
    the first process with its id, or with its line if one of the two has no id.
    """
    if len(there) < SIZE:
        return False
    (type_, _), (other, _) = type_and_pid_of(record), type_and_pid_of(there)
    if type_ not in _PROCESSES:
        return other == type_
    field = _ID if record[_ID.start] and there[_ID.start] else _LINE
    return other in _PROCESSES and record[field].partition(b"\0")[0] == there[field].partition(b"\0")[0]


def _worth_a_look(content: bytes | bytearray, id_: bytes) -> Iterable[int]:
    """Return the offsets of the records with the id or without one; of all records if ``id_`` is empty.

    With thousands of entries, comparing each record for each of them would take too long.
    """
    if not id_[0] or len(content) <= SIZE:
        return range(0, len(content), SIZE)
    length = _ID.stop - _ID.start
    ids = bytearray(len(content) // SIZE * length)
    for byte in range(length):
        ids[byte::length] = content[_ID.start + byte :: SIZE]
    numbers = [*_all(ids[::length], b"\0"), *(at // length for at in _all(ids, id_) if not at % length)]
    return (number * SIZE for number in sorted(numbers))


def _all(text: bytearray, part: bytes) -> Iterator[int]:
    """Yield the offset of each occurrence of the part."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
