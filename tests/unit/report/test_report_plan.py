"""What init would do: told by its own machine, and compared with what one does that is real for the tests."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.entry import Entry, Reading
from sysvinit_py.machine import events as ev
from sysvinit_py.report import plan, slots
from sysvinit_py.report.plan import Step
from sysvinit_py.report.slots import HIDDEN
from sysvinit_py.simulator.world import World, entries
from tests.unit.report.published import HEADER

OLD = """
    id:2:initdefault:
    si::sysinit:rcS
    l2:2:wait:rc 2
    web:2:respawn:httpd
    db:23:respawn:db
    x:2:once:x
    c:3:respawn:c
    l3:3:wait:rc 3
    d3:3:once:d3
"""
NEW = OLD.replace("web:2:respawn:httpd", "web:2:respawn:httpd -v").replace("x:2:once", "x:2:respawn") + (
    "n:2:wait:n\nm:2:respawn:m\n~~:S:wait:sulogin\n"
)


def reading(text: str) -> Reading:
    return Reading(entries(text))


def shown(steps: list[Step]) -> list[str]:
    return [f"{step.what} {step.entry.id}{': ' * bool(step.why)}{step.why}" for step in steps]


def published(world: World, **fields: object) -> slots.Published:
    """What init publishes of the world."""
    position = world.machine.position
    header = HEADER.replace(
        stage=position.stage, level=position.level, prevlevel=position.prevlevel, busy=world.machine.busy,
        reading=1, **fields,
    )  # fmt: skip
    jobs = list(world.machine.processes.jobs.values())
    status = slots.header(header) + b"".join(slots.slot(job, False) for job in jobs)
    return slots.read(status, slots.entries(1, [job.entry for job in jobs]))


def settled(world: World) -> World:
    """Let end what is waited for, but in S."""
    while world.machine.position.stage != "S":
        waited = [job.entry.id for job in world.machine.running.values() if job.rule.waited]
        if not waited:
            break
        world.end(waited[0])
    return world


def booted(text: str = OLD) -> World:
    world = World(text)
    world.boot()
    return settled(world)


def test_another_inittab() -> None:
    world = plan.running(published(booted()), reading(OLD), 100.0)
    steps = world.plan(ev.RereadRequested(), reading(NEW.replace("db:23:respawn:db\n", "")))
    assert shown(steps) == [
        "end db: gone from the inittab",
        "end x: its action becomes respawn",
        "start x",
        "start n: waited for",
        "start m",
        "leave web: has the new command when it is started again",
    ]


def test_pids_are_those_that_run() -> None:
    real = booted()
    world = plan.running(published(real), reading(OLD), 100.0)
    steps = world.plan(ev.LevelRequested("3", 5.0), reading(OLD))
    assert shown(steps) == [
        "end web: no place in level 3",
        "end x: no place in level 3",
        "start c",
        "start l3: waited for",
        "start d3",
        "leave db",
    ]
    pids = {job.entry.id: pid for pid, job in real.machine.running.items()}
    assert {step.entry.id: step.pid for step in steps if step.pid} == {i: pids[i] for i in ("web", "x", "db")}


@pytest.mark.parametrize("level", [*"0123456S", "q"])
def test_the_machine_does_it(level: str) -> None:
    """What is told of a level is what happens in a world in which processes end and start."""
    real = booted(NEW)
    steps = plan.running(published(real), reading(NEW), 100.0).plan(
        ev.LevelRequested(level, 5.0), reading(NEW)
    )
    before = {job.entry.id for job in real.machine.running.values()}
    real.feed(ev.LevelRequested(level, 5.0))
    settled(real)
    after = {job.entry.id for job in real.machine.running.values()}
    assert {step.entry.id for step in steps if step.what == plan.END} == before - after
    assert {step.entry.id for step in steps if step.what == plan.START} >= after - before
    assert {step.entry.id for step in steps if step.what == plan.LEAVE} == before & after


def test_single_user_mode_does_not_end() -> None:
    """What is waited for in S is a shell: were it to end, S would be over."""
    world = plan.running(published(booted()), reading(OLD), 100.0)
    text = OLD + "~~:S:wait:sulogin\n"
    assert "start ~~: waited for" in shown(world.plan(ev.LevelRequested("S", 5.0), reading(text)))
    assert world.machine.position.stage == "S"


def test_a_command_that_is_not_public_has_not_changed() -> None:
    real = booted(OLD.replace("httpd", HIDDEN))
    steps = plan.running(published(real), reading(OLD), 100.0).plan(ev.RereadRequested(), reading(OLD))
    assert "leave web" in shown(steps)


def test_consoles_of_the_kernel_command_line_stay() -> None:
    """init.autocon adds entries that no inittab has: they are not gone when it is read again."""
    real = World(OLD)
    real.feed(ev.Booted("", False, (Entry("hvc0", "2", "respawn", "getty"),)))
    settled(real)
    steps = plan.running(published(real), reading(OLD), 100.0).plan(ev.RereadRequested(), reading(OLD))
    assert "leave hvc0" in shown(steps)


def test_two_inittabs() -> None:
    world = plan.booted(reading(OLD), "")
    assert world.machine.position.stage == "2"
    steps = world.plan(ev.RereadRequested(), reading(NEW))
    assert [step.pid for step in steps] == [None] * len(steps)
    assert "end x: its action becomes respawn" in shown(steps)
    assert plan.booted(reading(OLD), "3").machine.position.stage == "3"
    assert plan.booted(reading("x:2:once:x"), "").machine.asking


def test_nothing_happens() -> None:
    steps = plan.booted(reading(OLD), "").plan(ev.RereadRequested(), reading(OLD))
    assert {step.what for step in steps} == {plan.LEAVE}


def test_what_needs_a_missing_terminal_is_not_started() -> None:
    gettys = OLD + "g1:2:respawn:/sbin/getty tty1\ng2:2:respawn:/sbin/getty ttyUSB0\n"
    absent = {"/dev/ttyUSB0"}
    world = plan.running(published(booted()), reading(OLD), 100.0, absent.intersection)
    assert shown(world.plan(ev.RereadRequested(), reading(gettys)))[0] == "start g1"
    assert "start g2" not in shown(world.plan(ev.RereadRequested(), reading(gettys)))
