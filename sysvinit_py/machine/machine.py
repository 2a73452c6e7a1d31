"""The runlevel state machine: boot, runlevels, who is started and who is ended (SPEC 2 to 4).

The machine stands in a *stage*: sysinit, boot, or a level. The jobs that have a place in the stage are its
*agenda*, in the order in which they are taken: entries for power and ctrlaltdel first, then all others, as
the file has them. A *cursor* walks along the agenda and starts what wants to start. It stands still at a
job that is waited for, and so holds back all after it. Before the cursor jobs are started when something
happens to them; what lies after it is found when the cursor comes there. At the end of the agenda, when
nothing runs any more, the stage is over.

While a new level's inittab is read, processes are ended, or the level is asked for, the cursor rests.
"""

from __future__ import annotations

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import rules
from sysvinit_py.machine.ending import Endings
from sysvinit_py.machine.job import STARTING, Job, Key, Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: ``-b``: before all else. SPEC 2.1.
EMERGENCY = Entry("~~", "", "sysinit", "/sbin/sulogin")
#: All there is when the first inittab cannot be read.
SULOGIN = Entry("~~", "S", "wait", "/sbin/sulogin")


class Machine:
    """What init knows and decides. Feed it with events, carry out the effects it answers with."""

    def __init__(self, wait_time: float = rules.WAIT_TIME) -> None:
        self.stage = rules.SYSINIT
        self.level = ""  # entered, or being entered; empty: none yet
        self.prevlevel = rules.NO_LEVEL
        self.target = ""  # the level to enter after the boot entries
        self.argument = ""  # the level that the kernel's argument names, until it is used
        self.emergency = False
        self.consoles: tuple[Entry, ...] = ()
        self.boot_recorded = False
        self.boot_done = False  # the boot entries have run
        self.switching = False  # a level was requested, and its entries are not being started yet
        self.reading = False  # before the first reading, or in a switch: nothing starts
        self.asking = False  # the question for a level is open
        self.demand = ""  # a, b or c, called and waiting for the inittab to be read
        self.nothing_left_said = False
        self.wait_time = wait_time
        self.variables: dict[str, str] = {}
        self.jobs: dict[Key, Job] = {}
        self.entries: tuple[Entry, ...] = ()
        self.running: dict[int, Job] = {}  # by pid
        self.starting: dict[Key, Job] = {}  # told to start, and not answered yet
        self.fork_failed = False  # and nothing was started since
        self.resting: dict[Key, float] = {}  # until when
        self.agenda: list[Job] = []
        self.cursor = 0
        self.endings = Endings()
        self.rounds = Throttle()  # of level S, so that an S in which nothing lasts does not turn in circles
        self._now = 0.0
        self._effects: list[fx.Effect] = []
        self._handlers: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.Booted: self._booted,
            ev.InittabRead: self._inittab_read,
            ev.InittabNotRead: self._inittab_not_read,
            ev.Started: self._started,
            ev.CannotExecute: self._cannot_execute,
            ev.CannotFork: self._cannot_fork,
            ev.ChildExited: self._child_exited,
            ev.GroupGone: self._group_gone,
            ev.LevelRequested: self._level_requested,
            ev.WaitTimeGiven: self._wait_time_given,
            ev.RereadRequested: self._reread_requested,
            ev.Called: self._called,
            ev.VariablesGiven: self._variables_given,
            ev.LevelAnswered: self._level_answered,
            ev.NoAnswer: self._no_answer,
            ev.Tick: self._tick,
        }

    def handle(self, event: ev.Event, now: float) -> list[fx.Effect]:
        """Take in what happened at ``now`` (seconds of a clock that never goes back) and say what to do."""
        self._now = now
        self._handlers[type(event)](event)
        effects, self._effects = self._effects, []
        return effects

    @property
    def deadline(self) -> float | None:
        """When the machine wants a Tick; None: not before something happens."""
        times = list(self.resting.values())
        ending = self.endings.deadline
        if ending is not None:
            times.append(ending)
        return min(times) if times else None

    @property
    def runlevel(self) -> str:
        """What RUNLEVEL says: S until a level is entered."""
        return self.level or rules.SINGLE_USER

    def _do(self, *effects: fx.Effect) -> None:
        self._effects.extend(effects)

    # Boot.

    def _booted(self, event: ev.Booted) -> None:
        self.argument, self.emergency, self.consoles = event.level, event.emergency, event.consoles
        self.reading = True
        self._do(
            fx.SaneConsole(),
            fx.Say(f"version {__version__} booting", log=False),
            fx.ShowStage(self.stage),
            fx.ReadInittab(),
        )

    def _find_target(self) -> None:
        """Which level comes after sysinit, or after S: the argument, initdefault, or the question."""
        level = self.argument or rules.initdefault(self.entries)
        self.argument = ""
        if level in rules.ENTERABLE:
            self._enter_target(level)
        else:
            if level:
                self._do(fx.Say(f"Initdefault level '{level}' is invalid"))
            self._ask()

    def _ask(self) -> None:
        self.asking = True
        self._do(fx.SaneConsole(), fx.AskLevel())

    def _level_answered(self, event: ev.LevelAnswered) -> None:
        if not self.asking:
            return
        if event.answer in rules.ENTERABLE:
            self.asking = False
            self.rounds.clear()  # a person has asked for it
            self._enter_target(rules.ENTERABLE[event.answer])
        else:
            self._do(fx.AskLevel())

    def _no_answer(self, event: ev.NoAnswer) -> None:
        self.asking = False
        self._enter_single_user(otherwise=self._say_nothing_left)

    def _enter_target(self, level: str) -> None:
        """Go on with the boot, or leave S that has ended: by way of the boot entries if they have not run."""
        if level == rules.SINGLE_USER:
            self._enter_single_user(otherwise=self._ask)
        elif not self.boot_done:
            self.target = level
            self._enter_stage(rules.BOOT)
        else:
            self._enter_level(level, came_from=self.level)

    def _enter_single_user(self, otherwise: Callable[[], None]) -> None:
        """Enter S; if it has just ended and has nothing that lasts, do the other thing, so as not to spin."""
        if self.stage == rules.SINGLE_USER:
            self._forget_runs(lambda job: True)
            something = any(rules.wants_start(job) for job in self._placed(rules.SINGLE_USER))
            if not (something and self.rounds.allows(self._now)):
                otherwise()
                return
        self.level = rules.SINGLE_USER
        self._enter_stage(rules.SINGLE_USER)

    def _enter_level(self, level: str, came_from: str) -> None:
        self.prevlevel, self.level = came_from, level
        self._do(fx.Say(f"Entering runlevel: {level}"), fx.RecordLevel(level, came_from))
        self._enter_stage(level)

    def _enter_stage(self, stage: str) -> None:
        """Stand in the stage, with a new agenda."""
        self.stage = stage
        self.nothing_left_said = False
        self._show_stage()
        self._make_agenda()
        self._proceed()

    def _show_stage(self) -> None:
        if self.stage in rules.SANE_CONSOLE_LEVELS:
            self._do(fx.SaneConsole())
        self._do(fx.ShowStage(self.stage))

    def _stage_over(self) -> None:
        """Nothing of the stage runs any more, and nothing is left to start."""
        if self.stage == rules.SYSINIT:
            self._record_boot()
            self._find_target()
        elif self.stage == rules.BOOT:
            self.boot_done = True
            self._enter_level(self.target, came_from=rules.NO_LEVEL)
        elif self.stage == rules.SINGLE_USER:
            self._find_target()
        else:
            self._say_nothing_left()

    def _record_boot(self) -> None:
        if not self.boot_recorded:
            self.boot_recorded = True
            self._do(fx.RecordBoot())

    def _say_nothing_left(self) -> None:
        if not self.nothing_left_said:
            self.nothing_left_said = True
            self._do(fx.Say("no more processes left in this runlevel"))

    # The agenda.

    def _make_agenda(self) -> None:
        """List the jobs of the stage anew and start over. Who has no place in it forgets its run."""
        for job in self.jobs.values():
            job.position = -1
        self._forget_runs(lambda job: not rules.has_place(job, self.stage))
        self.agenda = self._placed(self.stage)
        for position, job in enumerate(self.agenda):
            job.position = position
        self.cursor = 0

    def _placed(self, stage: str) -> list[Job]:
        placed = [job for job in self.jobs.values() if rules.has_place(job, stage)]
        return sorted(placed, key=lambda job: not rules.RULES[job.entry.action].first)

    def _forget_runs(self, of: Callable[[Job], bool]) -> None:
        """Clear the "has run" marks of level entries; sysinit and boot entries run once."""
        for job in self.jobs.values():
            if rules.RULES[job.entry.action].when == rules.IN_LEVEL and of(job):
                job.has_run = False

    @property
    def _on_hold(self) -> bool:
        """Nothing is started: the entries to take are not known yet, or the old ones are not gone yet."""
        return self.reading or self.asking or bool(self.endings)

    def _proceed(self) -> None:
        """Walk on along the agenda; at its end the stage may be over."""
        if self._on_hold:
            return
        self.switching = False
        while self.cursor < len(self.agenda):
            job = self.agenda[self.cursor]
            if rules.wants_start(job):
                self._start(job)
            if rules.waits(job):
                return
            self.cursor += 1
        if not self.starting and all(job.entry.action == "boot" for job in self.running.values()):
            self._stage_over()

    def _reconsider(self, job: Job) -> None:
        """Something happened to the job: if the cursor is past it, start it if it wants to."""
        if self._on_hold or not 0 <= job.position < self.cursor or not rules.wants_start(job):
            return
        self._start(job)
        if rules.waits(job):
            self.cursor = job.position

    # Starts and ends.

    def _start(self, job: Job) -> None:
        if rules.RULES[job.entry.action].again and not job.throttle.allows(self._now):
            self._do(fx.Say(f'Id "{job.entry.id}" respawning too fast: disabled for 5 minutes'))
            self._rest(job, rules.REST)
            return
        job.pid, job.has_run, job.called = STARTING, True, False
        self.starting[job.key] = job
        self._do(
            fx.Start(
                job.key,
                job.entry,
                self.stage,
                rules.owns_console(job.entry, self.stage),
                self.runlevel,
                self.prevlevel,
                tuple(self.variables.items()),
            )
        )

    def _started(self, event: ev.Started) -> None:
        job = self.starting.pop(event.key)
        job.pid = event.pid
        self.running[event.pid] = job
        self.fork_failed = False
        if job.entry.accounting:
            self._do(fx.RecordStart(job.entry.id, event.pid))
        if not self.starting:
            self._proceed()  # a stage may be over with only boot entries running

    def _cannot_execute(self, event: ev.CannotExecute) -> None:
        self._do(fx.Say(f'cannot execute "{event.command}"'))
        self._over(self.starting.pop(event.key))
        self._proceed()

    def _cannot_fork(self, event: ev.CannotFork) -> None:
        """Take the start back, and try again in a while."""
        job = self.starting.pop(event.key)
        job.pid, job.has_run = 0, False
        job.called = rules.RULES[job.entry.action].when == rules.ON_EVENT
        job.throttle.take_back()
        job.forking = True
        self._rest(job, rules.FORK_RETRY)
        if not self.fork_failed:
            self.fork_failed = True
            self._do(fx.Say("cannot fork, retry.."))
        self._proceed()

    def _child_exited(self, event: ev.ChildExited) -> None:
        job = self.running.pop(event.pid, None)
        if job is None:
            return  # an orphan
        if job.entry.accounting:
            self._do(fx.RecordEnd(job.entry.id, event.pid, event.status))
        if event.pid in self.endings:
            job.pid = 0
            self.endings.leader_ended(event.pid, self._now)
            self._do(fx.Probe(event.pid))
        else:
            self._over(job)
            self._proceed()

    def _over(self, job: Job) -> None:
        """The job's process has ended by itself, or could not be made."""
        job.pid = 0
        if not rules.RULES[job.entry.action].again:
            job.demanded = False
        self._reconsider(job)

    def _rest(self, job: Job, seconds: float) -> None:
        job.resting = True
        self.resting[job.key] = self._now + seconds

    def _tick(self, event: ev.Tick) -> None:
        for key in [key for key, until in self.resting.items() if until <= self._now]:
            del self.resting[key]
            job = self.jobs[key]
            if not job.forking:
                job.throttle.clear()
            job.resting = job.forking = False
            self._reconsider(job)
        self._do(*(fx.Probe(group) for group in self.endings.to_probe(self._now)))
        self._kill_due()
        self._proceed()

    def _end(self, jobs: list[Job]) -> None:
        """Send SIGTERM to the groups, and SIGKILL when the wait time is over, which may be at once."""
        if not jobs:
            return
        self._do(fx.Say("Sending processes configured via /etc/inittab the TERM signal", log=False))
        for job in jobs:
            job.has_run = False
            self._do(fx.Signal(job.pid, "TERM"))
            self.endings.add(job.pid, job.entry.id, self._now + self.wait_time)
        self._kill_due()

    def _kill_due(self) -> None:
        doomed = self.endings.to_kill(self._now)
        if doomed:
            self._do(fx.Say("Sending processes configured via /etc/inittab the KILL signal", log=False))
            self._do(*(fx.Signal(group, "KILL") for group in doomed))
        for ending in self.endings.to_give_up(self._now):
            self._do(fx.Say(f"Pid {ending.group} [id {ending.id}] seems to hang", log=False))
            self._forget_group(ending.group)

    def _group_gone(self, event: ev.GroupGone) -> None:
        if event.group in self.endings:
            self._forget_group(event.group)
            self._proceed()

    def _forget_group(self, group: int) -> None:
        self.endings.remove(group)
        job = self.running.pop(group, None)
        if job is not None:
            job.pid = 0

    # The inittab.

    def _inittab_read(self, event: ev.InittabRead) -> None:
        for problem in event.problems:
            self._do(fx.Say(str(problem)))
        self.reading = False
        if event.complete or not self.entries:
            self.entries = event.entries
        self.jobs = self._merge(self.entries)
        self._clear_throttle()
        for job in self.jobs.values():
            self._mark_demand(job)
        self.demand = ""
        self._make_agenda()
        self._end(
            [
                job
                for pid, job in self.running.items()
                if pid not in self.endings
                and (self.jobs.get(job.key) is not job or rules.must_end(job, self.stage))
            ]
        )
        self._proceed()

    def _inittab_not_read(self, event: ev.InittabNotRead) -> None:
        """Go on with what there was; at boot, with what an empty inittab gives."""
        self._do(fx.Say(event.reason))
        self._inittab_read(ev.InittabRead(self.entries or (SULOGIN,)))

    def _merge(self, entries: tuple[Entry, ...]) -> dict[Key, Job]:
        """The jobs of the entries: the old ones, with their marks, where id and action are the same."""
        jobs: dict[Key, Job] = {}
        if self.emergency and self.stage == rules.SYSINIT:
            key = (EMERGENCY.id, -1)
            jobs[key] = self.jobs.get(key) or Job(key, EMERGENCY)
        ids = {entry.id for entry in entries}
        for entry in (*entries, *(entry for entry in self.consoles if entry.id not in ids)):
            number = 0
            while (entry.id, number) in jobs:
                number += 1
            key = (entry.id, number)
            job = self.jobs.get(key)
            if job is None or job.entry.action != entry.action:
                job = Job(key, entry)
            job.entry = entry
            jobs[key] = job
        return jobs

    def _clear_throttle(self) -> None:
        self.resting.clear()
        for job in self.jobs.values():
            job.throttle.clear()
            job.resting = job.forking = False

    def _mark_demand(self, job: Job) -> None:
        """Mark what a, b or c calls; level S takes all such marks away."""
        if self.stage == rules.SINGLE_USER:
            job.demanded = False
        elif self.demand and rules.answers(job.entry, self.demand) and not job.pid:
            job.demanded, job.has_run = True, False

    # Requests.

    def _level_requested(self, event: ev.LevelRequested) -> None:
        self.wait_time = event.wait_time
        if event.level in rules.ENTERABLE:
            self._switch(rules.ENTERABLE[event.level])
        elif event.level in rules.ON_DEMAND:
            self._call_on_demand(rules.ON_DEMAND[event.level])
        elif event.level in ("q", "Q"):
            self._reread_requested()
        elif event.level in ("u", "U"):
            self._do(fx.Say("Trying to re-exec init", console=False), fx.Reexecute())
        else:
            self._do(fx.Say(f"bad runlevel: {event.level}"))

    def _switch(self, level: str) -> None:
        """Enter the level by request: at once, whatever is under way."""
        if self.asking:
            self.asking = False
            self._do(fx.StopAsking())
            self.rounds.clear()
            self._enter_target(level)
            return
        if level == self.level:
            return
        if self.stage in (rules.SYSINIT, rules.BOOT):
            self._record_boot()
            self.prevlevel = rules.NO_LEVEL
        elif (
            not self.switching
        ):  # else it replaces the level under way, and we still come from the one before
            self.prevlevel = self.level
        self.level = self.stage = level
        self.switching = self.reading = True
        self.nothing_left_said = False
        single_user = level == rules.SINGLE_USER
        self._do(
            fx.Say("Going single user" if single_user else f"Switching to runlevel: {level}"),
            fx.RecordLevel(level, self.prevlevel),
        )
        self._show_stage()
        self._do(fx.ReadInittab())

    def _reread_requested(self, event: ev.RereadRequested | None = None) -> None:
        self._do(fx.Say("Re-reading inittab", console=False), fx.ReadInittab())

    def _call_on_demand(self, letter: str) -> None:
        if self.stage != rules.SINGLE_USER:
            self.demand = letter
            self._do(
                fx.Say(f"Activating demand-procedures for '{letter.upper()}'", console=False),
                fx.ReadInittab(),
            )

    def _wait_time_given(self, event: ev.WaitTimeGiven) -> None:
        self.wait_time = event.wait_time

    def _called(self, event: ev.Called) -> None:
        for job in self.jobs.values():
            if job.entry.action in rules.CALLS[event.what]:
                job.called = True
                self._reconsider(job)
        self._proceed()

    def _variables_given(self, event: ev.VariablesGiven) -> None:
        for name, value in event.changes:
            if not name.startswith("INIT_"):
                continue
            if value is None:
                self.variables.pop(name, None)
            elif name in self.variables or len(self.variables) < rules.MAX_VARIABLES:
                self.variables[name] = value
            else:
                self._do(fx.Say(f"{name} is not set: there are {rules.MAX_VARIABLES} variables already"))
