"""Publishes the status of init (``report.slots``), so that readers cost init nothing.

It is in /run/inittab, if that folder belongs to init; before boot scripts have mounted /run, and if there is
no such folder, in two memfds. Their descriptors have fixed numbers, so that root can read /proc/1/fd/12. An
error here does not affect init: what cannot be published is withdrawn, and retried at the next change.
"""

from __future__ import annotations

from errno import EBUSY
from stat import S_IROTH, S_IXOTH

from sysvinit_py import __version__
from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.linux.loop import Source, clock
from sysvinit_py.linux.proc import contents
from sysvinit_py.machine.machine import ENDS
from sysvinit_py.machine.processes import A_FEW
from sysvinit_py.machine.stages import SYSINIT
from sysvinit_py.report import slots
from sysvinit_py.report.history import Ring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.machine.job import Job
    from sysvinit_py.machine.machine import Machine
    from sysvinit_py.machine.processes import Processes

    #: The fields of slots.Header from ``boot`` to ``busy``.
    _Head = tuple[str, int, str, str, str, float, str]

FOLDER = "/run/inittab"
STATUS, ENTRIES = "status", "entries"
FDS = {ENTRIES: 13, STATUS: 12}
_OTHERS_MAY_WRITE = 0o022
#: Seconds that changes may wait while processes are being ended, most of which end together.
_LULL = 0.05


class Publisher(Source):
    """Keeps the published status up to date; ``pause`` is called regularly while much is written."""

    deadline: float | None = None  # for what is not written yet

    def __init__(
        self, machine: Callable[[], Machine], pause: Callable[[], object], only_in_memory: bool = False
    ) -> None:
        self._only_in_memory = only_in_memory  # the folder belongs to another init
        self._machine = machine
        self._pause = pause
        self._boot = ""  # boot id; empty without /proc
        self._started = 0  # start time of this process; 0 without /proc
        self._jobs: object = None  # those that are published
        self._inittab: object = None  # the entries that they were made of
        self._consoles: object = None
        self._problems: object = None
        self._private: set[str] = set()  # the files that are not world-readable
        self._reading = 0  # number of the reading
        self._head: _Head | None = None
        self._has_place = False
        self.history = Ring()

    def take_place(self) -> None:
        """Reserve the descriptors; to be called before many others are open."""
        try:
            self._take_place()
        except OSError:
            pass  # retried later

    def write(self) -> None:
        """Publish changes."""
        machine = self._machine()
        processes, position = machine.processes, machine.position
        is_new = processes.jobs is not self._jobs
        if not self._boot:
            self._boot, self._started = _identity()
        head = (
            self._boot, self._started, position.stage, position.level, position.prevlevel, position.since,
            machine.busy,
        )  # fmt: skip
        if not (is_new or processes.changed or processes.notes or head != self._head):
            return
        if machine.busy == ENDS and self._head:
            now = clock()
            self.deadline = self.deadline or now + _LULL
            if now < self.deadline:
                return
        self.deadline = None
        at, events = self.history.add(processes.take_notes()) if processes.notes else (0, b"")
        # In a new stage /run may be mounted.
        moves = is_new or not self._head or head[:3] != self._head[:3]
        changed, self._jobs = processes.take_changed(), processes.jobs
        try:
            if moves and not (self._same_inittab(machine) and _in_place()):
                self._head = head
                self._write_all(machine, head)
                return
            self._write_slots(changed, processes)
            if events:
                end = slots.HEADER + slots.SLOT * len(processes.jobs)
                calls.pwrite(FDS[STATUS], events, end + at)
            if head != self._head:
                self._head = head
                calls.pwrite(FDS[STATUS], self._header(head), 0)
        except OSError:
            self.withdraw()

    def serve(self, ready: set[int], now: float) -> Iterable[object]:
        """Do nothing: changes are written at the end of the turn."""
        return ()

    def events(self) -> bytes:
        """Return the complete history, for the next init."""
        self.history.add(self._machine().processes.take_notes())
        self._jobs, self._inittab = None, None  # if this one continues it writes everything again
        return bytes(self.history.content)

    def look_again(self) -> None:
        """Have the next change check where the files are, as mounts have changed."""
        self._head = None

    def hand_over(self) -> None:
        """Publish that another init takes over; if that fails, the next :meth:`write` reverts it."""
        try:
            if self._head:
                handed = self._header(self._head, calls.clock_gettime(calls.CLOCK_BOOTTIME))
                self._head = None
                calls.pwrite(FDS[STATUS], handed, 0)
        except OSError:
            self.withdraw()

    def withdraw(self) -> None:
        """Invalidate the published status, which may be outdated."""
        self._jobs, self._inittab, self._head = None, None, None
        self._empty()

    def _empty(self) -> None:
        """Empty the file that was written last."""
        try:
            if self._has_place:
                calls.ftruncate(FDS[STATUS], 0)
        except OSError:
            pass  # the descriptor is /dev/null, or there is no remedy

    def _same_inittab(self, machine: Machine) -> bool:
        same = (
            machine.entries is self._inittab
            and machine.consoles is self._consoles
            and machine.problems is self._problems
        )
        self._inittab, self._consoles, self._problems = machine.entries, machine.consoles, machine.problems
        was, self._private = self._private, _private(machine.entries)
        return same and self._private == was

    def _write_all(self, machine: Machine, head: _Head) -> None:
        """Write header, slots and entries, in /run if possible."""
        if not self._has_place:
            self._take_place()
        jobs = machine.processes.jobs.values()
        self._reading = calls.clock_gettime_ns(calls.CLOCK_BOOTTIME)
        status = bytearray(self._header(head))
        for number, job in enumerate(jobs, 1):
            status += slots.slot(job, job.pid in machine.processes.endings)
            if not number % A_FEW:
                self._pause()
        contents = {
            ENTRIES: slots.entries(
                self._reading,
                _public([job.entry for job in jobs], self._private),
                [p.replace(reason=slots.HIDDEN) if p.file in self._private else p for p in machine.problems],
            ),
            STATUS: bytes(status + self.history.content),
        }
        self._pause()
        early = machine.position.stage == SYSINIT
        folder = _NONE if early or self._only_in_memory else _folder()
        try:
            if folder == _NONE or not _put(contents, folder):
                self._empty()  # it may be in a folder that others may write to now
                _put_in_memory(contents)
        finally:
            if folder != _NONE:
                calls.close(folder)

    def _write_slots(self, jobs: Iterable[Job], processes: Processes) -> None:
        """Write the slots of those jobs that are in the inittab; adjacent ones together."""
        run, end = b"", 0
        for job in sorted(jobs, key=lambda job: job.place):
            if processes.jobs.get(job.key) is not job:
                continue
            at = slots.HEADER + slots.SLOT * job.place
            if run and at != end:
                calls.pwrite(FDS[STATUS], run, end - len(run))
                run = b""
            run += slots.slot(job, job.pid in processes.endings)
            end = at + slots.SLOT
        if run:
            calls.pwrite(FDS[STATUS], run, end - len(run))

    def _header(self, head: _Head, handed: float = 0.0) -> bytes:
        return slots.header(slots.Header(__version__, self._reading, *head, handed))

    def _take_place(self) -> None:
        """Reserve the descriptors. Raises OSError if they are in use."""
        nothing = open_nothing()
        try:
            for fd in FDS.values():
                if (got := calls.fcntl(nothing, calls.F_DUPFD_CLOEXEC, fd)) != fd:
                    calls.close(got)
                    raise OSError(EBUSY, f"descriptor {fd} is in use")
        finally:
            calls.close(nothing)
        self._has_place = True


