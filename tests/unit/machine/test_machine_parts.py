"""What scenarios do not show: what children are told, what an event costs, the machine as a value."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine import rules
from sysvinit_py.machine.ending import Ending, Endings
from sysvinit_py.machine.job import Job
from sysvinit_py.machine.limits import HANG_TIME
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.processes import A_FEW
from sysvinit_py.machine.state import restore, save
from sysvinit_py.machine.throttle import Throttle
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do


def last_start(world: World) -> fx.Start:
    return world.starts[-1]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["boot"], ("si", "#", True, "S", "N")),
        (["boot", "si ends"], ("bw", "*", True, "S", "N")),
        (["boot", "si ends", "bw ends"], ("w2", "2", False, "2", "N")),
        (["boot S", "si ends"], ("~~", "S", True, "S", "N")),
        (["boot S", "si ends", "~~ ends"], ("bw", "*", True, "S", "N")),
        (["boot S", "si ends", "telinit 2"], ("w2", "2", False, "2", "S")),
        (["boot S", "si ends", "ctrlaltdel"], ("ca", "S", False, "S", "N")),  # behaviour/children#terminal
        (["boot", "telinit 2"], ("w2", "2", False, "2", "N")),  # behaviour/boot#requests
        (["boot", "telinit 2", "telinit S"], ("~~", "S", True, "S", "2")),
        (["boot", "telinit 2", "telinit S", "~~ ends"], ("bw", "*", True, "S", "2")),
        (["boot", "telinit 2", "telinit S", "~~ ends", "bw ends"], ("w2", "2", False, "2", "N")),
    ],
)
def test_what_a_child_is_told(steps: list[str], told: tuple[str, str, bool, str, str]) -> None:
    world = World(
        "id:2:initdefault:\nsi::sysinit:x\nbw::bootwait:x\nw2:2:wait:x\nca::ctrlaltdel:x\n~~:S:wait:x"
    )
    for step in steps:
        do(world, step)
    start = last_start(world)
    assert (start.entry.id, start.stage, start.owns_console, start.runlevel, start.prevlevel) == told


def test_variables_are_set_and_unset_and_only_init_ones() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x")
    for step in (
        "boot",
        "telinit -e INIT_A=1",
        "telinit -e INIT_B=2",
        "telinit -e PATH=x",
        "telinit -e INIT_A=3",
        "telinit -e INIT_B",
        "r2 ends",
    ):
        do(world, step)
    assert last_start(world).variables == (("INIT_A", "3"),)


def test_a_seventeenth_variable_is_refused() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x")
    do(world, "boot")
    world.feed(ev.VariablesGiven(tuple((f"INIT_{n}", "v") for n in range(17))))
    do(world, "telinit -e INIT_0=w")
    assert [e.text for e in world.effects if isinstance(e, fx.Say)][-1].startswith("INIT_16 is not set")
    do(world, "r2 ends")
    assert last_start(world).variables == (("INIT_0", "w"), *((f"INIT_{n}", "v") for n in range(1, 16)))


def test_the_process_field_as_it_is_now_is_used_at_the_next_start() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:old\n~~:S:wait:x")
    for step in ("boot", "edit r2:2:respawn:new", "telinit q"):
        do(world, step)
    assert last_start(world).entry.process == "old"
    do(world, "r2 ends")
    assert last_start(world).entry.process == "new"


def test_consoles_of_the_kernel_are_respawned_unless_the_inittab_names_them() -> None:
    world = World("id:2:initdefault:\nS0:2:respawn:mine\n~~:S:wait:x")
    consoles = tuple(Entry(name, "2345", "respawn", "agetty") for name in ("S0", "S1"))
    world.feed(ev.Booted(consoles=consoles))
    assert [(s.entry.id, s.entry.process) for s in world.starts] == [("S0", "mine"), ("S1", "agetty")]


def test_orphans_and_strange_groups_change_nothing() -> None:
    world = World("id:2:initdefault:\nr2:2:respawn:x\n~~:S:wait:x")
    do(world, "boot")
    world.effects.clear()
    world.feed(ev.ChildExited(99, 0))
    world.feed(ev.GroupGone(99))
    assert world.effects == []


def test_the_ways_out_of_the_machine() -> None:
    entries = (
        Entry("l0", "0", "wait", "/etc/init.d/rc 0"),
        Entry("l6", "6", "wait", "/etc/init.d/rc 6"),
        Entry("h", "06", "wait", "+@/sbin/halt"),
        Entry("o", "0", "once", "/x"),
        Entry("l2", "2", "wait", "/y"),
    )
    assert rules.ways_out(entries) == {
        "0": ["/etc/init.d/rc 0", "/sbin/halt"],
        "6": ["/etc/init.d/rc 6", "/sbin/halt"],
    }


def test_throttle_windows_open_with_a_start() -> None:
    throttle = Throttle()
    assert all(throttle.allows(0.0) for _ in range(10))
    assert not throttle.allows(119.9)
    assert throttle.allows(120.0)


def test_the_state_is_plain_and_comes_back() -> None:
    world = World(
        "id:2:initdefault:\nb1::boot:x\nr2:2:respawn:x\nr3:3:respawn:x\nrx:2:respawn:x\n~~:S:wait:x"
    )
    for step in (
        "boot",
        "child r2 hangs",
        "child rx is missing",
        "telinit -t 0 3",
        "wait 1",
        "telinit -e INIT_A=1",
        "telinit a",
    ):
        do(world, step)
    state = json.loads(json.dumps(save(world.machine)))
    assert save(restore(state)) == state
    assert state["position"] == {
        "stage": "3",
        "level": "3",
        "prevlevel": "2",
        "variables": {"INIT_A": "1"},
        "since": 1000.0,
    }


@pytest.mark.parametrize(
    ("steps", "begun_anew"),
    [
        (["boot"], [fx.SaneConsole(), fx.AskLevel()]),
        (["boot", "inittab is slow", "telinit q"], [fx.ReadInittab(), fx.SaneConsole(), fx.AskLevel()]),
        (["boot", "answer 2", "inittab is slow", "telinit 3"], [fx.ReadInittab()]),
        (["boot", "answer 2", "inittab is slow", "telinit 3", "inittab is read"], []),
    ],
)
def test_what_was_under_way_is_begun_anew(steps: list[str], begun_anew: list[fx.Effect]) -> None:
    """Guards that no switch hangs, and no question is lost, when init is re-executed meanwhile."""
    world = World("r2:2:respawn:x\n~~:S:wait:x")
    for step in steps:
        do(world, step)
    assert restore(save(world.machine)).handle(ev.Resumed(), world.now) == begun_anew


def count_looks(monkeypatch: pytest.MonkeyPatch, size: int, act: Callable[[World], None]) -> int:
    """How often the machine looks at a job for an event, with so many entries."""
    inittab = ["id:2:initdefault:", "w0:2:once:x", "bb::boot:x"]
    world = World("\n".join([*inittab, "~~:S:wait:x"]))
    world.inittab += tuple(Entry(f"{n:04x}", "2", "respawn", "x") for n in range(size))
    do(world, "boot")
    looks = 0

    def counted(rule: Callable[[Job], object]) -> Callable[[Job], object]:
        def look(job: Job) -> object:
            nonlocal looks
            looks += 1
            return rule(job)

        return look

    with monkeypatch.context() as patch:
        for name in ("readiness", "is_waited_for"):
            patch.setattr(rules, name, counted(getattr(rules, name)))
        act(world)
    return looks


@pytest.mark.parametrize("name", ["0001", "w0", "bb"])
def test_an_end_costs_the_same_in_a_long_inittab(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Guards that no child's end makes the machine look at all entries."""

    def act(world: World) -> None:
        world.end(name)

    assert count_looks(monkeypatch, 10_000, act) == count_looks(monkeypatch, 10, act) < 10


