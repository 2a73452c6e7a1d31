"""Whatever happens, in whatever order: the machine keeps the rules of docs/behaviour."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sysvinit_py.inittab import actions
from sysvinit_py.inittab.actions import ACTIONS, EVENTS
from sysvinit_py.inittab.entry import DIGIT_LEVELS, Entry
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import limits, rules, stages, steering
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.simulator.world import Process, World, answers_of, held_back_by, state_of

IDS = ("i1", "i2", "i3", "i4", "i5", "i6", "~~")
LEVELS_OF = st.text("23S#*aAbs", max_size=3)
ENTRIES = st.builds(
    Entry,
    st.sampled_from(IDS),
    LEVELS_OF,
    st.sampled_from((*ACTIONS, "respawn", "wait", "once", "respawn")),
    st.sampled_from(("x", "y", "+x", "", "getty tty1", "exec getty tty2")),
)
REQUESTS = st.sampled_from((*"2233SSsaabABqQ7xu#", ""))
TIMES = st.sampled_from((0.0, -1.0, 0.01, 1.0, 5.0))
CHANGES = st.tuples(st.sampled_from(("INIT_A", "INIT_B", "PATH")), st.none() | st.just("v"))


@st.composite
def inittabs(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Entries with unique ids, but for ~~, which repeats."""
    tab: list[Entry] = []
    if draw(st.booleans()):
        tab.append(Entry("id", draw(st.sampled_from(("", "2", "3", "S", "2a"))), "initdefault", ""))
    for entry in draw(st.lists(ENTRIES, max_size=8)):
        if entry.id == "~~" or all(entry.id != other.id for other in tab):
            tab.append(entry)
    return tuple(tab)


def state_keys(state: dict[str, Any]) -> list[tuple[str, str, int]]:
    """The keys of the jobs of a saved state."""
    return [tuple(job["key"]) for job in state["jobs"]]


