"""What a machine needs to be tested: a fake kernel with a clock, and a little language for scenarios.

A scenario is a text of lines ``STEP -> EFFECT; EFFECT``, compared in order. Steps and effects are those of
the tables ``STEPS`` and ``WORDS``. Starts, signals and questions are always compared, other kinds of effects
if the scenario names the kind anywhere; what is said is of a kind if its first word is the same. A process
that is told to end does so at once, unless a step said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import Entry, Problem
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.job import ANSWER, Job
from sysvinit_py.machine.machine import ENDS, Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.report import states

#: How effects read in a scenario; the first word is the kind.
WORDS: dict[type[fx.Effect], Callable[[Any, World], str]] = {
    fx.Start: lambda e, w: f"{'try' if e.terminal in w.gone else 'start'} {e.entry.id}",
    fx.Signal: lambda e, w: f"{'signal ' * isinstance(e.name, int)}{e.name} {w.id_of(e.group)}",
    fx.WatchTerminals: lambda e, w: f"watch {len(w.machine.awaited)}",
    fx.Say: lambda e, w: "say " + e.text.replace(__version__, "0"),
    fx.AskLevel: lambda e, w: "ask",
    fx.StopAsking: lambda e, w: "stop-asking",
    fx.SaneConsole: lambda e, w: "sane-console",
    fx.ShowStage: lambda e, w: f"show {e.stage}",
    fx.ReadInittab: lambda e, w: "read",
    fx.RecordBoot: lambda e, w: "record-boot",
    fx.RecordLevel: lambda e, w: f"record-level {e.level} from {e.old}",
    fx.RecordStart: lambda e, w: f"record-start {e.id}",
    fx.RecordEnd: lambda e, w: f"record-end {e.id}",
    fx.Reexecute: lambda e, w: "re-execute",
    fx.Probe: lambda e, w: f"probe {w.id_of(e.group)}",
}
ALWAYS = {"start", "TERM", "KILL", "signal", "ask"}
#: A request's token.
TOKEN = "0123abcd"


def entries(text: str) -> tuple[Entry, ...]:
    """Entries of lines as in an inittab, without any check."""
    lines = [line.strip().split(":", 3) for line in text.split("\n") if line.strip()]
    return tuple(Entry(i, r, a, p, "inittab", n) for n, (i, r, a, p) in enumerate(lines, 1))


class Process:
    """A child, and the members it has left in its group."""

    def __init__(self, pid: int, entry: Entry) -> None:
        self.pid = pid
        self.entry = entry
        self.alive = True
        self.members = 0
        self.start: fx.Start | None = None


def answers_of(machine: Machine) -> list[str]:
    """What requests for one entry were answered, until somebody has taken the notes."""
    return [note[-1] for note in machine.processes.notes if note[1] == ANSWER]


class World:
    """A kernel that has what a machine wants, an inittab, a console, and all the time there is."""

    def __init__(self, inittab: str, machine: Machine | None = None) -> None:
        self.driver = Driver(machine or Machine(), self.perform, lambda: self.now)
        self.inittab = entries(inittab)
        self.now = 1000.0
        self.last_pid = 100
        self.processes: dict[int, Process] = {}  # of every child that was; a group's number too
        self.starts: list[fx.Start] = []
        self.effects: list[fx.Effect] = []
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
        self._dying: list[Process] = []

    # What happens to the machine.

    def feed(self, event: ev.Event) -> None:
        """Do as PID 1 does; processes end when all effects are carried out."""
        self.driver.feed(event)
        while self._dying:
            self.driver.feed(ev.ChildExited(self._dying.pop(0).pid, 0))

    @property
    def machine(self) -> Machine:
        return self.driver.machine

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        self.effects.append(effect)
        if isinstance(effect, fx.Start):
            return self.start(effect)
        if isinstance(effect, fx.Signal):
            self.signal(effect)
        elif isinstance(effect, fx.Probe):
            process = self.processes[effect.group]
            return None if process.alive or process.members else ev.GroupGone(effect.group)
        elif isinstance(effect, fx.ReadInittab):
            self.reading = True
            return self.inittab_read() if self.answers else None
        elif isinstance(effect, fx.AskLevel):
            self.asked = self.console
            return None if self.console else ev.NoAnswer()
        elif isinstance(effect, fx.StopAsking):
            self.asked = False
        return None

    def start(self, effect: fx.Start) -> ev.Event:
        if effect.terminal in self.gone:
            return ev.TerminalMissing(effect.key)
        self.starts.append(effect)
        if effect.entry.id in self.missing:
            return ev.CannotExecute(effect.key, effect.entry.command)
        if not self.forks:
            return ev.CannotFork(effect.key)
        self.last_pid += 1
        process = Process(self.last_pid, effect.entry)
        process.start = effect
        process.members = effect.entry.id in self.leavers
        self.processes[process.pid] = process
        return ev.Started(effect.key, process.pid)

    def signal(self, effect: fx.Signal) -> None:
        process = self.processes[effect.group]
        name = process.entry.id
        if name in self.frozen or (effect.name != "KILL" and name in self.deaf):
            return
        if not effect.leader_only:
            process.members = 0
        self.kill(process)

    def kill(self, process: Process) -> None:
        """Let it end, but not before the effects under way are carried out."""
        if process.alive:
            process.alive = False
            self._dying.append(process)

    def inittab_read(self) -> ev.Event:
        self.reading = False
        if not self.readable:
            return ev.InittabNotRead("cannot read inittab")
        return ev.InittabRead(self.inittab)

    def id_of(self, group: int) -> str:
        return self.processes[group].entry.id

    def alive(self) -> list[str]:
        return [process.entry.id for process in self.processes.values() if process.alive]

    def running(self, name: str) -> Process:
        """The one live process of the entry."""
        [process] = [p for p in self.processes.values() if p.alive and p.entry.id == name]
        return process

    def end(self, name: str, status: int = 0) -> None:
        """A process ends by itself."""
        process = self.running(name)
        process.alive = False
        self.feed(ev.ChildExited(process.pid, status))

    def wait(self, seconds: float) -> int:
        """Let time pass; return how often the machine was woken up."""
        end, ticks = self.now + seconds, 0
        while (deadline := self.machine.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.feed(ev.Tick())
            ticks += 1
            after = self.machine.deadline
            assert after is None or after > self.now, "a deadline that does not pass"
        self.now = end
        return ticks

    def end_members(self, name: str) -> None:
        """What the entry's processes have left in their groups ends."""
        for process in self.processes.values():
            if process.entry.id == name:
                process.members = 0

    # What it says of itself.

    def job(self, name: str) -> Job:
        """The one job of the id."""
        [job] = [job for job in self.machine.processes.jobs.values() if job.entry.id == name]
        return job

    def check_state(self, name: str, word: str) -> None:
        assert state_of(self.machine, self.job(name)) == word

    def check_held_back(self, name: str, by: str) -> None:
        holder = held_back_by(self.machine, self.job(name))
        assert holder
        assert holder.entry.id == by

    def check_waits(self, what: str) -> None:
        endings = self.machine.processes.endings.by_group.values()
        ids = [ending.entry_id for ending in endings if not ending.alone] if self.machine.busy == ENDS else []
        assert " ".join((self.machine.busy, *ids)) == what

    # The scenario language.

    def step(self, text: str) -> None:
        """Carry out one step."""
        for pattern, action in STEPS.items():
            if match := re.fullmatch(pattern, text):
                action(self, *match.groups())
                return
        raise ValueError(f"no such step: {text}")

    def edit(self, line: str) -> None:
        """Put the line into the inittab, in the place of the one with its id."""
        [new] = entries(line)
        if any(entry.id == new.id for entry in self.inittab):
            self.inittab = tuple(new if entry.id == new.id else entry for entry in self.inittab)
        else:
            self.inittab = (*self.inittab, new)

    def remove(self, name: str) -> None:
        self.inittab = tuple(entry for entry in self.inittab if entry.id != name)

    def look_at_terminals(self) -> None:
        """Do as PID 1 does when it is asked to."""
        self.feed(ev.TerminalsSeen(tuple(self.machine.terminals & self.gone)))

    def ask(self, verb: str, name: str, how: str = "", answer: str = "ok") -> None:
        """Somebody asks for something to be done with an entry, and gets an answer."""
        wait_time = float(how.removeprefix(" -t")) if how.startswith(" -t") else None
        signal = int(how.removeprefix(" -s")) if how.startswith(" -s") else 15
        self.feed(ev.EntryRequested(TOKEN, verb, name, "0,tty1", wait_time, signal))
        assert answers_of(self.machine)[-1].split(":")[:2] == [TOKEN, answer]

    def reexecute(self) -> None:
        """Go on as the init that is executed does."""
        self.driver.machine = restore(save(self.machine))
        self.feed(ev.Resumed())

    def boot(self, level: str = "", emergency: bool = False) -> None:
        self.feed(ev.Booted(level, emergency))


