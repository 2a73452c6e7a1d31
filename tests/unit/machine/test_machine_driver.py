"""The driver: whose turn it is, what is raised at misuse, and what is done after an error of our own."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.machine.errors import MisuseError
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.simulator.world import World

ROOT = Path(__file__).parents[3]
INITTAB = "id:2:initdefault:\nsi::sysinit:x\nr1:2:respawn:x\nr2:2:respawn:x\n~~:S:wait:x"
SI = ("si", "sysinit", 0)


def booting() -> Machine:
    """A machine whose Start of si is not answered."""
    machine = Machine()
    machine.handle(ev.Booted(), 1.0)
    machine.handle(ev.InittabRead(World(INITTAB).inittab), 1.0)
    return machine


# Order.


def test_answers_come_before_what_happened_meanwhile() -> None:
    told: list[str] = []

    class Noted(World):
        def perform(self, effect: fx.Effect) -> ev.Event | None:
            told.append(type(effect).__name__)
            if isinstance(effect, fx.ReadInittab):
                self.driver.add(ev.LevelRequested("3", 5))
            return super().perform(effect)

    world = Noted(INITTAB)
    world.boot()
    assert told.index("Start") < told.index("RecordLevel")
    assert world.starts[0].entry.id == "si"


def test_events_that_are_added_between_two_steps_are_told_after_it() -> None:
    """Children are reaped between the steps of a long event."""
    driver = Driver(Machine(), lambda effect: None, lambda: 1.0, lambda: driver.add(ev.ChildExited(1, 0)))
    driver.feed(ev.Booted(), ev.InittabRead(tuple(Entry(f"{n:03}", "3", "once", "x") for n in range(250))))
    assert driver.idle


def test_what_follows_from_an_event_is_done_before_the_next_is_asked_for() -> None:
    """A source may find the ends of children while it is asked: those are told, too, and after its events."""
    done: list[str] = []
    driver = Driver(Machine(), lambda effect: done.append(type(effect).__name__), lambda: 1.0)

    def events() -> Iterator[ev.Event]:
        yield ev.Booted()
        assert driver.idle
        assert done
        yield ev.ChildExited(99, 0)
        driver.add(ev.ChildExited(98, 0))

    driver.take(events())
    assert driver.idle


# Misuse.


@pytest.mark.parametrize(
    "event",
    [ev.Tick(), ev.ChildExited(99, 0), ev.LevelRequested("3", 5), ev.Started(("r1", "respawn", 0), 5)],
)
def test_what_is_told_before_a_start_is_answered(event: ev.Event) -> None:
    machine = booting()
    with pytest.raises(MisuseError):
        machine.handle(event, 2.0)
    assert not [e for e in machine.handle(ev.Started(SI, 5), 2.0) if isinstance(e, fx.Start)]
    assert set(machine.running) == {5}


def test_an_answer_that_nothing_asked_for() -> None:
    with pytest.raises(MisuseError, match="nothing is being started"):
        Machine().handle(ev.Started(SI, 5), 1.0)


def test_a_driver_that_is_driven_from_within() -> None:
    driver = Driver(Machine(), lambda effect: driver.feed(ev.Tick()), lambda: 1.0)
    with pytest.raises(MisuseError):
        driver.feed(ev.Booted())


def test_misuse_is_noticed_in_optimised_code() -> None:
    """Guards against asserts, which are compiled away in the file that is shipped."""
    code = (
        "from sysvinit_py.machine import events as ev; from sysvinit_py.machine.machine import Machine\n"
        "assert False\n"
        "try: Machine().handle(ev.CannotFork(('a', 'wait', 0)), 1.0)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("MisuseError\n", "")


def test_no_assert_guards_the_machine() -> None:
    for path in (ROOT / "sysvinit_py" / "machine").glob("*.py"):
        asserts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
        assert not asserts, path


# Closed.


def _written(target: ast.expr) -> str:
    """The attribute that an assignment changes, if it is another object's."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if not isinstance(target, ast.Attribute):
        return ""
    return "" if isinstance(target.value, ast.Name) and target.value.id == "self" else ast.unparse(target)


@pytest.mark.parametrize("folder", ["machine", "pid1"])
def test_fields_are_written_by_their_own_class_only(folder: str) -> None:
    """Of jobs and of the machine: from elsewhere a mark is changed by its methods."""
    fields = {*vars(Machine()), *vars(Machine().processes), *vars(Machine().processes.endings)}
    for kind in ("job.Job", "throttle.Throttle", "ending.Ending", "processes.Position"):
        module, _, name = kind.partition(".")
        taken = getattr(sys.modules[f"sysvinit_py.machine.{module}"], name)
        fields |= {*getattr(taken, "SAVED", ()), *getattr(taken, "__slots__", ())}
    for path in (ROOT / "sysvinit_py" / folder).rglob("*.py"):
        is_machine = folder == "machine" or path.parent.name == "container"  # which has one of its own kind
        allowed = {"position", "abandoned"} if is_machine else set()
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else targets
            for target in targets:
                for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                    owner, _, field = _written(each).rpartition(".")
                    owner = owner.removeprefix("self.")
                    assert not owner or field not in fields or owner in allowed, (path.name, _written(each))


# After an error.


class BrokenError(Exception):
    pass


