"""Accounting in utmp(5) and wtmp(5) (behaviour/children#accounting).

The records of the boot are deferred until /run and /var are writable. Records of ends, and of starts of
processes that do not read their own record, are queued and written together at the end of the turn, so that
they do not delay the next start. Nothing here blocks on a file or a lock.
"""

from __future__ import annotations

import time

from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UTMP = "/run/utmp"
WTMP = "/var/log/wtmp"

#: The number of deferred records for wtmp.
_MAX_DEFERRED = 16
#: Bytes of a utmp file that are read.
_MAX_UTMP = 4 << 20


class Accounting:
    """Writes the records. Those of the boot and the level that could not be written are retried later."""

    def __init__(self) -> None:
        self._slots: dict[bytes, int] = {}  # the last offset in utmp of the record of each id
        self._queued: list[bytes] = []  # records of processes
        self._deferred_utmp: dict[int, bytes] = {}  # records by type: BOOT_TIME and RUN_LVL
        self._deferred_wtmp: list[bytes] = []
        self._release = calls.uname().release

    def create(self) -> None:
        """Make an empty utmp file, as no session has survived the boot."""
        try:
            how = calls.O_WRONLY | calls.O_CREAT | calls.O_TRUNC | calls.O_NONBLOCK
            calls.close(calls.open(UTMP, how, 0o644))
        except OSError:
            pass

    def boot(self) -> None:
        """Record that the machine was booted."""
        self.write_all(utmp.boot_time(_now()))

    def level(self, level: str, old: str) -> None:
        """Record that the runlevel changed."""
        self.write_all(utmp.run_level(level, old, _now()))

    def started(self, id: str, pid: int, read_by_child: bool) -> None:
        """Record the start of an entry's process: at once if it reads the record, else by :meth:`write`."""
        self._queued.append(utmp.init_process(id, pid, _now()))
        if read_by_child:
            self.write_all(new_pid=pid)

    def ended(self, id: str, pid: int) -> None:
        """Record the end of an entry's process, by :meth:`write`."""
        self._queued.append(utmp.dead_process(id, pid, _now()))

    @property
    def recorded(self) -> tuple[bool, bool]:
        """Whether the boot, and the level, are recorded in both files."""
        deferred = {*self._deferred_utmp, *map(utmp.type_of, self._deferred_wtmp)}
        return utmp.BOOT_TIME not in deferred, utmp.RUN_LVL not in deferred

    def write(self) -> None:
        """Write what is queued."""
        if self._queued:
            self.write_all()

    def write_all(self, *lasting: bytes, new_pid: int = 0) -> None:
        """Write the queued records, these records of the machine, and those that were deferred.

        ``new_pid``: a process that may have written its own record over that of one that has ended.
        """
        queued, self._queued = self._queued, []
        records = [*self._deferred_wtmp, *self._update_all(queued, lasting, new_pid), *lasting]
        self._deferred_wtmp = [*self._deferred_wtmp, *lasting][-_MAX_DEFERRED:]
        if not records or self._append_all(records):
            self._deferred_wtmp = []

    def _update_all(self, queued: list[bytes], lasting: Iterable[bytes], new_pid: int) -> list[bytes]:
        """Update utmp; return the queued records as they have to be written to wtmp."""
        self._deferred_utmp |= {utmp.type_of(record): record for record in lasting}
        if not (queued or self._deferred_utmp):
            return queued
        try:
            # Without O_CREAT, as boot scripts make the file.
            file = calls.open(UTMP, calls.O_RDWR | calls.O_NONBLOCK)
        except OSError:
            return queued
        try:
            _lock(file)
            table = _Utmp(file, self._slots)
            for type_, record in list(self._deferred_utmp.items()):
                table.update(record)
                del self._deferred_utmp[type_]
            return [table.update(record, new_pid) for record in queued]
        except OSError:
            return queued
        finally:
            calls.close(file)  # which releases the lock

    def _append_all(self, records: Iterable[bytes]) -> bool:
        """Append the records to wtmp; return False if it does not exist or cannot be written."""
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
    """The open and locked utmp file. It is read, once, if a record is not at its last offset."""

    def __init__(self, file: int, slots: dict[bytes, int]) -> None:
        self._file = file
        self._slots = slots
        self._content: bytearray | None = None

    def update(self, record: bytes, new_pid: int = 0) -> bytes:
        """Write the record to its place; return it, with the line of the record of the ended process."""
        offset, there = self._find(record)
        if there:
            type_, pid = utmp.type_and_pid_of(record)
            _, its_pid = utmp.type_and_pid_of(there)
            if its_pid == new_pid != 0 or (type_ == utmp.INIT_PROCESS and pid == its_pid):
                return record  # the process has written its own record already
            if type_ == utmp.DEAD_PROCESS and pid == its_pid:
                record = utmp.with_line_of(record, there)
        calls.pwrite(self._file, record, offset)
        if self._content is not None:
            self._content[offset : offset + utmp.SIZE] = record
        return record

    def _find(self, record: bytes) -> tuple[int, bytes | None]:
        id = utmp.id_of(record)
        last = self._slots.get(id, -1)
        if self._content is None and last >= 0:
            found = calls.pread(self._file, utmp.SIZE, last)
            if utmp.replaces(record, found):
                return last, found
        if self._content is None:
            size = min(calls.fstat(self._file).st_size, _MAX_UTMP)
            self._content = bytearray(calls.pread(self._file, size, 0))
        offset, there = utmp.place(self._content, record)
        self._slots[id] = offset
        return offset, there


def _now() -> int:
    """Return the nanoseconds since 1970."""
    return calls.clock_gettime_ns(time.CLOCK_REALTIME)


def _lock(file: int) -> None:
    """Lock as glibc does, but without blocking: a process that keeps the lock must not stop init."""
    try:
        calls.lockf(file, calls.LOCK_EX | calls.LOCK_NB)
    except OSError:
        pass
