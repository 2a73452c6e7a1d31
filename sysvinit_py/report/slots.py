"""What init publishes, as bytes: header, a slot for each entry, events (``status``); the entries themselves.

A slot is written anew whenever something happens to its entry; header and entries when there are new ones.
Who reads may see half of that, an old file, or a damaged one: header, slots and entries have a checksum each,
and the header says of which reading of the inittab, which boot and which process all of it is. Text, so that
``cat`` says something where nothing else runs. Fields are only added, at the end; else ``FORM`` changes.
"""

from __future__ import annotations

from binascii import crc32

from sysvinit_py.inittab import wire
from sysvinit_py.inittab.entry import Reading
from sysvinit_py.machine.job import UNKNOWN, Job
from sysvinit_py.report import history
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sysvinit_py.inittab.entry import Entry, Problem

    #: Of a slot: place, pid, status, starts, began, ended_at, rests_until, the throttle's starts and when it
    #: opened, marks, why the last process has ended, who has stopped or started the entry.
    Fields = tuple[int, int, int, int, float, float, float, int, float, str, str, str]

FORM = "1"
#: Bytes of the header, and of a slot.
HEADER, SLOT = 512, 128
#: Of an entry that was never started or called.
EMPTY = bytes(SLOT)
#: Instead of a command of a file that not everybody may read.
HIDDEN = "(not public)"
_NEVER: Fields = (0, 0, UNKNOWN, 0, 0.0, 0.0, 0.0, 0, 0.0, ".", "", "")

_STATUS, _ENTRIES = "inittab-status", b"inittab-entries"
_CRC = 9  # bytes, a newline among them
_MOST_SECONDS = 1e10
#: A letter for each mark that is set, and one for a job that was told to end.
_MARKS = {
    "r": "has_run", "d": "on_demand", "c": "pending_event", "f": "forking", "t": "lacks_terminal",
    "s": "stopped", "l": "leaving",
}  # fmt: skip
STOPPING = "e"


class DamagedError(ValueError):
    """The bytes are not as init writes them: damaged, cut off, or half of what is being written now."""


class FormError(ValueError):
    """The bytes are of a form that this version does not know."""


class Header(Value):
    """What init says of itself."""

    version: str  # of init
    reading: int  # of the inittab: status and entries are of the same one
    boot: str  # the kernel's id of this boot; empty: not known yet
    started: int  # when the process was started, as /proc says it
    stage: str
    level: str  # empty: none yet
    prevlevel: str
    since: float  # when the stage was entered, on CLOCK_BOOTTIME
    busy: str  # what init waits for before it starts anything: inittab, answer, ends; or nothing
    handed: float = 0.0  # when another init took over; 0: none has


class Published(Value):
    """What was read: each entry of the inittab with the fields of its slot."""

    header: Header
    slots: tuple[tuple[Entry, Fields], ...]
    problems: tuple[Problem, ...] = ()  # of the inittab
    history: bytes = b""  # for history.read


#: Where the kernel has its id of the boot.
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def start_time(stat: str) -> int:
    """Return when a process was started, of its /proc/PID/stat: it tells two of one pid apart.

    Raises ValueError, IndexError.
    """
    return int(stat.rpartition(")")[2].split()[19])


# The write side.


def header(of: Header) -> bytes:
    """Return the HEADER bytes."""
    fields = zip(of._fields, of.astuple(), strict=True)
    return _sealed(f"{_STATUS} {FORM}\n" + "".join(f"{name}={field}\n" for name, field in fields), HEADER)


def slot(job: Job, stopping: bool) -> bytes:
    """Return the SLOT bytes of a job; their place is SLOT times the job's, after the header."""
    throttle = job.throttle
    if not (job.has_run or job.pid or job.began or job.rests_until or job.pending_event or job.on_demand
            or job.lacks_terminal or job.status != UNKNOWN or job.asked):  # fmt: skip
        return EMPTY
    marks = (
        f"{'r' * job.has_run}{'d' * job.on_demand}{'c' * job.pending_event}"
        f"{'f' * job.forking}{'t' * job.lacks_terminal}{'e' * stopping}"
        f"{'s' * job.stopped}{'l' * (job.leaving > 0)}"
    )
    return _sealed(
        f"{job.place} {max(job.pid, 0)} {job.status} {job.starts} {job.began:.3f} {job.ended_at:.3f}"
        f" {job.rests_until:.2f} {throttle.starts} {throttle.opened:.2f} .{marks} {job.why} {job.asked} ",
        SLOT,
    )


