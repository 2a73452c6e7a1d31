"""The processes of the jobs: starts, ends, the throttle, failed forks.

See behaviour/runlevels#ending, behaviour/throttle and behaviour/children#failure. The stage is chosen by
``machine``.
"""

from __future__ import annotations

from _heapq import heapify, heappop, heappush

from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import limits, rules, stages
from sysvinit_py.machine.ending import NEVER, Ending, Endings
from sysvinit_py.machine.errors import MisuseError
from sysvinit_py.machine.job import (
    ACTION_CHANGED,
    ANSWER,
    CANNOT_EXECUTE,
    ENTRY_GONE,
    GIVEN_UP,
    LEVEL_LEFT,
    NOT_EXECUTED,
    TERMINAL_GONE,
    UNKNOWN,
    Job,
    Key,
    numbered,
)
from sysvinit_py.machine.plain import Plain
from sysvinit_py.machine.run_queue import RunQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sysvinit_py.inittab.entry import Entry

    #: An event for the history: when, what, the entry's id, the pid, the status or a count, one more word.
    Note = tuple[float, str, str, int, int, str]

#: Entries to go through in one step: about a millisecond.
A_FEW = 250


class Position(Plain):
    """The stage and the levels, as every child is told them, and the INIT_* variables."""

    SAVED = ("stage", "level", "prevlevel", "variables", "since")

    def __init__(self) -> None:
        self.stage = stages.SYSINIT  # SYSINIT, BOOT, or the character of a level
        self.since = 0.0  # when it was entered; 0: unknown
        self.level = ""  # entered, or being entered; empty: none yet
        self.prevlevel = stages.NO_LEVEL
        self.variables: dict[str, str] = {}  # INIT_*

    @property
    def runlevel(self) -> str:
        """What RUNLEVEL says: S until a level is entered (behaviour/children#environment)."""
        return self.level or stages.SINGLE_USER