_NONE = -1


def _folder() -> int:
    """Open the folder, and make it if necessary; _NONE if others may write to it."""
    try:
        calls.mkdir(FOLDER, 0o755)
    except OSError:
        pass  # it exists, or cannot be made
    return _open_folder()


def _open_folder() -> int:
    try:
        folder = calls.open(FOLDER, calls.O_DIRECTORY | calls.O_NOFOLLOW | calls.O_CLOEXEC)
    except OSError:
        return _NONE
    try:
        status = calls.fstat(folder)
        if status.st_uid == calls.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE:
            return folder
    except OSError:
        pass
    calls.close(folder)
    return _NONE


def _put(contents: dict[str, bytes], folder: int) -> bool:
    """Write the files to the folder, each atomically; return False, and remove them, if that has failed."""
    how = calls.O_RDWR | calls.O_CREAT | calls.O_EXCL | calls.O_NOFOLLOW | calls.O_CLOEXEC
    try:
        for name, content in contents.items():
            draft = f"{name}.new"
            _remove(draft, folder)
            _fill(name, calls.open(draft, how, 0o644, dir_fd=folder), content)
            calls.rename(draft, name, dir_fd=folder)
    except OSError:
        for name in contents:
            _remove(name, folder)
            _remove(f"{name}.new", folder)
        return False
    return True


def _put_in_memory(contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        _fill(name, calls.memfd_create(name, calls.MFD_CLOEXEC), content)


def _fill(name: str, fd: int, content: bytes) -> None:
    """Write all content, so that no slot needs space later, and make ``fd`` the descriptor of that name."""
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[calls.write(fd, rest) :]
        calls.dup2(fd, FDS[name], inheritable=False)
    finally:
        calls.close(fd)


def _remove(name: str, folder: int) -> None:
    try:
        calls.unlink(name, dir_fd=folder)
    except OSError:
        pass


def _in_place() -> bool:
    """Return whether the open files are those in the folder, to which only init may write."""
    folder = _open_folder()
    if folder == _NONE:
        return False
    try:
        pairs = [
            (calls.stat(f"{FOLDER}/{name}", follow_symlinks=False), calls.fstat(fd))
            for name, fd in FDS.items()
        ]
    except OSError:
        return False
    finally:
        calls.close(folder)
    return all((found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino) for found, ours in pairs)


def _identity() -> tuple[str, int]:
    """Return the boot id, and the start time of this process."""
    try:
        return contents(slots.BOOT_ID).strip(), slots.start_time(contents("/proc/self/stat"))
    except (OSError, ValueError, IndexError):
        return "", 0


def _public(entries: list[Entry], private: set[str]) -> Iterable[Entry]:
    """Return the entries without the commands of files that are not world-readable."""
    if not private:
        return entries
    hide = {True: slots.HIDDEN, False: ""}
    return (e.replace(process=hide[bool(e.command)]) if e.file in private else e for e in entries)


def _private(entries: Iterable[Entry]) -> set[str]:
    return {file for file in {entry.file for entry in entries} if file and not _is_public(file)}


def _is_public(file: str) -> bool:
    """Return whether the file, with links followed, is world-readable, and all folders searchable."""
    try:
        handle = calls.open(file, calls.O_PATH | calls.O_CLOEXEC)
        try:
            if not calls.fstat(handle).st_mode & S_IROTH:
                return False
            place = calls.readlink(f"/proc/self/fd/{handle}")
        finally:
            calls.close(handle)
        while place := place.rpartition("/")[0]:
            if not calls.stat(place).st_mode & S_IXOTH:
                return False
    except OSError:
        return False
    return True