def entries(reading: int, listed: Iterable[Entry], problems: Iterable[Problem] = ()) -> bytes:
    """Return the bytes of the entries, and of what was refused."""
    body = wire.encode(Reading(tuple(listed), tuple(problems)))
    return b"%s %d %08x\n%s" % (_ENTRIES, reading, crc32(body), body)


def _sealed(text: str, size: int) -> bytes:
    body = text.encode()[: size - _CRC].ljust(size - _CRC)
    return b"%s%08x\n" % (body, crc32(body))


# The read side.


def read(status: bytes, listed: bytes) -> Published:
    """Read both files. Raises DamagedError, FormError."""
    head = read_header(status)
    first, _, body = listed.partition(b"\n")
    if first != b"%s %d %08x" % (_ENTRIES, head.reading, crc32(body)):
        raise DamagedError("the entries are not those of the status")
    try:
        reading = wire.decode(body)
    except ValueError as error:
        raise FormError(f"the entries: {error}") from None
    end = HEADER + SLOT * len(reading.entries)
    if len(status) - end not in (0, history.SIZE):  # without them: an older version
        raise DamagedError(f"{len(status)} bytes of status for {len(reading.entries)} entries")
    contents = (status[at : at + SLOT] for at in range(HEADER, end, SLOT))
    read_slots = [
        _NEVER if content == EMPTY else _slot(content, place) for place, content in enumerate(contents)
    ]
    slots_of = tuple(zip(reading.entries, read_slots, strict=True))
    return Published(head, slots_of, reading.problems, status[end:])


def read_header(status: bytes) -> Header:
    """Read the header alone. Raises DamagedError, FormError."""
    first, *lines = _unsealed(status[:HEADER], "the header").rstrip().split("\n")
    if first != f"{_STATUS} {FORM}":
        raise FormError(f"{first!a} instead of form {FORM}")
    fields = {name: text for name, _, text in (line.partition("=") for line in lines)}
    try:
        return Header(**{n: _READERS.get(n, str)(text) for n, text in fields.items() if n in Header._fields})
    except (TypeError, ValueError) as error:
        raise DamagedError(f"the header: {error}") from None


def _unsealed(content: bytes, what: str) -> str:
    body = content[:-_CRC]
    if content[-_CRC:] != b"%08x\n" % crc32(body):
        raise DamagedError(f"{what} is damaged")
    return body.decode(errors="replace")


def _slot(content: bytes, place: int) -> Fields:
    """Return what a slot says; that its checksum is right does not mean that init has written it."""
    fields = _unsealed(content, f"slot {place}").split(" ")
    try:
        at, pid, status, starts, began, ended_at, rests_until, window, opened, marks, why, asked, *_ = fields
        read = (
            int(at), int(pid), int(status), int(starts), _time(began), _time(ended_at), _time(rests_until),
            int(window), _time(opened), marks, why, asked,
        )  # fmt: skip
    except ValueError as error:
        raise DamagedError(f"slot {place}: {error}") from None
    if read[0] != place:
        raise DamagedError(f"slot {place} is that of another entry")
    return read


def _time(text: str) -> float:
    time = float(text)
    if not 0 <= time < _MOST_SECONDS:
        raise ValueError(f"{text!a} is not a time")
    return time


#: Of the fields of the header that are not text.
_READERS: dict[str, Callable[[str], Any]] = {"started": int, "reading": int, "since": _time, "handed": _time}


def job_of(entry: Entry, fields: Fields) -> Job:
    """Return the job with the marks that rules ask for."""
    _, pid, status, _, _, _, rests_until, _, _, marks, _, _ = fields
    job = Job((entry.id, entry.action, 0), entry, status)
    set_marks = {mark: letter in marks for letter, mark in _MARKS.items()}
    job.resume(job.saved() | set_marks | {"pid": pid, "rests_until": rests_until})
    return job
