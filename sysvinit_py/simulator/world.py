"""A kernel that has what a machine wants: children, terminals, an inittab, and all the time there is.

Nothing here is real, and nothing waits: time passes when ``wait`` is called. A process that is told to end
does so at once, unless something was said otherwise. The tests' scenarios and ``inittab simulate`` share it.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.job import ANSWER, Job
from sysvinit_py.machine.machine import ENDS, Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.report import states
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from sysvinit_py.inittab.entry import Reading

#: How often the clock may be moved on in a life, so that each comes to its end.
MOST_TURNS = 200_000
#: A request's token.
TOKEN = "0123abcd"
ALL = ""  # in the place of an id: of all entries
_EXEMPT = "\0"  # behind an id: not this one, although all
_SIGNALS = {"TERM": 15, "KILL": 9}


class TooLongError(Exception):
    """More happens than a life may have."""


class StepError(Exception):
    """A step cannot be done, or an expectation is not met; says what there is instead."""


class Behaviour(Value):
    """How a child ends by itself, and after how many seconds; None: never."""

    status: int = 0  # as wait(2) gives it
    after: float | None = None


class Process:
    """A child, and the members it has left in its group."""

    def __init__(self, pid: int, entry: Entry) -> None:
        self.pid = pid
        self.entry = entry
        self.alive = True
        self.members = 0
        self.start: fx.Start | None = None


class World:
    """The kernel, and the machine that runs on it."""

    def __init__(self, inittab: str | tuple[Entry, ...], machine: Machine | None = None) -> None:
        self.driver = Driver(machine or Machine(), self.perform, lambda: self.now)
        self.inittab = entries(inittab) if isinstance(inittab, str) else inittab
        self.problems: tuple[Problem, ...] = ()  # of the inittab
        self.complete = True
        self.graces: tuple[tuple[str, float], ...] = ()
        self.files: dict[str, Reading] = {}  # other inittabs, by their names
        self.now = self.began = 1000.0
        self.last_pid = 100
        self.processes: dict[int, Process] = {}  # of every child that was; a group's number too
        self.starts: list[fx.Start] = []
        self.effects: list[fx.Effect] = []
        self.behaviours: dict[str, Behaviour] = {}  # by id
        self.members: dict[str, tuple[int, float | None]] = {}  # left in the group, and for how long
        self.deaf: set[str] = set()  # ids whose processes ignore SIGTERM
        self.frozen: set[str] = set()  # ids whose processes end from nothing
        self.leavers: set[str] = set()  # ids whose processes leave a member in the group, as deaf as they
        self.missing: set[str] = set()  # ids whose commands cannot be executed
        self.gone: set[str] = set()  # terminals that do not exist
        self.forks = True
        self.readable = True
        self.console = True
        self.answers = True  # whether ReadInittab is answered at once
        self.reading = False
        self.asked = False
        self._dying: list[tuple[Process, int]] = []
        self._due: list[tuple[float, int, Callable[[], object]]] = []  # a heap
        self._numbers = count()
        self._changes: dict[str, int] = {}  # the last change of a terminal, and of whether forks work
        self._turns = 0
        self._acts: dict[type[fx.Effect], Callable[[Any], ev.Event | None]] = {
            fx.Start: self.start, fx.Signal: self.signal, fx.Probe: self._probe, fx.ReadInittab: self._read,
            fx.AskLevel: self._ask_level, fx.StopAsking: self._stop_asking,
        }  # fmt: skip

    # What happens to the machine.

    def feed(self, event: ev.Event) -> None:
        """Do as PID 1 does; processes end when all effects are carried out."""
        self.driver.feed(event)
        while self._dying:
            process, status = self._dying.pop(0)
            self.driver.feed(ev.ChildExited(process.pid, status))

    @property
    def machine(self) -> Machine:
        """The machine that is told."""
        return self.driver.machine

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        """Pretend to carry out an effect; return the answer, if there is one at once."""
        self.effects.append(effect)
        act = self._acts.get(type(effect))
        return act(effect) if act else None

    def _probe(self, effect: fx.Probe) -> ev.Event | None:
        process = self.processes[effect.group]
        return None if process.alive or process.members else ev.GroupGone(effect.group)

    def _read(self, effect: fx.ReadInittab) -> ev.Event | None:
        self.reading = True
        return self.inittab_read() if self.answers else None

    def _ask_level(self, effect: fx.AskLevel) -> ev.Event | None:
        self.asked = self.console
        return None if self.console else ev.NoAnswer()

    def _stop_asking(self, effect: fx.StopAsking) -> None:
        self.asked = False

    def start(self, effect: fx.Start) -> ev.Event:
        """Start a child, if that can be done."""
        name = effect.entry.id
        if effect.terminal in self.gone:
            return ev.TerminalMissing(effect.key)
        self.starts.append(effect)
        if _has(self.missing, name):
            return ev.CannotExecute(effect.key, effect.entry.command)
        if not self.forks:
            return ev.CannotFork(effect.key)
        self.last_pid += 1
        process = Process(self.last_pid, effect.entry)
        process.start = effect
        process.members = int(_has(self.leavers, name))
        self.processes[process.pid] = process
        behaviour = self.behaviour(effect)
        if behaviour.after is not None:
            self.later(behaviour.after, lambda: self._ends(process, behaviour.status))
        return ev.Started(effect.key, process.pid)

    def behaviour(self, start: fx.Start) -> Behaviour:
        """Return how a child that is started now will end by itself."""
        return self.behaviours.get(start.entry.id) or self.behaviours.get(ALL) or Behaviour()

    def signal(self, effect: fx.Signal) -> None:
        """Send a signal to a group, which ends of it."""
        process = self.processes[effect.group]
        name = process.entry.id
        if _has(self.frozen, name) or (effect.name != "KILL" and _has(self.deaf, name)):
            return
        if not effect.leader_only:
            process.members = 0
        if process.alive:  # it ends, but not before the effects under way are carried out
            process.alive = False
            number = effect.name if isinstance(effect.name, int) else _SIGNALS[effect.name]
            self._dying.append((process, number if effect.name == "KILL" else _told(process, number)))

    def inittab_read(self) -> ev.Event:
        """Return what the reader says."""
        self.reading = False
        if not self.readable:
            return ev.InittabNotRead("cannot read inittab")
        return ev.InittabRead(self.inittab, self.problems, self.complete, self.graces)

    # Time.

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something done when so much time has passed."""
        heappush(self._due, (self.now + seconds, next(self._numbers), act))

    def wait(self, seconds: float) -> int:
        """Let time pass; return how often the machine was woken up. Raises TooLongError."""
        end, ticks = self.now + seconds, 0
        while True:
            deadline, due = self.machine.deadline, self._due[0][0] if self._due else None
            at = min((time for time in (deadline, due) if time is not None), default=None)
            if at is None or at > end:
                break
            self._turns += 1
            if self._turns > MOST_TURNS:
                raise TooLongError(f"more than {MOST_TURNS} things happen")
            self.now = max(self.now, at)
            if at == due:
                heappop(self._due)[2]()
            else:
                self.feed(ev.Tick())
                ticks += 1
        self.now = end
        return ticks

    def _changed(
        self, what: str, until: float | None = None, back: Callable[[], None] = lambda: None
    ) -> None:
        """Change it back after some seconds, unless it is changed again before."""
        number = self._changes[what] = next(self._numbers)
        if until is not None:
            self.later(until, lambda: back() if self._changes[what] == number else None)

    # Children.

    def id_of(self, group: int) -> str:
        """Return the id of the entry whose group it is."""
        return self.processes[group].entry.id

    def alive(self) -> list[str]:
        """Return the ids of what runs."""
        return [process.entry.id for process in self.processes.values() if process.alive]

    def running(self, name: str) -> Process:
        """Return the process of the entry, the last one of several. Raises StepError."""
        found = [p for p in self.processes.values() if p.alive and p.entry.id == name]
        if not found:
            raise StepError(f"{name} does not run")
        return found[-1]

    def end(self, name: str, status: int = 0) -> None:
        """Let a process end by itself."""
        self._ended(self.running(name), status)

    def _ends(self, process: Process, status: int) -> None:
        if process.alive and not _has(self.frozen, process.entry.id):
            self._ended(process, status)

    def _ended(self, process: Process, status: int) -> None:
        number, seconds = self.members.get(process.entry.id) or self.members.get(ALL) or (0, None)
        if number:
            process.members = number
            if seconds is not None:
                self.later(seconds, lambda: setattr(process, "members", 0))
        process.alive = False
        self.feed(ev.ChildExited(process.pid, _told(process, status)))

    def leave_member(self, name: str) -> None:
        """Let a process have a member of its group that outlives it."""
        self.running(name).members = 1

    def end_members(self, name: str) -> None:
        """Let end what the entry's processes have left in their groups."""
        for process in self.processes.values():
            if process.entry.id == name:
                process.members = 0

    # Terminals.

    def unplug(self, terminal: str, there_after: float | None = None) -> None:
        """Remove a terminal, perhaps only for some seconds."""
        self.gone.add(terminal)
        self._changed(terminal, there_after, lambda: self.plug(terminal))
        self.terminals_changed()

    def plug(self, terminal: str) -> None:
        """Let a terminal come."""
        self.gone.discard(terminal)
        self._changed(terminal)
        self.terminals_changed()

    def terminals_changed(self) -> None:
        """Look at them, if this world does so by itself."""

    def look_at_terminals(self) -> None:
        """Do as PID 1 does when it is asked to."""
        self.feed(ev.TerminalsSeen(tuple(sorted(self.machine.terminals & self.gone))))

    def set_forks(self, work: bool, until: float | None = None) -> None:
        """Let forks work or fail from now on, perhaps only for some seconds."""
        self.forks = work
        self._changed("forks", until, lambda: self.set_forks(not work))

    # The inittab.

    def edit(self, line: str) -> None:
        """Put the line into the inittab, in the place of the one with its id."""
        [new] = entries(line)
        if any(entry.id == new.id for entry in self.inittab):
            self.inittab = tuple(new if entry.id == new.id else entry for entry in self.inittab)
        else:
            self.inittab = (*self.inittab, new)

    def remove(self, name: str) -> None:
        """Remove an entry from the inittab."""
        self.inittab = tuple(entry for entry in self.inittab if entry.id != name)

    def take(self, reading: Reading) -> None:
        """Have another inittab."""
        self.inittab, self.problems, self.complete = reading.entries, reading.problems, reading.complete
        self.graces = tuple((path, of.grace) for path, of in reading.files if of.grace is not None)

    # Requests.

    def ask(
        self, verb: str, name: str, wait_time: float | None = None, signal: int = 15, answer: str = "ok"
    ) -> None:
        """Ask for something to be done with an entry. Raises StepError if the answer is another one."""
        self.feed(ev.EntryRequested(TOKEN, verb, name, "0,tty1", wait_time, signal))
        token, came, _ = self.last_answer().split(":")
        if (token, came) != (TOKEN, answer):
            raise StepError(f"answered {came}, not {answer}")

    def last_answer(self) -> str:
        """Return what the last request was answered."""
        return answers_of(self.machine)[-1]

    def reexecute(self) -> None:
        """Go on as the init that is executed does."""
        self.driver.machine = restore(save(self.machine))
        self.feed(ev.Resumed())

    def boot(self, level: str = "", emergency: bool = False) -> None:
        """Boot the machine."""
        self.feed(ev.Booted(level, emergency))

    # What it says of itself.

    def job(self, name: str) -> Job:
        """Return the first job of the id. Raises StepError."""
        for job in self.machine.processes.jobs.values():
            if job.entry.id == name:
                return job
        raise StepError(f"there is no entry {name}")

    def state(self, name: str) -> str:
        """Return the word for what an entry is doing."""
        return state_of(self.machine, self.job(name))

    def holder(self, name: str) -> str:
        """Return the id of the entry that has to end before the turn of this one comes; empty: none."""
        holder = held_back_by(self.machine, self.job(name))
        return holder.entry.id if holder else ""

    def waits(self) -> str:
        """Return what the machine as a whole waits for."""
        endings = self.machine.processes.endings.by_group.values()
        ids = [ending.entry_id for ending in endings if not ending.alone] if self.machine.busy == ENDS else []
        return " ".join((self.machine.busy, *ids))