class Twins:
    """A machine, and the same machine saved and restored before every event: both must answer alike."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.running = self.machine.running

    @property
    def deadline(self) -> float | None:
        return self.machine.deadline

    @property
    def terminals(self) -> set[str]:
        return self.machine.terminals

    def steps(self, event: ev.Event, now: float) -> tuple[()]:
        self.effects = self.handle(event, now)
        return ()

    def take_effects(self) -> list[fx.Effect]:
        return self.effects

    def handle(self, event: ev.Event, now: float) -> list[fx.Effect]:
        # As text and back: it has to be a plain value.
        starting = self.machine.processes.starting
        twin = None if starting else restore(json.loads(json.dumps(save(self.machine))))
        effects = self.machine.handle(event, now)
        if twin is not None:
            assert twin.handle(event, now) == effects
            if not self.machine.processes.starting:
                assert save(twin) == save(self.machine)
                # Earlier than it need be is allowed: a Tick in vain, for an ending that is over by now.
                own, twins = self.machine.deadline, twin.deadline
                assert own == twins or (own and twins and own < twins)
        return effects


class AnyOrder(RuleBasedStateMachine):
    """Events in any order, against a kernel whose processes do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World("")
        self.twins = Twins()
        self.world.driver.machine = self.twins  # type: ignore[assignment]
        self.machine = self.twins.machine
        self.allowed: dict[tuple[Any, ...], list[float]] = {}

    @initialize(inittab=inittabs(), level=st.sampled_from(("", "", "2", "S", "s")), emergency=st.booleans())
    def boot(self, inittab: tuple[Entry, ...], level: str, emergency: bool) -> None:
        self.world.inittab = inittab
        console = Entry("S0", "2345", "respawn", "x")
        self.feed(ev.Booted(level, emergency, (console,) if emergency else ()))

    def feed(self, event: ev.Event) -> None:
        """Feed it, and check what can be seen of the effects one by one."""
        world = self.world
        before = len(world.effects)
        world.feed(event)
        self.check_effects(world.effects[before:])

    def check_effects(self, effects: list[fx.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, fx.ReadInittab):
                self.allowed.clear()  # generous: a re-read clears the throttle when it is answered
            if isinstance(effect, fx.Start):
                self.check_start(effect)

    def check_start(self, start: fx.Start) -> None:
        """The table of behaviour/inittab#actions, and behaviour/throttle."""
        when = start.entry.rule.when
        assert start.entry.command
        if when == actions.AT_SYSINIT:
            assert start.stage == stages.SYSINIT
        elif when == actions.AT_BOOT:
            assert start.stage == stages.BOOT
        else:
            assert when in (actions.IN_LEVEL, actions.ON_EVENT)
            assert start.stage == start.runlevel
            on_demand = any(letter in start.entry.levels for letter in "abc") and when == actions.IN_LEVEL
            assert start.stage in start.entry.levels or (on_demand and start.stage in DIGIT_LEVELS)
        if start.entry.rule.again and self.world.forks:
            times = self.allowed.setdefault(start.key, [])
            times.append(self.world.now)
            recent = [time for time in times if time > self.world.now - limits.WINDOW]
            assert len(recent) <= 2 * limits.STARTS_ALLOWED  # windows do not slide: at most two meet

    # What people and kernels do.

    @rule(
        verb=st.sampled_from((*steering.VERBS, steering.KILL)),
        name=st.sampled_from((*IDS, "id", "S0", "none")),
        time=st.none() | TIMES,
        number=st.sampled_from((1, 9, 15)),
    )
    def steer(self, verb: str, name: str, time: float | None, number: int) -> None:
        """Every request gets an answer; nobody waits for what it ends; a refused one changes nothing."""
        machine, before = self.machine, len(self.world.effects)
        token = f"{before:08x}"
        state = save(machine)
        busy, living = machine.busy, {process.pid for process in self.live() if process.entry.id == name}
        self.feed(ev.EntryRequested(token, verb, name, "0", time, number))
        said, answer, _ = answers_of(machine)[-1].split(":")
        assert said == token
        assert (answer == steering.UNKNOWN) == (name not in {key[0] for key in state_keys(state)})
        if answer != steering.OK:
            after = save(machine)
            assert after == state
            assert len(self.world.effects) == before
        assert machine.busy in (busy, "") or verb == steering.KILL or machine.asking
        ended = {e.group for e in self.world.effects[before:] if isinstance(e, fx.Signal)}
        if machine.position.stage == state["position"]["stage"]:
            assert ended <= living | set(machine.processes.endings.by_group)
        starts = [e for e in self.world.effects[before:] if isinstance(e, fx.Start) and e.entry.id == name]
        if verb == steering.RESTART and name != "~~" and not self.world.missing:
            assert len(starts) <= 1
        if verb == steering.STOP and answer == steering.OK and name != "~~":
            assert not starts

    @rule(level=REQUESTS, time=TIMES)
    def request(self, level: str, time: float) -> None:
        before = len(self.world.effects)
        stage, asking = self.machine.position.stage, self.machine.asking
        self.feed(ev.LevelRequested(level, time))
        answers = self.world.effects[before:]
        if level in stages.ENTERABLE:
            wanted = stages.ENTERABLE[level]
            # Obeyed at once; a level that was left empty may have been left again since.
            assert wanted == stage or asking or any(e == fx.ShowStage(wanted) for e in answers)
        elif level in stages.ON_DEMAND:
            assert (stage == "S") != any(isinstance(e, fx.ReadInittab) for e in answers)
        else:
            assert any(isinstance(e, fx.Say) for e in answers)

    @rule()
    def hang_up(self) -> None:
        self.feed(ev.RereadRequested())

    @rule(what=st.sampled_from(EVENTS))
    def call(self, what: str) -> None:
        self.feed(ev.Called(what))

    @rule(inittab=inittabs())
    def write_inittab(self, inittab: tuple[Entry, ...]) -> None:
        self.world.inittab = inittab

    @rule(readable=st.booleans(), answers=st.booleans())
    def make_reading(self, readable: bool, answers: bool) -> None:
        self.world.readable, self.world.answers = readable, answers

    @precondition(lambda self: self.world.reading)
    @rule()
    def read(self) -> None:
        self.feed(self.world.inittab_read())

    @rule(answer=st.sampled_from(("2", "3", "S", "s", "x", "", "22")))
    def answer(self, answer: str) -> None:
        self.feed(ev.LevelAnswered(answer))

    @rule(console=st.booleans())
    def lose_console(self, console: bool) -> None:
        self.world.console = console
        if not console and self.world.asked:
            self.world.asked = False
            self.feed(ev.NoAnswer())

    @rule(forks=st.booleans(), missing=st.sets(st.sampled_from(IDS), max_size=2))
    def break_things(self, forks: bool, missing: set[str]) -> None:
        self.world.forks, self.world.missing = forks, missing

    @rule(gone=st.sets(st.sampled_from(("/dev/tty1", "/dev/tty2"))), told=st.booleans())
    def plug_terminals(self, gone: set[str], told: bool) -> None:
        self.world.gone = gone
        if told:
            before = len(self.world.effects)
            self.world.look_at_terminals()
            self.check_effects(self.world.effects[before:])
            for job in self.machine.processes.jobs.values():
                assert not (
                    job.pid and job.terminal in gone and job.pid not in self.machine.processes.endings
                )

    @rule(deaf=st.sets(st.sampled_from(IDS)), leavers=st.sets(st.sampled_from(IDS)), frozen=st.booleans())
    def behave(self, deaf: set[str], leavers: set[str], frozen: bool) -> None:
        self.world.deaf, self.world.leavers = deaf, leavers
        self.world.frozen = {IDS[0]} if frozen else set()

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.end_process(data.draw(st.sampled_from(self.live())))

    def end_process(self, process: Process) -> None:
        process.alive = False
        self.feed(ev.ChildExited(process.pid, 0))

    @rule()
    def end_members(self) -> None:
        for process in self.world.processes.values():
            process.members = 0

    @rule()
    def orphan_ends(self) -> None:
        before = len(self.world.effects)
        self.feed(ev.ChildExited(99, 0))
        assert len(self.world.effects) == before

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(("INIT_A", "INIT_B", "PATH")), st.none() | st.just("v")), max_size=3
        )
    )
    def set_variables(self, changes: list[tuple[str, str | None]]) -> None:
        self.feed(ev.VariablesGiven(tuple(changes)))
        assert "PATH" not in self.machine.position.variables

    @rule(seconds=st.sampled_from((0.01, 0.1, 0.6, 5.5, 121.0, 301.0)))
    def wait(self, seconds: float) -> None:
        before = len(self.world.effects)
        ticks = self.world.wait(seconds)
        # Looks at groups are what comes most often; all else is rare.
        assert ticks <= seconds / limits.PROBE_TIME + seconds / limits.FORK_RETRY + 100
        self.check_effects(self.world.effects[before:])

    @precondition(lambda self: not self.world.reading)
    @rule()
    def settle(self) -> None:
        """Let all that ends be gone and all that waits end: then who has to run runs.

        See behaviour/inittab and behaviour/runlevels.
        """
        world, machine = self.world, self.machine
        world.forks, world.missing, world.deaf, world.frozen, world.leavers = True, set(), set(), set(), set()
        world.readable = world.answers = world.console = True
        world.gone = set()
        world.look_at_terminals()
        self.end_members()
        self.wait(301.0)
        for _ in range(60):
            waited = [p for p in self.live() if p.entry.rule.waited]
            if not waited:
                break
            self.end_process(waited[0])
        stage = machine.position.stage
        if machine.asking or stage not in DIGIT_LEVELS:
            return
        self.wait(301.0)
        stopped = {job.entry.id for job in machine.processes.jobs.values() if job.stopped}
        respawning = {
            entry.id
            for entry in machine.entries
            if entry.action in ("respawn", "ondemand") and stage in entry.levels and entry.command
        } - stopped
        if not [p for p in self.live() if p.entry.rule.waited]:
            assert respawning <= {process.entry.id for process in self.live()}

    # What holds at all times.

    def live(self) -> list[Process]:
        return [process for process in self.world.processes.values() if process.alive]

    @invariant()
    def the_machine_knows_its_children(self) -> None:
        assert set(self.machine.running) == {process.pid for process in self.live()}

    @invariant()
    def nobody_runs_who_has_no_place(self) -> None:
        """Except while processes are being ended, or are not yet because the inittab must be read first."""
        machine = self.machine
        if machine.processes.endings or machine.must_read:
            return
        for pid, job in machine.running.items():
            if job.pid == pid:
                assert machine.processes.jobs[job.key] is job
                assert not rules.must_end(job, machine.position.stage), job.entry

    @invariant()
    def what_was_stopped_does_not_run(self) -> None:
        """But on its way out; and it has a place: that is how long a stop lasts."""
        machine = self.machine
        for job in machine.processes.jobs.values():
            if job.stopped:
                assert not job.pid or job.pid in machine.processes.endings
                assert machine.must_read or rules.has_place(job, machine.position.stage)

    @invariant()
    def nothing_runs_beside_what_is_left_of_its_group(self) -> None:
        processes = self.machine.processes
        assert processes.leaving == {job.leaving: job for job in processes.jobs.values() if job.leaving}
        for group, job in processes.leaving.items():
            assert group in processes.endings
            assert job.pid in (0, group)

    @invariant()
    def no_two_processes_of_a_job(self) -> None:
        pids = [pid for pid, job in self.machine.running.items() if job.pid == pid]
        keys = [self.machine.running[pid].key for pid in pids if pid not in self.machine.processes.endings]
        assert len(keys) == len(set(keys))

    @invariant()
    def who_is_waited_for_holds_back_all_after_it(self) -> None:
        """And nobody before it is left waiting: the rule of the run queue, without its list of who is due."""
        machine = self.machine
        if machine.processes.endings or machine.must_read or machine.asking:
            return
        stage = machine.position.stage
        placed = [job for job in machine.processes.jobs.values() if rules.has_place(job, stage)]
        placed.sort(key=lambda job: not job.rule.first)
        for job in placed:
            assert rules.verdict(job, stage) != rules.DUE, f"{job.entry} is left waiting"
            if rules.is_waited_for(job):
                break

    @invariant()
    def who_is_not_started_has_a_reason(self) -> None:
        """Every job has a state; where one is due, somebody or something is waited for."""
        machine = self.machine
        for job in machine.processes.jobs.values():
            word = state_of(machine, job)
            assert word in ("running", "stopping", "restarting") or not job.pid
            assert job.pid or word != "running"
            assert word != "stopped" or job.stopped
            if rules.verdict(job, machine.position.stage) == rules.DUE:
                assert word in ("pending", "triggered")
                assert held_back_by(machine, job) or machine.busy

    @invariant()
    def deadline_is_to_come(self) -> None:
        deadline = self.twins.deadline
        if deadline is not None and deadline <= self.world.now:
            self.world.feed(ev.Tick())
            deadline = self.twins.deadline
        assert deadline is None or deadline > self.world.now

    @invariant()
    def all_starts_are_answered(self) -> None:
        assert not self.machine.processes.starting


AnyOrder.TestCase.settings = settings(deadline=None, max_examples=250, stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase
