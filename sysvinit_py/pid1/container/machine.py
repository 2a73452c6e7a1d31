"""The machine of a container: the SysV machine, which also decides when the container ends, and its status.

A table of roles (``policy``) is applied to ends of processes. To stop is to enter level 0: all processes are
sent SIGTERM at once, then the clean-up entries run, within one grace time. See behaviour/container.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import SULOGIN
from sysvinit_py.linux import calls
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import limits, stages
from sysvinit_py.machine.ending import Ending
from sysvinit_py.machine.job import NOT_EXECUTED, RESTARTED
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.processes import Processes
from sysvinit_py.pid1.container import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.machine.job import Job

#: Instead of a process group: all descendants that are not in the group of an entry.
OTHERS = 0
#: Seconds between two messages about restarted services.
_PAUSE = 1.0


class StopRequested(ev.Event):
    """A signal, or telinit 0 or 6, requests the end of the container."""

    why: str
    level: str = "0"


class Forwarded(ev.Event):
    """A signal for the main process has come."""

    number: int


class Reaped(ev.Event):
    """Children were reaped."""


class OthersLeft(ev.Event):
    """The other answer to Probe of OTHERS."""


class OthersGone(ev.Event):
    """The answer to LookForOthers if there are no descendants."""


class LookForOthers(fx.Effect):
    """Check whether there are any descendants; answered by OthersGone if not."""


class Forward(fx.Effect):
    """Send a signal to one process."""

    pid: int
    number: int


class ContainerProcesses(Processes):
    """The processes, with the rules of the last stage, and the throttle that ends the container."""

    over = False  # the grace time is over: nothing may run any more
    throttled: Job | None = None

    @property
    def stopping(self) -> bool:
        """Whether this is the last stage, in which the container ends."""
        return self.position.stage in policy.STOP_LEVELS

    def has_place(self, job: Job) -> bool:
        """Return whether the job may run in the stage; in the last one only clean-up entries may."""
        if not self.stopping:
            return super().has_place(job)
        return not self.over and policy.cleans_up(job.entry, self.position.stage)

    def must_end(self, job: Job) -> bool:
        """Return whether its process has to end; in the last stage, unless it may run there."""
        return not self.has_place(job) if self.stopping else super().must_end(job)

    def enter_stage(self) -> None:
        """Have the run queue made; in the last stage, do not wait for the end of a backoff."""
        super().enter_stage()
        while self.stopping and self._resting:
            self._rested(self.jobs[self._resting.pop()[1]])

    def _end(self, job: Job, kill_at: float, why: str, alone: bool = False) -> None:
        """End it; continue it, too, as a stopped process does not handle the signal."""
        super()._end(job, kill_at, why, alone)
        self._do(fx.Signal(job.pid, calls.SIGCONT))

    def end_grace(self) -> None:
        """Let nothing run any more."""
        self.over = True
        self.enter_stage()

    def patience(self, job: Job, wait_time: float) -> float:
        """Return the entry's grace if that is shorter."""
        grace = job.entry.options.grace
        return wait_time if grace is None else min(grace, wait_time)

    def throttle(self, job: Job, now: float) -> None:
        """Note that the job was started too often, which ends the container."""
        self._note(now, "rest", job)
        job.rest(until=now + limits.REST)
        self.changed.add(job)
        self.throttled = job