def entries(text: str) -> tuple[Entry, ...]:
    """Return the entries of lines as in an inittab, without any check."""
    lines = [line.strip().split(":", 3) for line in text.split("\n") if line.strip()]
    return tuple(Entry(i, r, a, p, "inittab", n) for n, (i, r, a, p) in enumerate(lines, 1))


def answers_of(machine: Machine) -> list[str]:
    """Return what requests for one entry were answered, until somebody has taken the notes."""
    return [note[-1] for note in machine.processes.notes if note[1] == ANSWER]


def state_of(machine: Machine, job: Job) -> str:
    """Return what the job is doing."""
    return states.state(job, machine.position.stage, job.pid in machine.processes.endings).word


def held_back_by(machine: Machine, job: Job) -> Job | None:
    """Return the job that has to end before this one's turn comes."""
    return dict(states.holders(machine.processes.run_queue.jobs)).get(job)


def _told(process: Process, status: int) -> int:
    """Return the status that init sees: a process of its own leads the session that has the console."""
    leads = process.start and process.start.owns_console
    return 128 + (status & 0x7F) << 8 if leads and status & 0x7F else status


def _has(ids: Collection[str], name: str) -> bool:
    return name in ids or (ALL in ids and name + _EXEMPT not in ids)


def include(ids: set[str], name: str, so: bool = True) -> None:
    """Add the id or take it away, also from a set that has all of them."""
    (ids.add if so else ids.discard)(name)
    if name != ALL:
        (ids.discard if so else ids.add)(name + _EXEMPT)