def test_who_is_due_is_listed_once() -> None:
    """Guards against a list that grows while something is waited for."""
    world = World("id:2:initdefault:\nca:2:ctrlaltdel:x\nkb:2:kbrequest:x\n~~:S:wait:x")
    for step in ("boot", "ctrlaltdel", *["kbrequest"] * 50):
        do(world, step)
    assert len(world.machine.processes.run_queue._due) == 2


def test_a_long_inittab_is_taken_in_step_by_step() -> None:
    """So that no child is left unreaped meanwhile; who steps decides what comes between."""
    machine = Machine()
    machine.handle(ev.Booted(), 0.0)
    assert not list(machine.steps(ev.InittabRead((Entry("1", "2", "once", "x"),)), 0.0))
    many = ev.InittabRead(tuple(Entry(f"{n:04}", "2", "once", "x") for n in range(3000)))
    assert len(list(machine.steps(many, 0.0))) == 2 * 3000 // A_FEW


def test_what_has_changed_is_told_once() -> None:
    """For who publishes it: all that happens to a job, and nothing else."""
    world = World("id:2:initdefault:\nr2:2:respawn:x\no2:2:once:x\nr3:3:respawn:x\n~~:S:wait:x")
    processes = world.machine.processes

    def changed() -> set[str]:
        return {job.entry.id for job in processes.take_changed()}

    world.boot()
    assert changed() == {"r2", "o2"}
    assert changed() == set()
    world.end("r2", 9)
    assert changed() == {"r2"}
    do(world, "telinit q")
    assert changed() == {"r2"}, "its throttle is cleared"
    do(world, "telinit 3")
    assert changed() == {"r2", "o2", "r3"}


def test_what_is_killed_at_once_is_killed_once() -> None:
    """A container that is asked to stop a second time does not wait for the grace."""
    endings = Endings()
    endings.add(Ending(7, "a", kill_at=100.0))
    endings.add(Ending(8, "b", kill_at=50.0))
    assert endings.to_kill(60.0) == [8]
    endings.hurry(60.1)
    assert endings.deadline == 60.1
    assert endings.to_kill(60.1) == [7]
    endings.hurry(60.2)
    assert endings.to_kill(60.2) == []
    assert endings.deadline == 60.0 + HANG_TIME