class ContainerMachine(Machine):
    """Decides when the container ends. Then ``status`` is the exit status."""

    PROCESSES = ContainerProcesses
    processes: ContainerProcesses

    def __init__(self, grace: float) -> None:
        super().__init__(wait_time=grace)
        self.grace = grace
        self.given: int | None = None  # the exit status, if it is determined already
        self.main_code = 0  # of the main process, if it ended by itself after a request to stop
        self.killed = False  # SIGKILL was necessary
        self.stop_at: float | None = None  # when the grace time is over; None: not stopping yet
        self.asked = False  # a stop was requested
        self.status: int | None = None
        self.others_left = False  # the last probe has found descendants outside the groups of entries
        self._not_before = 0.0  # for the next message about a service

    def _handlers_by_event(self) -> dict[type[ev.Event], Callable[[Any], Iterable[None] | None]]:
        return super()._handlers_by_event() | {
            ev.ChildExited: self._child_exited,
            ev.CannotExecute: self._cannot_execute,
            ev.GroupGone: self._group_gone,
            StopRequested: self._stop_requested,
            Forwarded: self._forwarded,
            Reaped: self._reaped,
            OthersLeft: self._others_left,
            OthersGone: self._others_gone,
        }

    def steps(self, event: ev.Event, now: float) -> Iterator[None]:
        """Handle an event as the SysV machine does, and decide whether the container ends."""
        yield from super().steps(event, now)
        throttled = self.processes.throttled
        if throttled and self.stop_at is None:
            code = policy.code_of(max(throttled.status, 0))
            self._fails(throttled, code or policy.FAILED, "throttled")
        if self.stop_at is not None:
            self._go_on_stopping(self.stop_at)
        elif self._nothing_runs:
            self._do(LookForOthers())

    @property
    def _nothing_runs(self) -> bool:
        """Whether no entry runs or will be started, not even a service that was stopped by request."""
        if self.busy or self.reading or self.running or self.position.stage != self.position.level:
            return False
        jobs = self.processes.jobs.values()
        held = any(job.stopped and policy.role(job.entry) == policy.SERVICE for job in jobs)
        return self.processes.stage_over and not held

    def take_effects(self) -> list[fx.Effect]:
        """Return the effects of the event; note whether anything has to be killed."""
        effects = super().take_effects()
        signals = (effect for effect in effects if isinstance(effect, fx.Signal) and effect.name == "KILL")
        kills = [kill for kill in signals if kill.group != OTHERS or self.others_left]
        if self.stop_at is not None and kills:
            self.killed = True
            effects += map(self._tell_of, kills)
        return effects

    def _tell_of(self, kill: fx.Signal) -> fx.Say:
        ending = self.processes.endings.by_group[kill.group]
        who = ending.entry_id or "processes that left their entry"
        return fx.Say(f"{who}: killed after {self._now - self.position.since:.1f} s")

    @property
    def deadline(self) -> float | None:
        """When the machine needs a Tick, also at the end of the grace time."""
        deadline = super().deadline
        if self.stop_at is None or self.processes.over:
            return deadline
        return self.stop_at if deadline is None else min(deadline, self.stop_at)

    # The ends of processes.

    def _child_exited(self, event: ev.ChildExited) -> None:
        job = self.running.get(event.pid)
        told = event.pid in self.processes.endings
        self.processes.child_exited(event, self._now)
        if job and job.pid != event.pid:
            self._ended(job, policy.code_of(event.status), told)

    def _cannot_execute(self, event: ev.CannotExecute) -> None:
        job = self.processes.starting
        said = job is not None and job.status == NOT_EXECUTED
        self.processes.cannot_execute(event, self._now)
        if said:
            self._effects.pop()  # once is enough
        if job:
            self._ended(job, policy.code_of_reason(event.reason), told=False)

    def _ended(self, job: Job, code: int, told: bool) -> None:
        """Act on the end of a process, by the role of its entry."""
        role = policy.role(job.entry)
        if self.stop_at is not None:
            if role == policy.MAIN and not self.main_code:
                stop = job.entry.options.stop or calls.SIGTERM
                sent = (stop, calls.SIGKILL) if self.killed else (stop,)
                self.main_code = policy.own_code(code, sent if told else ())
        elif role == policy.MAIN:
            if job.why != RESTARTED:
                self._stop("0", code)
        elif role == policy.SETUP and code and not told:
            self._fails(job, code, "set-up failed")
        elif role == policy.SERVICE and not told and self._now >= self._not_before:
            self._not_before = self._now + _PAUSE
            self._do(fx.Say(f"{job.entry.id}: restarted after code {code}"))

    def _fails(self, job: Job, code: int, why: str) -> None:
        self._do(fx.Say(f"{job.entry.id}: {why}, the container ends with code {code}"))
        self._stop("0", code)

    def _forwarded(self, event: Forwarded) -> None:
        for pid, job in self.running.items():
            if job.pid == pid and policy.role(job.entry) == policy.MAIN:
                self._do(Forward(pid, event.number))

    # The end of the container.

    def _stop_requested(self, event: StopRequested) -> None:
        """Stop; at the second request, kill what is left."""
        if self.asked:
            self._end_grace()
        elif self.stop_at is None:
            self._do(fx.Say(f"stopped by {event.why}"))
            self._stop(event.level, None)
        self.asked = True  # last, as the event is handled again after an internal error

    def _stop(self, level: str, given: int | None) -> None:
        if self.stop_at is not None:
            return
        self.given, self.stop_at = given, self._now + self.grace
        self.must_read = self.reading = self.switching = False  # the result of a reading is ignored
        self.position.prevlevel, self.position.level = self.position.level or stages.NO_LEVEL, level
        self._set_stage(level)
        self.processes.enter_stage()
        self._do(fx.Signal(OTHERS, "TERM"), fx.Probe(OTHERS))
        endings = self.processes.endings
        endings.add(Ending(OTHERS, "", self.stop_at))
        endings.leader_ended(OTHERS, self._now)
        self._end_misplaced()

    def _end_misplaced(self) -> None:
        left = (self.stop_at or self._now) - self._now
        self.processes.end_misplaced(max(left, 0.0), self._now)

    def _end_grace(self) -> None:
        """Kill everything, and start nothing more."""
        self.stop_at = min(self.stop_at or self._now, self._now)
        self.processes.end_grace()
        self.processes.endings.hurry(self._now)
        self._end_misplaced()
        self.processes.time_passed(self._now)

    def _go_on_stopping(self, stop_at: float) -> None:
        if self._now >= stop_at and not self.processes.over:
            self._end_grace()
        self._end_misplaced()  # what was being started when the stop began
        while self.processes.run_queue_stale:
            for _ in self.processes.make_run_queue(self._now):
                pass
        over = not self.processes.endings.by_group and self.processes.stage_over
        if over and self.status is None:
            self.status = policy.exit_status(self.given, self.main_code, self.killed)

    def _group_gone(self, event: ev.GroupGone) -> None:
        """Forget the group; OTHERS only after the groups of all entries, which may leave some."""
        if event.group == OTHERS:
            self.others_left = False
        if event.group != OTHERS or len(self.processes.endings.by_group) == 1:
            self.processes.group_gone(event)

    def _others_left(self, event: OthersLeft) -> None:
        self.others_left = True

    def _reaped(self, event: Reaped) -> None:
        if OTHERS in self.processes.endings:
            self._do(fx.Probe(OTHERS))

    def _others_gone(self, event: OthersGone) -> None:
        if self.stop_at is None and not self.running:
            self._stop("0", policy.first_failure(self.processes.jobs.values()))

    # Differences from the SysV machine.

    def _all_entries(self) -> tuple[Entry, ...]:
        """Return the entries of the inittab, and the command."""
        return (*(entry for entry in self.entries if entry != SULOGIN), *self.consoles)

    def _inittab_read(self, event: ev.InittabRead) -> Iterator[None]:
        """Use an inittab without faults, or else keep the last one."""
        if self.stop_at is not None:
            return
        faults = [policy.fault(problem) for problem in event.problems]
        if not faults and self.entries and event.entries != self.entries and self.position.level:
            faults = [*policy.unusable(event.entries, self.position.level, bool(self.consoles))]
        if faults or not event.complete:
            self._do(*map(fx.Say, faults))
            event = ev.InittabRead(self.entries)
        yield from super()._inittab_read(event)
        if not self.entries:
            self._stop("0", policy.REFUSED)  # it has changed since it was checked at the start

    def _inittab_not_read(self, event: ev.InittabNotRead) -> Iterator[None]:
        self._do(fx.Say(event.reason))
        return self._inittab_read(ev.InittabRead(self.entries))

    def _level_requested(self, event: ev.LevelRequested) -> None:
        level = event.level
        if level in policy.STOP_LEVELS:
            self._stop_requested(StopRequested(f"telinit {level}", level))
        elif level in (*stages.REEXECUTE, "S", "s"):
            self._do(fx.Say(f"telinit {level} has no meaning in a container"))
        elif self.stop_at is None:
            super()._level_requested(event)

    def _enter_level(self, level: str, came_from: str) -> None:
        """Enter it silently."""
        self.position.prevlevel, self.position.level = came_from, level
        self._enter_stage(level)

    def _say_nothing_left(self) -> None:
        """Do nothing, as the container ends."""