class Processes:
    """The jobs of the inittab, and the processes and groups that belong to them."""

    def __init__(self, position: Position, do: Callable[..., None]) -> None:
        self.position = position
        self.jobs: dict[Key, Job] = {}  # of the last reading
        self.running: dict[int, Job] = {}  # by pid; also processes that were given up, which are no job's pid
        self.starting: Job | None = None  # its Start is not answered yet
        self.endings = Endings()
        self.awaited: set[str] = set()  # terminals that entries wait for
        self.fork_failed = False  # and nothing was started since
        self.leaving: dict[int, Job] = {}  # by the group that has to be gone before the job is started
        self.changed: set[Job] = set()  # jobs whose marks may have changed
        self.notes: list[Note] = []  # until they are taken
        self._do = do
        self.run_queue = RunQueue()
        self.run_queue_stale = False  # it belongs to another stage, or another inittab
        self._resting: list[tuple[float, Key]] = []  # jobs in backoff, a heap
        self._transient = 0  # number of processes that do not outlast the stage
        self._forking = 0  # number of jobs that are in backoff because their fork failed

    @property
    def deadline(self) -> float:
        """When time_passed() has to be called, or NEVER."""
        return min(self._resting[0][0] if self._resting else NEVER, self.endings.deadline)

    def take_changed(self) -> set[Job]:
        """Return the jobs whose marks may have changed since the last call."""
        changed, self.changed = self.changed, set()
        return changed

    def take_notes(self) -> list[Note]:
        """Return the notes since the last call."""
        notes, self.notes = self.notes, []
        return notes

    # The jobs, and the stage they are in.

    def adopt(self, entries: Iterable[Entry]) -> Iterator[None]:
        """Take the entries of an inittab just read, in steps; existing jobs keep their marks."""
        jobs = {}
        for place, (key, entry) in enumerate(numbered(entries)):
            jobs[key] = job = self.jobs.get(key) or Job(key, entry)
            if job.rests_until or job.throttle.starts:
                self.changed.add(job)
            job.take(entry, place)
            if not (place + 1) % A_FEW:
                yield
        self.jobs = jobs
        self.leaving = {group: job for group, job in self.leaving.items() if jobs.get(job.key) is job}
        self._resting.clear()
        self._forking = 0

    def enter_stage(self) -> None:
        """Have the run queue made again before anything is started, as the stage or the inittab is new."""
        self.run_queue_stale = True

    def make_run_queue(self, now: float) -> Iterator[None]:
        """Make the run queue of the stage, in steps. Jobs that may not run in it forget that they have run.

        See behaviour/runlevels#change.

        A job that was started on demand may run in every digit level, until S is entered. Terminals are
        checked again, as a change may have been missed.
        """
        stage = self.position.stage
        self._await(set())
        placed = []
        for number, job in enumerate(self.jobs.values(), 1):
            if job.lacks_terminal:
                self.changed.add(job)
                job.find_terminal()
            if self.has_place(job):
                placed.append(job)
            else:
                if job.has_run or job.on_demand:
                    self.changed.add(job)
                if job.stopped:
                    job.forget_stop()
                    self._note(now, "release", job)
                job.forget_run()
                if stage == stages.SINGLE_USER:
                    job.clear_on_demand()
            if not number % A_FEW:
                yield
        self.run_queue = RunQueue(placed)
        self.run_queue_stale = False

    def start_over(self) -> bool:
        """Let all jobs of the stage run again, as S has ended; return whether any of them is due.

        See behaviour/boot#single-user.
        """
        for job in self.run_queue.jobs:
            job.forget_run()
            self._touched(job)
        return any(rules.readiness(job) == rules.DUE for job in self.run_queue.jobs)

    def trigger(self, what: str) -> None:
        """Trigger the entries of an event, which are started when they may run (behaviour/boot#events)."""
        for job in self.jobs.values():
            if job.rule.event == what:
                job.trigger()
                self._touched(job)

    def mark_on_demand(self, letter: str) -> None:
        """Let the entries with the letter a, b or c run; enter_stage() has to follow.

        See behaviour/runlevels#on-demand.
        """
        for job in self.jobs.values():
            if rules.answers(job.entry, letter):
                job.set_on_demand()
                self.changed.add(job)

    def resume(self, jobs: dict[Key, Job], running: dict[int, Job], fork_failed: bool) -> None:
        """Continue with the jobs and children of the previous init (behaviour/reexec)."""
        self.jobs, self.fork_failed = jobs, fork_failed
        for pid, job in running.items():
            self._now_runs(pid, job)
        self.leaving = {job.leaving: job for job in jobs.values() if job.leaving}
        self.awaited = _lacking(jobs.values())
        for place, job in enumerate(jobs.values()):
            job.stand_at(place)
            if job.rests_until:
                heappush(self._resting, (job.rests_until, job.key))
                self._forking += job.forking
        self.run_queue = RunQueue(job for job in jobs.values() if self.has_place(job))

    # Rules that the container's init overrides.

    def has_place(self, job: Job) -> bool:
        """Return whether the job may run in the stage."""
        return rules.has_place(job, self.position.stage)

    def must_end(self, job: Job) -> bool:
        """Return whether its process has to end in the stage."""
        return rules.must_end(job, self.position.stage)

    def patience(self, job: Job, wait_time: float) -> float:
        """Return the seconds from SIGTERM to SIGKILL."""
        return wait_time

    # Starts.

    def start_due(self, now: float) -> bool:
        """Start the next job, if one is due; return whether there was any.

        One at a time, so that each has its utmp record, which a getty reads, before the next one is written.
        """
        any_due = False
        while not self.starting and (job := self.run_queue.next()):
            any_due = True
            if job.rule.again and not job.throttle.allows(now):
                self.throttle(job, now)
            else:
                self._start(job, now)
        return any_due

    def throttle(self, job: Job, now: float) -> None:
        """Put the job into backoff: it was started too often (behaviour/throttle)."""
        self._do(fx.Say(f'Id "{job.entry.id}" respawning too fast: disabled for 5 minutes'))
        self._note(now, "rest", job)
        job.rest(until=now + limits.REST)
        self.changed.add(job)
        heappush(self._resting, (job.rests_until, job.key))

    @property
    def stage_over(self) -> bool:
        """Whether no process of the stage runs, and nothing is left to start.

        See behaviour/boot#entries and behaviour/boot#single-user.
        """
        return self.run_queue.exhausted and not (
            self.starting
            or self._transient
            or self._forking
            or any(map(self._restarts, self.leaving.values()))
        )

    def _restarts(self, job: Job) -> bool:
        return rules.wants_run(job) and self.has_place(job)

    def _start(self, job: Job, now: float) -> None:
        job.told_to_start(now)
        self.starting = job
        position = self.position
        self._do(
            fx.Start(
                job.key,
                job.entry,
                position.stage,
                rules.owns_console(job.entry, position.stage),
                position.runlevel,
                position.prevlevel,
                tuple(position.variables.items()),
                job.terminal,
            )
        )

    def _answered(self, answer: ev.Answer) -> Job:
        """Return the job that is being started. Raises MisuseError if the answer is for another one."""
        job = self.starting
        if job is None or job.key != answer.key:
            raise MisuseError(f"{answer} is not an answer: {job.key if job else 'nothing'} is being started")
        self.starting = None
        self.changed.add(job)
        return job

    def started(self, event: ev.Started) -> None:
        """Note that a process runs."""
        job = self._answered(event)
        job.started(event.pid)
        self._note(job.began, "begin", job, event.pid)
        self._now_runs(event.pid, job)
        self.fork_failed = False
        if job.accounted:
            self._do(fx.RecordStart(job.entry.id, event.pid, job.rule.again))

    def cannot_execute(self, event: ev.CannotExecute, now: float) -> None:
        """Note that the command cannot be executed: a process that ends at once, throttled like any other.

        See behaviour/children#failure.
        """
        job = self._answered(event)
        self._do(fx.Say(rules.cannot_execute(job.entry, event.command, event.reason)))
        job.ended(now, NOT_EXECUTED, CANNOT_EXECUTE)
        self._note(now, "end", job, 0, NOT_EXECUTED, job.why)
        self._touched(job)

    def cannot_fork(self, event: ev.CannotFork, now: float) -> None:
        """Retry the start after FORK_RETRY; other jobs are not affected.

        See behaviour/children#failure.
        """
        job = self._answered(event)
        job.not_forked(until=now + limits.FORK_RETRY)
        heappush(self._resting, (job.rests_until, job.key))
        self._forking += 1
        if not self.fork_failed:
            self.fork_failed = True
            self._do(fx.Say("cannot fork, retry.."))

    def terminal_missing(self, event: ev.TerminalMissing) -> None:
        """Undo the start, and report that once; the job is started when the terminal exists."""
        job = self._answered(event)
        if not job.said_so:
            self._do(fx.Say(f'Id "{job.entry.id}" waits for its terminal: {job.terminal} does not exist'))
        job.not_started()
        if job.terminal not in self.awaited:
            self.awaited.add(job.terminal)
            self._do(fx.WatchTerminals())

    def _await(self, terminals: set[str]) -> None:
        if terminals != self.awaited:
            self.awaited = terminals
            self._do(fx.WatchTerminals())

    # Ends.

    def child_exited(self, event: ev.ChildExited, now: float) -> None:
        """Note that a process has ended: a job's, by itself or not, or an orphan, which is ignored."""
        job = self.running.pop(event.pid, None)
        if job is None:
            return
        if job.accounted:
            self._do(fx.RecordEnd(job.entry.id, event.pid, event.status))
        if job.pid != event.pid:
            self._note(now, "end", job, event.pid, event.status, GIVEN_UP)
            return
        self._transient -= not job.rule.outlasts_stage
        job.ended(now, event.status)
        self._note(now, "end", job, event.pid, event.status, job.why)
        if event.pid in self.endings:
            self.endings.leader_ended(event.pid, now)
            self._do(fx.Probe(event.pid))
        self._touched(job)

    def end_misplaced(self, wait_time: float, now: float) -> None:
        """End processes whose entry is gone, or may not run in the stage (behaviour/runlevels#who-ends).

        Their groups are sent SIGTERM, and SIGKILL after the wait time, which may be 0.
        """
        misplaced = [
            job
            for pid, job in self.running.items()
            if job.pid == pid
            and not self.endings.waits_for(pid)
            and (self.jobs.get(job.key) is not job or self.must_end(job))
        ]
        if not misplaced:
            return
        self._do(fx.Say("Sending processes configured via /etc/inittab the TERM signal", log=False))
        ids = {job.entry.id for job in self.jobs.values()}
        for job in misplaced:
            gone = ACTION_CHANGED if job.entry.id in ids else ENTRY_GONE
            why = LEVEL_LEFT if self.jobs.get(job.key) is job else gone
            self._end(job, now + self.patience(job, wait_time), why)
        self._kill_due(now)

    def terminals_seen(self, missing: tuple[str, ...], wait_time: float, now: float) -> None:
        """Let jobs start whose terminal exists now; end those whose terminal is gone, without waiting."""
        for job in self.jobs.values():
            if job.lacks_terminal and job.terminal not in missing:
                job.find_terminal()
                self._touched(job)
            elif job.pid and job.terminal in missing and job.pid not in self.endings:
                self._do(fx.Say(f'Id "{job.entry.id}" is ended: its terminal {job.terminal} is gone'))
                job.lose_terminal()
                self._end(job, now + wait_time, TERMINAL_GONE, alone=True)
        self._await(_lacking(self.jobs.values()))
        self._kill_due(now)

    def _end(self, job: Job, kill_at: float, why: str, alone: bool = False) -> None:
        job.told_to_end(why)
        self.changed.add(job)
        self._do(fx.Signal(job.pid, job.entry.options.stop or "TERM"))
        self.endings.add(Ending(job.pid, job.entry.id, kill_at, alone=alone))

    def group_gone(self, event: ev.GroupGone) -> None:
        """Forget a group of which no member is left."""
        if event.group in self.endings:
            self.endings.remove(event.group)
            self._left(event.group)

    def _left(self, group: int) -> None:
        """Let the job whose group it was be started."""
        if job := self.leaving.pop(group, None):
            job.leave(0)
            self._touched(job)

    def time_passed(self, now: float) -> None:
        """Do what is due: end backoffs, probe groups, send SIGKILL, give up groups."""
        while self._resting and self._resting[0][0] <= now:
            self._rested(self.jobs[heappop(self._resting)[1]])
        for ending in self.endings.to_give_up(now):
            self._give_up(ending, now)
        self._do(*(fx.Probe(group) for group in self.endings.to_probe(now)))
        self._kill_due(now)

    def _rested(self, job: Job) -> None:
        self._forking -= job.forking
        job.rested()
        self._touched(job)

    def _kill_due(self, now: float) -> None:
        overdue = self.endings.to_kill(now)
        if overdue:
            self._do(fx.Say("Sending processes configured via /etc/inittab the KILL signal", log=False))
            self._do(*(fx.Signal(group, "KILL") for group in overdue))

    def _give_up(self, ending: Ending, now: float) -> None:
        """Continue as if the group was gone. If its leader ends later, the record is written then."""
        self._do(fx.Say(f"Pid {ending.group} [id {ending.entry_id}] seems to hang", log=False))
        job = self.running.get(ending.group)
        if job is not None:
            self._transient -= not job.rule.outlasts_stage
            self.running[ending.group] = job.given_up(now)
            self._note(now, "end", job, ending.group, UNKNOWN, GIVEN_UP)
            self._touched(job)
        self._left(ending.group)

    # Requests for one job (machine/steering.py).

    def hold(self, job: Job, by: str) -> None:
        """Do not start the job until its levels are left, or it is requested."""
        self._end_rest(job)
        job.hold(by)
        self._touched(job)

    def release(self, job: Job, by: str) -> None:
        """Let the job start as soon as possible, even if it has run."""
        self._end_rest(job)
        job.throttle.clear()
        job.release(by)
        self._await(_lacking(self.jobs.values()))
        self._touched(job)

    def end(self, job: Job, why: str, wait_time: float, now: float) -> None:
        """End its process, for which nothing else waits; the job is not started before its group is gone."""
        self._end(job, now + wait_time, why, alone=True)
        job.leave(job.pid)
        self.leaving[job.pid] = job
        self._kill_due(now)

    def call(self, job: Job, by: str) -> None:
        """Start this job as a, b or c would."""
        job.set_on_demand()
        job.release(by)
        self.enter_stage()

    def signal(self, job: Job, number: int) -> None:
        """Send a signal to its process; if that has a leader of init's, to the whole group."""
        led = rules.owns_console(job.entry, self.position.stage)
        self._do(fx.Signal(job.pid, number, leader_only=not led))

    def holder(self, job: Job) -> Job | None:
        """Return the job that has to end before this one can start, if there is one."""
        for other in self.run_queue.jobs:
            if other is job or rules.is_waited_for(other):
                return None if other is job else other
        return None

    def _end_rest(self, job: Job) -> None:
        if job.rests_until:
            self._resting = [item for item in self._resting if item[1] != job.key]
            heapify(self._resting)
            self._rested(job)

    # Notes and messages.

    def report_request(self, job: Job, verb: str, by: str, now: float) -> None:
        """Report who requested what."""
        self._note(now, verb, job, word=by)
        self._do(fx.Say(f'Id "{job.entry.id}": {verb} requested by {by}'))

    def note_stage(self, now: float) -> None:
        """Note that a stage is entered."""
        self.notes.append((now, "level", "", 0, 0, self.position.stage))

    def note_reading(self, now: float, problems: int, complete: bool) -> None:
        """Note that the inittab was read."""
        self.notes.append((now, "read", "", 0, problems, "" if complete else "incomplete"))

    def note_answer(self, now: float, answer: str) -> None:
        """Note what a request for one entry is answered: TOKEN:ANSWER:WAIT-TIME."""
        self.notes.append((now, ANSWER, "", 0, 0, answer))

    def _note(self, when: float, what: str, job: Job, pid: int = 0, number: int = 0, word: str = "") -> None:
        self.notes.append((when, what, job.entry.id, pid, number, word))

    # After an internal error.

    def adopt_child(self, event: ev.Started) -> None:
        """Enter a child whose start could not be handled."""
        job = self.jobs.get(event.key)
        if job is not None:
            job.adopt_child(event.pid)
            self.running[event.pid] = job
            self.changed.add(job)

    def repair(self) -> None:
        """Restore the consistency of the jobs after an error; no Start may be pending."""
        for job in self.jobs.values():
            job.repair()
            if job.pid and job.pid not in self.running:
                self.running[job.pid] = job  # if it has ended, the next init finds that out
            if job.leaving and job.leaving not in self.endings:
                job.leave(0)
            self._touched(job)
        self.starting = None

    def _touched(self, job: Job) -> None:
        """Note that the job has changed: it may be due, and has to be published."""
        self.changed.add(job)
        self.run_queue.mark_due(job)

    def _now_runs(self, pid: int, job: Job) -> None:
        self.running[pid] = job
        self._transient += job.pid == pid and not job.rule.outlasts_stage


def _lacking(jobs: Iterable[Job]) -> set[str]:
    return {job.terminal for job in jobs if job.lacks_terminal}
