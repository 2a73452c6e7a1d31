"""The runlevel state machine: boot, runlevels, requests (behaviour/boot and behaviour/runlevels).

The machine is in a *stage*: sysinit, boot, or a level. The jobs that may run in the stage are the *run
queue*. After each event the jobs that are due are started; when none of the stage's processes runs and
nothing is left to start, the stage is over, and the next one is chosen, once.

Nothing is started while a new inittab has to be read first, while processes are being ended, or while the
level is being asked for.
"""

from __future__ import annotations

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import SULOGIN, Entry, Problem
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import limits, rules, stages, steering
from sysvinit_py.machine.ending import NEVER
from sysvinit_py.machine.errors import MisuseError
from sysvinit_py.machine.job import Job
from sysvinit_py.machine.plain import Plain
from sysvinit_py.machine.processes import Position, Processes
from sysvinit_py.machine.throttle import Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

#: ``-b``: started before all others (behaviour/boot#arguments).
EMERGENCY = Entry("~~", "", "sysinit", "/sbin/sulogin")
#: What the machine as a whole is waiting for.
INITTAB, ANSWER, ENDS, NOTHING = "inittab", "answer", "ends", ""


class Machine(Plain):
    """The state and the decisions of init: takes events, returns effects.

    Nothing else changes it. A Start has to be answered before any other event, which ``driver`` ensures.
    """

    SAVED = (
        "emergency", "argument", "target", "boot_recorded", "boot_done", "reading", "must_read", "switching",
        "asking", "stage_handled", "nothing_left_said", "pending_on_demand", "pending_events", "wait_time",
        "graces", "reloads",
    )  # fmt: skip
    PROCESSES = Processes

    def __init__(self, wait_time: float = limits.WAIT_TIME) -> None:
        self.position = Position()
        self.processes = self.PROCESSES(self.position, self._do)
        self.entries: tuple[Entry, ...] = ()  # of the last reading
        self.consoles: tuple[Entry, ...] = ()  # of init.autocon
        self.emergency = False  # -b
        self.argument = ""  # the level that the kernel's argument names, until it is used
        self.target = ""  # the level to enter after the boot entries
        self.boot_recorded = False
        self.boot_done = False  # the boot entries have run
        self.reading = False  # ReadInittab was requested, and is not answered yet
        self.must_read = True  # nothing starts before the inittab is read: at boot, and in a switch
        self.switching = False  # a level was requested, and its entries are not being started yet
        self.asking = False  # the question for a level is open
        self.stage_handled = False  # the stage is over, and that was acted on
        self.nothing_left_said = False
        self.pending_on_demand: list[str] = []  # a, b, c: acted on when the inittab is read
        self.pending_events: list[str] = []  # such as power failed: acted on when the inittab is read
        self.wait_time = wait_time  # seconds from SIGTERM to SIGKILL
        self.problems: tuple[Problem, ...] = ()  # of the last reading
        self.graces: dict[str, float] = {}  # by file: seconds from SIGTERM to SIGKILL for requests to stop
        self.reloads: list[str] = []  # tokens of the requests that wait for the inittab to be read
        self.steering = steering.Steering(self.processes)
        self.single_user_throttle = Throttle()  # for level S if all of its processes end at once
        self._now = 0.0
        self._effects: list[fx.Effect] = []
        self._awaits_answer = False  # to a Start that was returned
        self._handlers = self._handlers_by_event()

    def _handlers_by_event(self) -> dict[type[ev.Event], Callable[[Any], Iterable[None] | None]]:
        return {
            ev.Booted: self._booted,
            ev.Resumed: self._resumed,
            ev.InittabRead: self._inittab_read,
            ev.InittabNotRead: self._inittab_not_read,
            ev.Started: self.processes.started,
            ev.CannotExecute: lambda event: self.processes.cannot_execute(event, self._now),
            ev.CannotFork: lambda event: self.processes.cannot_fork(event, self._now),
            ev.TerminalMissing: self.processes.terminal_missing,
            ev.TerminalsSeen: self._terminals_seen,
            ev.ChildExited: lambda event: self.processes.child_exited(event, self._now),
            ev.GroupGone: self.processes.group_gone,
            ev.LevelRequested: self._level_requested,
            ev.WaitTimeGiven: self._wait_time_given,
            ev.RereadRequested: self._reread_requested,
            ev.Called: self._called,
            ev.EntryRequested: self._entry_requested,
            ev.VariablesGiven: self._variables_given,
            ev.LevelAnswered: self._level_answered,
            ev.NoAnswer: self._no_answer,
            ev.Tick: lambda event: self.processes.time_passed(self._now),
        }

    def handle(self, event: ev.Event, now: float) -> list[fx.Effect]:
        """Handle an event at ``now``, seconds of a monotonic clock; return the effects to carry out."""
        for _ in self.steps(event, now):
            pass
        return self.take_effects()

    def steps(self, event: ev.Event, now: float) -> Iterator[None]:
        """Handle an event in steps of about a millisecond; take_effects() returns its effects then.

        Most events take one step, and yield nothing; those that go through a long inittab take more. Raises
        MisuseError for an event out of order.
        """
        if self._awaits_answer and not isinstance(event, ev.Answer):
            raise MisuseError(f"{event} out of order: a Start has to be answered first")
        self._now = now
        steps = self._handlers[type(event)](event)
        if steps:
            yield from steps
        while True:
            if self.processes.run_queue_stale:
                yield from self.processes.make_run_queue(self._now)
            if self.busy or not self._proceed():
                return

    def take_effects(self) -> list[fx.Effect]:
        """Return the effects of the event whose steps are done."""
        effects, self._effects = self._effects, []
        self._awaits_answer = self.processes.starting is not None
        return effects

    @property
    def deadline(self) -> float | None:
        """When the machine needs a Tick; None: not before another event."""
        deadline = self.processes.deadline
        return None if deadline == NEVER else deadline

    @property
    def busy(self) -> str:
        """What it waits for before it starts anything, or NOTHING."""
        if self.must_read:
            return INITTAB
        if self.asking:
            return ANSWER
        return ENDS if self.processes.endings else NOTHING

    @property
    def running(self) -> Mapping[int, Job]:
        """The jobs that have a process, by pid: the ends of these children are events."""
        return self.processes.running

    @property
    def terminals(self) -> set[str]:
        """The paths of all terminals that entries need."""
        return {job.terminal for job in self.processes.jobs.values() if job.terminal}

    @property
    def awaited(self) -> set[str]:
        """The paths of the terminals that entries wait for."""
        return self.processes.awaited

    # Continuing from a saved state, or after an internal error.

    def resume_inittab(self, entries: tuple[Entry, ...], consoles: tuple[Entry, ...]) -> None:
        """Set the entries of the last reading."""
        self.entries, self.consoles = entries, consoles

    def recompute_run_queue(self) -> None:
        """Decide again what has to be started, and whether the stage is over.

        An error may have occurred between the choice of a stage and the making of its run queue.
        """
        self.stage_handled = False
        self.processes.enter_stage()

    def adopt_child(self, event: ev.Started) -> None:
        """Enter a child whose start could not be handled."""
        self.processes.adopt_child(event)

    def repair_after_error(self) -> None:
        """Restore consistency after an error. No answer to a Start may be pending."""
        self._effects = [effect for effect in self._effects if not isinstance(effect, fx.Start)]
        self._awaits_answer = False
        self.processes.repair()

    def _do(self, *effects: fx.Effect) -> None:
        self._effects.extend(effects)

    def _proceed(self) -> bool:
        """Start what is due; if the stage is over, choose the next one, and return True."""
        self.switching = False
        if self.processes.start_due(self._now):
            self.stage_handled = False
        if self.stage_handled or not self.processes.stage_over:
            return False
        self.stage_handled = True
        self._stage_over()
        return True

    def _stage_over(self) -> None:
        """Do what ``stages.OVER`` says."""
        follows = stages.OVER[stages.kind(self.position.stage)]
        if follows == stages.CHOOSE:
            self._record_boot()
            self._find_target()
        elif follows == stages.TARGET:
            self.boot_done = True
            self._enter_level(self.target, came_from=stages.NO_LEVEL)
        else:
            self._say_nothing_left()

    def _record_boot(self) -> None:
        if not self.boot_recorded:
            self.boot_recorded = True
            self._do(fx.RecordBoot())

    def _say_nothing_left(self) -> None:
        """Report it, once in each level (behaviour/boot#nothing-left)."""
        if not self.nothing_left_said:
            self.nothing_left_said = True
            self._do(fx.Say("no more processes left in this runlevel"))

    # Boot, and the level after S has ended (behaviour/boot).

    def _booted(self, event: ev.Booted) -> None:
        self.argument, self.emergency, self.consoles = event.level, event.emergency, event.consoles
        self.position.since = self._now
        self.processes.note_stage(self._now)
        self._do(
            fx.SaneConsole(),
            fx.Say(f"version {__version__} booting", log=False),
            fx.ShowStage(self.position.stage),
        )
        self._read_inittab()

    def _resumed(self, event: ev.Resumed) -> None:
        """Repeat what was in progress in the previous init (behaviour/reexec)."""
        if self.reading:
            self._read_inittab()
        if self.asking:
            self._ask()
        if self.awaited:
            self._do(fx.WatchTerminals())

    def _find_target(self) -> None:
        """Enter the level after sysinit, or after S: of the argument, of initdefault, or of an answer."""
        level = self.argument or rules.initdefault(self.entries)
        self.argument = ""
        if level in stages.ENTERABLE:
            self._enter_target(stages.ENTERABLE[level])
        else:
            if level:
                self._do(fx.Say(f"Initdefault level '{level}' is invalid"))
            self._ask()

    def _enter_target(self, level: str) -> None:
        """Continue the boot to the level, or leave S, which has ended."""
        stage = stages.CHOSEN[stages.kind(level), self.boot_done]
        if stage == stages.SINGLE_USER:
            self._enter_single_user(otherwise=self._ask)
        elif stage == stages.LEVEL:
            self._enter_level(level, came_from=self.position.level)
        else:
            self.target = level
            self._enter_stage(stage)

    def _enter_single_user(self, otherwise: Callable[[], None]) -> None:
        """Enter S; call ``otherwise`` instead if it has just ended, and would end again at once."""
        if self.position.stage == stages.SINGLE_USER and not (
            self.single_user_throttle.allows(self._now) and self.processes.start_over()
        ):
            otherwise()
            return
        self.position.level = stages.SINGLE_USER
        self._enter_stage(stages.SINGLE_USER)

    def _enter_level(self, level: str, came_from: str) -> None:
        self.position.prevlevel, self.position.level = came_from, level
        self._do(fx.Say(f"Entering runlevel: {level}"), fx.RecordLevel(level, came_from))
        self._enter_stage(level)

    def _enter_stage(self, stage: str) -> None:
        self._set_stage(stage)
        self.processes.enter_stage()

    def _set_stage(self, stage: str) -> None:
        self.position.stage, self.position.since = stage, self._now
        self.processes.note_stage(self._now)
        self.stage_handled = self.nothing_left_said = False
        if stage in stages.SANE_CONSOLE_LEVELS:
            self._do(fx.SaneConsole())
        self._do(fx.ShowStage(stage))

    # The question for a level (behaviour/boot#target).

    def _ask(self) -> None:
        self.asking = True
        self._do(fx.SaneConsole(), fx.AskLevel())

    def _level_answered(self, event: ev.LevelAnswered) -> None:
        if not self.asking:
            return  # a request has answered it in the meantime
        if event.answer in stages.ENTERABLE:
            self._answered(stages.ENTERABLE[event.answer])
        else:
            self._do(fx.AskLevel())

    def _answered(self, level: str) -> None:
        """Enter the level that was typed or requested."""
        self.asking = False
        self.single_user_throttle.clear()
        self._enter_target(level)

    def _no_answer(self, event: ev.NoAnswer) -> None:
        if self.asking:
            self.asking = False
            self._enter_single_user(otherwise=self._say_nothing_left)

    # The inittab (behaviour/runlevels#who-ends).

    def _read_inittab(self) -> None:
        self.reading = True
        self._do(fx.ReadInittab())

    def _inittab_read(self, event: ev.InittabRead) -> Iterator[None]:
        """Use the reading, unless it is incomplete and there is an earlier one.

        See behaviour/inittab#files.
        """
        self._do(*(fx.Say(str(problem)) for problem in event.problems))
        if event.complete or not self.entries:
            self.entries, self.graces = event.entries, dict(event.graces)
        self.problems = event.problems
        self.processes.note_reading(self._now, len(event.problems), event.complete)
        for token in self.reloads:
            self._answer(token, steering.OK if event.complete else steering.INCOMPLETE)
        self.reloads = []
        self.reading = self.must_read = self.stage_handled = False
        self.single_user_throttle.clear()
        yield from self.processes.adopt(self._all_entries())
        self._apply_pending()
        self.processes.enter_stage()
        self.processes.end_misplaced(self.wait_time, self._now)

    def _inittab_not_read(self, event: ev.InittabNotRead) -> Iterator[None]:
        """Continue with the last reading; at boot, with that of an empty inittab."""
        problem = Problem("", 0, event.reason)
        return self._inittab_read(ev.InittabRead(self.entries or (SULOGIN,), (problem,), complete=False))

    def _all_entries(self) -> tuple[Entry, ...]:
        """Return the entries of the inittab and of the kernel's arguments (behaviour/boot#arguments)."""
        consoles = self.consoles
        if consoles:
            ids = {entry.id for entry in self.entries}
            consoles = tuple(entry for entry in consoles if entry.id not in ids)
        emergency = (EMERGENCY,) if self.emergency else ()
        return (*emergency, *self.entries, *consoles)

    def _apply_pending(self) -> None:
        for letter in self.pending_on_demand:
            self.processes.mark_on_demand(letter)
        for what in self.pending_events:
            self.processes.trigger(what)
        self.pending_on_demand, self.pending_events = [], []

    # Requests (behaviour/runlevels).

    def _level_requested(self, event: ev.LevelRequested) -> None:
        level = event.level
        if level not in stages.REQUESTS:
            self._do(fx.Say(f"bad runlevel: {level.upper()}"))
            return
        self.wait_time = event.wait_time
        if level in stages.ENTERABLE:
            self._switch(stages.ENTERABLE[level])
        elif level in stages.ON_DEMAND:
            self._start_on_demand(stages.ON_DEMAND[level])
        elif level in stages.REREAD:
            self._reread_requested()
        else:
            self._do(fx.Say("Trying to re-exec init", console=False), fx.Reexecute())

    def _switch(self, level: str) -> None:
        """Enter the level by request: at once, whatever is in progress."""
        position = self.position
        if self.asking:
            self._do(fx.StopAsking())
            self._answered(level)
            return
        if level == position.stage:
            return
        if position.stage in (stages.SYSINIT, stages.BOOT):
            self._record_boot()
            position.prevlevel = stages.NO_LEVEL
        elif not self.switching:
            position.prevlevel = position.level
        # else it replaces the level being entered, and the previous one stays
        position.level = level
        self.switching = self.must_read = True
        single_user = level == stages.SINGLE_USER
        self._do(
            fx.Say("Going single user" if single_user else f"Switching to runlevel: {level}"),
            fx.RecordLevel(level, position.prevlevel),
        )
        self._set_stage(level)
        self._read_inittab()

    def _reread_requested(self, event: ev.RereadRequested | None = None) -> None:
        self._do(fx.Say("Re-reading inittab", console=False))
        self._read_inittab()

    def _start_on_demand(self, letter: str) -> None:
        if self.position.stage != stages.SINGLE_USER:
            if letter not in self.pending_on_demand:
                self.pending_on_demand.append(letter)
            self._do(fx.Say(f"Activating demand-procedures for '{letter.upper()}'", console=False))
            self._read_inittab()

    def _terminals_seen(self, event: ev.TerminalsSeen) -> None:
        self.processes.terminals_seen(event.missing, self.wait_time, self._now)

    def _wait_time_given(self, event: ev.WaitTimeGiven) -> None:
        self.wait_time = event.wait_time

    def _called(self, event: ev.Called) -> None:
        """Trigger the entries of the event, once the inittab is read if that is in progress."""
        if not self.must_read:
            self.processes.trigger(event.what)
        elif event.what not in self.pending_events:
            self.pending_events.append(event.what)

    # Requests for one entry.

    def _entry_requested(self, event: ev.EntryRequested) -> None:
        if event.verb == steering.RELOAD:
            self.reloads.append(event.token)
            self._reread_requested()
            return
        jobs = [job for job in self.processes.jobs.values() if job.entry.id == event.id]
        wait_time = event.wait_time
        if wait_time is None:
            wait_time = max((self._grace(job.entry) for job in jobs), default=0.0)
        answers = [self.steering.ask(job, event, wait_time, self._now) for job in jobs]
        answers.sort(key=lambda answer: answer != steering.OK)  # the id ~~ may have several jobs
        self._answer(event.token, answers[0] if answers else steering.UNKNOWN, wait_time)

    def _grace(self, entry: Entry) -> float:
        """Return the seconds from SIGTERM to SIGKILL for a request that does not give them."""
        of_file = self.graces.get(entry.file, limits.WAIT_TIME)
        return of_file if entry.options.grace is None else entry.options.grace

    def _answer(self, token: str, answer: str, wait_time: float = 0.0) -> None:
        self.processes.note_answer(self._now, f"{token}:{answer}:{wait_time:g}")

    def _variables_given(self, event: ev.VariablesGiven) -> None:
        """Set or unset INIT_* variables, up to MAX_VARIABLES of them (behaviour/initctl#commands)."""
        variables = self.position.variables
        for name, value in event.changes:
            if not name.startswith("INIT_"):
                continue
            if value is None:
                variables.pop(name, None)
            elif name in variables or len(variables) < limits.MAX_VARIABLES:
                variables[name] = value
            else:
                self._do(fx.Say(f"{name} is not set: there are {limits.MAX_VARIABLES} variables already"))
