"""utmp(5) and wtmp(5): who runs since when (behaviour/children#accounting).

Init cannot write before /run and /var can be written to: the records of the boot wait for that. Ends, and
starts of what does not look for its own record, are only noted, and written together a moment later: nobody
waits for the record, but somebody may for the next process. Nothing here waits for a file or a lock.
"""

from __future__ import annotations

import time

from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UTMP = "/run/utmp"
WTMP = "/var/log/wtmp"

#: Late records for wtmp kept at most.
_MAX_LATE = 16
#: A utmp file larger than this is none.
_MAX_UTMP = 4 << 20


class Accounting:
    """Writes the records. What could not be written of the boot and the level is written later."""

    def __init__(self) -> None:
        self._slots: dict[bytes, int] = {}  # where in utmp the record of an id was last
        self._noted: list[tuple[Callable[[str, int, int], bytes], str, int, int]] = []  # kind, id, pid, when
        self._late_utmp: dict[int, bytes] = {}  # records by type: BOOT_TIME and RUN_LVL
        self._late_wtmp: list[bytes] = []
        self._release = calls.uname().release

    def create(self) -> None:
        """Make an empty utmp file, as nobody of before the boot is there any more."""
        try:
            how = calls.O_WRONLY | calls.O_CREAT | calls.O_TRUNC | calls.O_NONBLOCK
            calls.close(calls.open(UTMP, how, 0o644))
        except OSError:
            pass

    def boot(self) -> None:
        """The machine was booted."""
        self.write_all(utmp.boot_time(_now()))

    def level(self, level: str, old: str) -> None:
        """The runlevel changed."""
        self.write_all(utmp.run_level(level, old, _now()))

    def started(self, id: str, pid: int, looked_for: bool) -> None:
        """A process of the entry runs; if the record is not looked for, :meth:`write` writes it."""
        self._noted.append((utmp.init_process, id, pid, _now()))
        if looked_for:
            self.write_all(newcomer=pid)

    def ended(self, id: str, pid: int) -> None:
        """The process of the entry has ended; :meth:`write` writes that."""
        self._noted.append((utmp.dead_process, id, pid, _now()))

    @property
    def recorded(self) -> tuple[bool, bool]:
        """Whether the boot, and the level, stand in both files."""
        late = {*self._late_utmp, *map(utmp.type_of, self._late_wtmp)}
        return utmp.BOOT_TIME not in late, utmp.RUN_LVL not in late

    def write(self) -> None:
        """Write what is noted."""
        if self._noted:
            self.write_all()

    def write_all(self, *records: bytes, newcomer: int = 0) -> None:
        """Write what is noted, these records, and what could not be written before.

        ``newcomer``: a process that may have put its own record in the place of one that has ended.
        """
        put_off, self._noted = self._noted, []
        noted = [*(record(id, pid, when) for record, id, pid, when in put_off), *records]
        self._late_wtmp += self._update_all(noted, newcomer)
        if not self._late_wtmp or self._append_all(self._late_wtmp):
            self._late_wtmp = []
        else:
            self._late_wtmp = _lasting(self._late_wtmp)[-_MAX_LATE:]

    def _update_all(self, noted: list[bytes], newcomer: int) -> list[bytes]:
        """Bring utmp up to date; return what was noted as it is to stand in wtmp."""
        self._late_utmp |= {utmp.type_of(record): record for record in _lasting(noted)}
        if not (noted or self._late_utmp):
            return noted
        try:
            # Without O_CREAT, as it is for the boot scripts to make a new one.
            file = calls.open(UTMP, calls.O_RDWR | calls.O_NONBLOCK)
        except OSError:
            return noted
        try:
            _lock(file)
            table = _Utmp(file, self._slots)
            for type_, record in list(self._late_utmp.items()):
                table.update(record)
                del self._late_utmp[type_]
            return [
                record if utmp.type_of(record) in utmp.LASTING else table.update(record, newcomer)
                for record in noted
            ]
        except OSError:
            return noted
        finally:
            calls.close(file)  # and with it the lock

    def _append_all(self, records: Iterable[bytes]) -> bool:
        """Add the records to wtmp, if it exists and can be written to."""
        try:
            file = calls.open(WTMP, calls.O_WRONLY | calls.O_APPEND | calls.O_NONBLOCK)
        except OSError:
            return False
        try:
            calls.write(file, b"".join(utmp.for_wtmp(record, self._release) for record in records))
        except OSError:
            return False
        finally:
            calls.close(file)
        return True


class _Utmp:
    """The file, open and locked. It is read as a whole if a record is not where it was last, and once."""

    def __init__(self, file: int, slots: dict[bytes, int]) -> None:
        self._file = file
        self._slots = slots
        self._content: bytearray | None = None

    def update(self, record: bytes, newcomer: int = 0) -> bytes:
        """Put the record in its place; return it with the line of the one that it ends."""
        offset, there = self._find(record)
        type_, pid = utmp.type_of(record), utmp.pid_of(there) if there else 0
        is_its_own = pid == utmp.pid_of(record)
        if pid == newcomer != 0 or (type_ == utmp.INIT_PROCESS and is_its_own):
            return record  # the process was faster than we are
        if there and type_ == utmp.DEAD_PROCESS and is_its_own:
            record = utmp.with_line_of(record, there)
        calls.pwrite(self._file, record, offset)
        if self._content is not None:
            self._content[offset : offset + utmp.SIZE] = record
        return record

    def _find(self, record: bytes) -> tuple[int, bytes | None]:
        id = utmp.id_of(record)
        last = self._slots.get(id, -1)
        if self._content is None and last >= 0:
            _, there = utmp.place(calls.pread(self._file, utmp.SIZE, last), record)
            if there is not None:
                return last, there
        if self._content is None:
            size = min(calls.fstat(self._file).st_size, _MAX_UTMP)
            self._content = bytearray(calls.pread(self._file, size, 0))
        offset, there = utmp.place(self._content, record)
        self._slots[id] = offset
        return offset, there


def _lasting(records: Iterable[bytes]) -> list[bytes]:
    """Those that are worth writing late: the boot and the levels."""
    return [record for record in records if utmp.type_of(record) in utmp.LASTING]


def _now() -> int:
    """Nanoseconds since 1970."""
    return calls.clock_gettime_ns(time.CLOCK_REALTIME)


def _lock(file: int) -> None:
    """Lock as glibc does, but never wait: somebody who keeps the lock must not stop init."""
    try:
        calls.lockf(file, calls.LOCK_EX | calls.LOCK_NB)
    except OSError:
        pass
