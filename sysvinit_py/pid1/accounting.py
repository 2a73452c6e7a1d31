"""utmp(5) and wtmp(5): who runs since when (SPEC 7, Accounting).

Init cannot write before /run and /var can be written to: the records of the boot wait for that.
Nothing here waits for a file or a lock.
"""

from __future__ import annotations

import time

from sysvinit_py.pid1 import kernel
from sysvinit_py.protocol import utmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UTMP = "/run/utmp"
WTMP = "/var/log/wtmp"

_O_RDWR, _O_WRONLY, _O_CREAT, _O_APPEND = 2, 1, 0o100, 0o2000
_O_TRUNC, _O_NONBLOCK = 0o1000, 0o4000
_LOCK_EX, _LOCK_NB = 2, 4
#: Late records for wtmp kept at most.
_MAX_LATE = 16
#: A utmp file larger than this is none.
_MAX_UTMP = 4 << 20


class Accounting:
    """Writes the records. What could not be written of the boot and the level is written later."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}  # where in utmp the record of an id was last
        self._late_utmp: dict[int, utmp.Record] = {}  # by type: BOOT_TIME and RUN_LVL
        self._late_wtmp: list[utmp.Record] = []
        self._release = kernel.uname().release

    def create(self) -> None:
        """Make an empty utmp file, as nobody of before the boot is there any more."""
        try:
            kernel.close(kernel.open(UTMP, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_NONBLOCK, 0o644))
        except OSError:
            pass

    def boot(self) -> None:
        """The machine was booted."""
        self._write_or_keep(utmp.boot_time(_now()))

    def level(self, level: str, old: str) -> None:
        """The runlevel changed."""
        self._write_or_keep(utmp.run_level(level, old, _now()))

    @property
    def recorded(self) -> tuple[bool, bool]:
        """Whether the boot, and the level, stand in both files."""
        late = {*self._late_utmp, *(record.type for record in self._late_wtmp)}
        return utmp.BOOT_TIME not in late, utmp.RUN_LVL not in late

    def started(self, id: str, pid: int) -> None:
        """A process of the entry runs."""
        self.write_late()
        record = utmp.init_process(id, pid, _now())
        self._update(record, lambda there: record if there is None or there.pid != pid else None)
        self._append(record)

    def ended(self, id: str, pid: int) -> None:
        """The process of the entry has ended."""
        self.write_late()
        line = ""

        def change(there: utmp.Record | None) -> utmp.Record:
            nonlocal line
            line = there.line if there is not None and there.pid == pid else ""
            return utmp.dead_process(id, pid, _now(), line)

        self._update(utmp.dead_process(id, pid, 0), change)
        self._append(utmp.dead_process(id, pid, _now(), line))

    def write_late(self) -> None:
        """Write what could not be written yet."""
        for type_, record in list(self._late_utmp.items()):
            if not self._update(record, lambda there, record=record: record):  # type: ignore[misc]
                break
            del self._late_utmp[type_]
        while self._late_wtmp and self._append(self._late_wtmp[0]):
            del self._late_wtmp[0]

    def _write_or_keep(self, record: utmp.Record) -> None:
        self._late_utmp[record.type] = record
        self._late_wtmp = [*self._late_wtmp, record][-_MAX_LATE:]
        self.write_late()

    def _update(
        self, record: utmp.Record, change: Callable[[utmp.Record | None], utmp.Record | None]
    ) -> bool:
        """Replace the record of this one's type or id by what ``change`` makes of it; None: leave it."""
        try:
            file = kernel.open(UTMP, _O_RDWR | _O_NONBLOCK)  # it is for the boot scripts to make a new one
        except OSError:
            return False
        try:
            _lock(file)
            offset, there = self._find(file, record)
            new = change(there)
            if new is not None:
                kernel.pwrite(file, utmp.pack(new), offset)
            if record.id:
                self._slots[record.id] = offset
        except OSError:
            return False
        finally:
            kernel.close(file)  # and with it the lock
        return True

    def _find(self, file: int, record: utmp.Record) -> tuple[int, utmp.Record | None]:
        """Look where the record was last before looking through the whole file."""
        last = self._slots.get(record.id)
        if last is not None:
            content = kernel.pread(file, utmp.SIZE, last)
            offset, there = utmp.place(content, record)
            if there is not None:
                return last + offset, there
        return utmp.place(kernel.pread(file, min(kernel.fstat(file).st_size, _MAX_UTMP), 0), record)

    def _append(self, record: utmp.Record) -> bool:
        """Add the record to wtmp, if it exists and can be written to."""
        try:
            file = kernel.open(WTMP, _O_WRONLY | _O_APPEND | _O_NONBLOCK)
        except OSError:
            return False
        try:
            kernel.write(file, utmp.pack(utmp.for_wtmp(record, self._release)))
        except OSError:
            return False
        finally:
            kernel.close(file)
        return True


def _now() -> int:
    """Nanoseconds since 1970."""
    return kernel.clock_gettime_ns(time.CLOCK_REALTIME)


def _lock(file: int) -> None:
    """Lock as glibc does, but never wait: somebody who keeps the lock must not stop init."""
    try:
        kernel.lockf(file, _LOCK_EX | _LOCK_NB)
    except OSError:
        pass