#: Steps, and what they do.
STEPS: dict[str, Callable[..., object]] = {
    r"boot": lambda w: w.boot(),
    r"boot (\w)": lambda w, level: w.boot(level),
    r"boot -b": lambda w: w.boot(emergency=True),
    r"(\S+) ends": lambda w, name: w.end(name),
    r"(\S+) ends with (\d+)": lambda w, name, status: w.end(name, int(status)),
    r"telinit (\S)": lambda w, level: w.feed(ev.LevelRequested(level, 5)),
    r"telinit -t(-?\d+) (\S)": lambda w, t, level: w.feed(ev.LevelRequested(level, float(t))),
    r"(stop|start|restart|kill) (\S+)( -[st]\d+)?": lambda w, verb, name, how: w.ask(verb, name, how or ""),
    r"(stop|start|restart|kill) (\S+), (\S+)": lambda w, verb, name, answer: w.ask(verb, name, "", answer),
    r"re-execution": lambda w: w.reexecute(),
    r"SIGHUP": lambda w: w.feed(ev.RereadRequested()),
    r"(power \w+|ctrlaltdel|kbrequest|resume)": lambda w, what: w.feed(ev.Called(what)),
    r"wait time (\d+)": lambda w, t: w.feed(ev.WaitTimeGiven(float(t))),
    r"wait ([\d.]+)": lambda w, seconds: w.wait(float(seconds)),
    r"answer ?(.*)": lambda w, answer: w.feed(ev.LevelAnswered(answer)),
    r"no answer": lambda w: w.feed(ev.NoAnswer()),
    r"set (\w+)=(\w*)": lambda w, name, value: w.feed(ev.VariablesGiven(((name, value),))),
    r"unset (\w+)": lambda w, name: w.feed(ev.VariablesGiven(((name, None),))),
    r"edit (.*)": lambda w, line: w.edit(line),
    r"remove (\S+)": lambda w, name: w.remove(name),
    r"inittab unreadable": lambda w: setattr(w, "readable", False),
    r"inittab incomplete": lambda w: w.feed(
        ev.InittabRead(w.inittab, (Problem("x.tab", 0, "cannot be read"),), complete=False)
    ),
    r"inittab is slow": lambda w: setattr(w, "answers", False),
    r"inittab is read": lambda w: w.feed(w.inittab_read()),
    r"no console": lambda w: setattr(w, "console", False),
    r"(\S+) ignores TERM": lambda w, name: w.deaf.add(name),
    r"(\S+) hangs": lambda w, name: w.frozen.add(name),
    r"(\S+) thaws": lambda w, name: w.frozen.discard(name),
    r"(\S+) leaves a member": lambda w, name: setattr(w.running(name), "members", 1),
    r"member of (\S+) ends": lambda w, name: w.end_members(name),
    r"(\S+) is missing": lambda w, name: w.missing.add(name),
    r"no (/dev/\S+)": lambda w, terminal: w.gone.add(terminal),
    r"a (/dev/\S+)": lambda w, terminal: w.gone.discard(terminal),
    r"look": lambda w: w.look_at_terminals(),
    rf"(\S+): ({'|'.join(states.STATES)})": lambda w, id, word: w.check_state(id, word),
    r"(\S+): held back by (\S+)": lambda w, name, by: w.check_held_back(name, by),
    r"waits for ?(.*)": lambda w, what: w.check_waits(what),
    r"forks fail": lambda w: setattr(w, "forks", False),
    r"forks work": lambda w: setattr(w, "forks", True),
}