def failing(world: World, kind: type[fx.Effect], times: int) -> Callable[[fx.Effect], ev.Event | None]:
    """What carries effects out, but fails so often at one kind of them."""
    left = [times]

    def perform(effect: fx.Effect) -> ev.Event | None:
        if isinstance(effect, kind) and left[0]:
            left[0] -= 1
            raise BrokenError
        return world.perform(effect)

    return perform


@pytest.mark.parametrize("kind", [fx.Start, fx.RecordStart, fx.ReadInittab, fx.Say, fx.ShowStage])
def test_what_fails_once_is_done_again(kind: type[fx.Effect]) -> None:
    world = World(INITTAB)
    world.driver = Driver(Machine(), failing(world, kind, 1), lambda: world.now)
    with pytest.raises(BrokenError):
        world.boot()
    world.driver.recover(3)
    world.end("si")
    assert world.alive() == ["r1", "r2"]


def test_a_start_that_fails_for_good_is_tried_again_later() -> None:
    world = World(INITTAB)
    world.driver = Driver(Machine(), failing(world, fx.Start, 2), lambda: world.now)
    with pytest.raises(BrokenError):
        world.boot()
    world.driver.recover(3)
    world.driver.machine = restore(save(world.machine))
    world.feed(ev.Tick())
    world.wait(2)
    assert world.alive() == ["si"]


@pytest.mark.parametrize("answer", [ev.Started(SI, 5), ev.CannotFork(SI), ev.TerminalMissing(SI)])
def test_an_answer_that_cannot_be_told(monkeypatch: pytest.MonkeyPatch, answer: ev.Answer) -> None:
    """Its child is kept; without one, the entry is as if nobody had said Start. What follows is told."""
    world = World(INITTAB)
    driver = Driver(Machine(), lambda e: answer if isinstance(e, fx.Start) else world.perform(e), lambda: 1.0)
    steps = Machine.steps

    def broken(machine: Machine, event: ev.Event, now: float) -> object:
        if event == answer:
            raise BrokenError
        return steps(machine, event, now)

    with monkeypatch.context() as patch:
        patch.setattr(Machine, "steps", broken)
        with pytest.raises(BrokenError):
            driver.feed(ev.Booted())
        driver.add(ev.LevelRequested("3", 7.0))
        driver.recover(3)
    has_child = isinstance(answer, ev.Started)
    assert set(driver.machine.running) == ({5} if has_child else set())
    job = driver.machine.processes.jobs[SI]
    assert job.pid == (5 if has_child else 0)
    assert not job.has_run
    assert driver.machine.wait_time == 7.0


def test_a_child_of_no_entry_is_not_kept() -> None:
    machine = booting()
    machine.adopt_child(ev.Started(("no", "wait", 0), 4712))
    assert not machine.running


def test_a_start_that_was_not_handed_out_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error came between the decision for it and its effect, or after that."""
    for name in ("_do", "take_effects"):
        world = World(INITTAB)
        with monkeypatch.context() as patch:
            real, left = getattr(Machine, name), [1]

            def broken(
                machine: Machine, *effects: fx.Effect, real: Any = real, left: list[int] = left
            ) -> object:
                if left[0] and machine.processes.starting:
                    left[0] -= 1
                    raise BrokenError
                return real(machine, *effects)

            patch.setattr(Machine, name, broken)
            world.driver = Driver(Machine(), world.perform, lambda: 1.0)
            with pytest.raises(BrokenError):
                world.boot()
        world.driver.recover(3)
        assert world.alive() == ["si"], name


def test_jobs_between_two_states_are_repaired() -> None:
    machine = booting()
    machine.repair_after_error()
    job = machine.processes.jobs[SI]
    assert (job.pid, job.has_run) == (0, False)
    again = restore(save(machine))
    assert [type(effect) for effect in again.handle(ev.Resumed(), 2.0)].count(fx.Start) == 1


def test_a_child_that_an_error_has_lost_is_found_again_by_its_job() -> None:
    machine = booting()
    machine.handle(ev.Started(SI, 7), 1.0)
    machine.processes.running.clear()
    machine.repair_after_error()
    assert set(machine.running) == {7}


def test_a_group_that_was_gone_when_an_error_came_holds_nothing_back() -> None:
    machine = booting()
    machine.handle(ev.Started(SI, 7), 1.0)
    job = machine.processes.jobs[SI]
    job.leave(7)
    machine.repair_after_error()
    assert job.leaving == 0


def test_a_machine_without_a_driver_takes_all_steps_of_an_event() -> None:
    entries = tuple(Entry(f"{number:03}", "2", "once", "x") for number in range(1000))
    machine = Machine()
    machine.handle(ev.Booted(level="2"), 1.0)
    assert any(isinstance(effect, fx.Start) for effect in machine.handle(ev.InittabRead(entries), 1.0))


def test_recovery_gives_up_after_so_many_errors() -> None:
    """What is still to be done then is left alone: the next process image begins with the state."""

    def fails(effect: fx.Effect) -> ev.Event | None:
        raise ZeroDivisionError

    driver = Driver(Machine(), fails, lambda: 1.0)
    driver.add(ev.Booted())
    with pytest.raises(ZeroDivisionError):
        driver.work()
    driver.recover(1)
    assert not driver.idle
