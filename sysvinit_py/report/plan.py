"""What init would end, start and leave: its own machine is asked, in a world where nothing is real.

There, what is told to end does so at once, and so does what is waited for; all else goes on forever.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import REPEATABLE_ID
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.job import Job, numbered
from sysvinit_py.machine.machine import ANSWER, Machine
from sysvinit_py.machine.stages import BOOT, SINGLE_USER, SYSINIT
from sysvinit_py.report.slots import HIDDEN, job_of
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sysvinit_py.inittab.entry import Entry, Reading
    from sysvinit_py.report.slots import Published

    #: Returns those of the paths at which there is no terminal.
    Missing = Callable[[Collection[str]], Collection[str]]

#: Pids from here on are of what has been started here: no process has one.
_FIRST_PID = 1 << 30
END, START, LEAVE = "end", "start", "leave"


class Step(Value):
    """What becomes of an entry's process."""

    what: str  # END, START or LEAVE
    entry: Entry
    pid: int | None = None  # None: it is yet to be started
    why: str = ""


class World:
    """A machine, and what it would do."""

    def __init__(
        self, machine: Machine, reading: Reading, now: float = 0.0, missing: Missing = lambda paths: ()
    ) -> None:
        self.machine = machine
        self._missing = missing
        self._driver = Driver(machine, self._perform, lambda: now)
        self._pids = _FIRST_PID
        self._reading = reading
        self._ended: list[int] = []
        self.started: list[tuple[str, Job]] = []  # since the last plan, and in which stage

    def plan(self, event: ev.Event, reading: Reading) -> list[Step]:
        """Return what follows from the event if this is what the inittab says then."""
        self._reading = reading
        before = dict(self.machine.running)
        commands = {pid: job.entry.process for pid, job in before.items()}
        self._ended, self.started = [], []
        self.tell(event)
        ended = [Step(END, before[pid].entry, _real(pid), self._why(before[pid])) for pid in self._ended]
        started = [
            Step(START, job.entry, None, _WAITED if job.rule.waited else "") for _, job in self.started
        ]
        left = [
            Step(LEAVE, job.entry, _real(pid), _CHANGED if _differ(commands[pid], job.entry) else "")
            for pid, job in before.items()
            if pid in self.machine.running and pid not in self._ended
        ]
        return [*ended, *started, *left]

    def tell(self, event: ev.Event) -> None:
        """Tell the machine, and let end what it waits for; but in S that would be the end of S."""
        self._driver.feed(event)
        while self.machine.position.stage != SINGLE_USER and (waited := self._waited()):
            self._driver.feed(*(ev.ChildExited(pid, 0) for pid in waited))

    def _waited(self) -> list[int]:
        running = self.machine.running.items()
        return [pid for pid, job in running if pid >= _FIRST_PID and job.rule.waited]

    def _perform(self, effect: fx.Effect) -> ev.Event | None:
        if isinstance(effect, fx.ReadInittab):
            reading = self._reading
            return ev.InittabRead(reading.entries, reading.problems, complete=reading.complete)
        if isinstance(effect, fx.Start):
            if effect.terminal and self._missing([effect.terminal]):
                return ev.TerminalMissing(effect.key)
            self._pids += 1
            self.started.append((effect.stage, self.machine.processes.jobs[effect.key]))
            return ev.Started(effect.key, self._pids)
        if isinstance(effect, fx.Signal) and effect.group not in self._ended:
            self._ended.append(effect.group)
            self._driver.add(ev.ChildExited(effect.group, 0))
        return ev.GroupGone(effect.group) if isinstance(effect, fx.Probe) else None

    def _why(self, job: Job) -> str:
        jobs = self.machine.processes.jobs
        if jobs.get(job.key) is job:
            return f"no place in level {self.machine.position.stage}"
        same = [key for key in jobs if key[0] == job.key[0]]
        return f"its action becomes {same[0][1]}" if same else "gone from the inittab"


_WAITED, _CHANGED = "waited for", "has the new command when it is started again"


def running(published: Published, reading: Reading, now: float, missing: Missing = lambda paths: ()) -> World:
    """Return the world in which an init stands; ``now`` on its clock."""
    header = published.header
    machine = Machine()
    jobs, processes = {}, {}
    for (key, entry), (_, fields) in zip(
        numbered(entry for entry, _ in published.slots), published.slots, strict=True
    ):
        marks = job_of(entry, fields)
        jobs[key] = job = Job(key, entry, marks.status)
        job.resume(marks.saved())
        if job.pid:
            processes[job.pid] = job
    entries = tuple(entry for entry, _ in published.slots)
    machine.resume_inittab(
        tuple(entry for entry in entries if not _is_console(entry)), tuple(filter(_is_console, entries))
    )
    machine.position.resume(
        machine.position.saved()
        | {"stage": header.stage, "level": header.level, "prevlevel": header.prevlevel, "since": header.since}
    )
    machine.processes.resume(jobs, processes, fork_failed=False)
    machine.resume(
        machine.saved()
        | {"must_read": False, "asking": header.busy == ANSWER, "boot_recorded": header.stage != SYSINIT,
           "boot_done": header.stage not in (SYSINIT, BOOT), "nothing_left_said": True}
    )  # fmt: skip
    return World(machine, reading, now, missing)


def booted(reading: Reading, level: str) -> World:
    """Return a world that was booted with an inittab; without a level, to that of initdefault."""
    world = World(Machine(), reading)
    world.tell(ev.Booted(level))
    return world


def _is_console(entry: Entry) -> bool:
    """Return whether a kernel argument has added it (init.autocon)."""
    return not entry.file and entry.id != REPEATABLE_ID


def _differ(process: str, entry: Entry) -> bool:
    return process not in (entry.process, HIDDEN)


def _real(pid: int) -> int | None:
    return pid if pid < _FIRST_PID else None