def state_of(machine: Machine, job: Job) -> str:
    """What the job is doing."""
    return states.state(job, machine.position.stage, job.pid in machine.processes.endings).word


def held_back_by(machine: Machine, job: Job) -> Job | None:
    """The job that has to end before this one's turn comes."""
    return dict(states.holders(machine.processes.run_queue.jobs)).get(job)


def play(inittab: str, scenario: str) -> World:
    """Play a scenario; AssertionError names the line that came out differently."""
    world = World(inittab)
    lines = [line.strip() for line in scenario.split("\n") if line.strip()]
    wanted = [effect for line in lines for effect in _effects_of(line)]
    kinds = ALWAYS | set(map(_kind, wanted))
    came: list[str] = []
    for line in lines:
        world.effects.clear()
        step = line.split("->")[0].strip()
        world.step(step)
        shown = [WORDS[type(effect)](effect, world) for effect in world.effects]
        came.append(f"{step} -> {'; '.join(s for s in shown if _kind(s) in kinds)}")
    normal = [f"{line.split('->')[0].strip()} -> {'; '.join(_effects_of(line))}" for line in lines]
    for n, (is_, should) in enumerate(zip(came, normal, strict=True)):
        assert is_ == should, "\n".join(["", *came[:n], f"  is:     {is_}", f"  should: {should}"])
    return world


def _kind(effect: str) -> str:
    first, *more = effect.split()
    return f"say {more[0]}" if first == "say" else first


def _effects_of(line: str) -> list[str]:
    _, _, effects = line.partition("->")
    return [effect.strip() for effect in effects.split(";") if effect.strip()]
