"""A getty runs as long as its terminal is there (docs/devices.rst), as scenarios (see machine_world)."""

from __future__ import annotations

import json

import pytest

from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do, play

INITTAB = """
    id:2:initdefault:
    u0:23:respawn:/sbin/agetty -L ttyUSB0 115200
    c1:2:respawn:/sbin/getty 38400 tty1
    rr:23:respawn:x
    oa:a:ondemand:exec getty tty9
    ~~:S:wait:x
"""
WAITS = 'say Id "u0" waits for its terminal: /dev/ttyUSB0 does not exist'
ENDED = 'say Id "u0" is ended: its terminal /dev/ttyUSB0 is gone'

SCENARIOS = {
    "there at boot: started as ever": """
        boot      -> start u0; start c1; start rr
        u0 ends   -> start u0
    """,
    "not there: the others go on, it is said once, and there is no throttle": f"""
        terminal /dev/ttyUSB0 missing ->
        boot      -> {WAITS}; start c1; start rr
        look      ->
        look      ->
        telinit q ->
        telinit 3 -> TERM c1
        telinit 2 -> start c1
        wait 1000 ->
    """,
    "it comes": f"""
        terminal /dev/ttyUSB0 missing ->
        boot      -> {WAITS}; start c1; start rr
        terminal /dev/ttyUSB0 there ->
        look      -> start u0
        look      ->
        u0 ends   -> start u0
    """,
    "it comes, and nobody tells: found at the next reading": f"""
        terminal /dev/ttyUSB0 missing ->
        boot      -> {WAITS}; start c1; start rr
        terminal /dev/ttyUSB0 there ->
        telinit q -> start u0
    """,
    "it comes, and nobody tells: found at the next level": f"""
        terminal /dev/ttyUSB0 missing ->
        boot      -> {WAITS}; start c1; start rr
        terminal /dev/ttyUSB0 there ->
        telinit 3 -> TERM c1; start u0
    """,
    "it goes: its getty is ended, and rests; it comes again": f"""
        boot      -> start u0; start c1; start rr
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        look      ->
        terminal /dev/ttyUSB0 there ->
        look      -> start u0
    """,
    "it goes, and nobody tells: the getty ends by itself, and rests": f"""
        boot      -> start u0; start c1; start rr
        terminal /dev/ttyUSB0 missing ->
        u0 ends   -> {WAITS}
        look      ->
    """,
    "each going is said once": f"""
        boot      -> start u0; start c1; start rr
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        terminal /dev/ttyUSB0 there ->
        look      -> start u0
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
    """,
    "nobody waits for the end of a getty whose terminal is gone": f"""
        boot      -> start u0; start c1; start rr
        child u0 ignores TERM ->
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        rr ends   -> start rr
        look      ->
        wait 4.9  ->
        wait 0.2  -> KILL u0
    """,
    "it is back before the getty has ended": f"""
        boot      -> start u0; start c1; start rr
        child u0 ignores TERM ->
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        terminal /dev/ttyUSB0 there ->
        look      ->
        u0 ends   -> start u0
    """,
    "it comes and goes before the getty has ended": f"""
        boot      -> start u0; start c1; start rr
        child u0 ignores TERM ->
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        terminal /dev/ttyUSB0 there ->
        look      ->
        terminal /dev/ttyUSB0 missing ->
        u0 ends   ->
    """,
    "one that cannot even be killed is given up, and starts anew": f"""
        boot      -> start u0; start c1; start rr
        child u0 hangs  ->
        terminal /dev/ttyUSB0 missing ->
        look      -> {ENDED}; TERM u0
        terminal /dev/ttyUSB0 there ->
        look      ->
        wait 6    -> KILL u0; start u0
    """,
    "a switch waits for it after all, if it has no place in the new level": """
        boot      -> start u0; start c1; start rr
        child c1 ignores TERM ->
        terminal /dev/tty1 missing ->
        look      -> TERM c1
        telinit 3 -> TERM c1
        rr ends   ->
        c1 ends   -> start rr
    """,
    "a switch does not wait for it if it has one": """
        boot      -> start u0; start c1; start rr
        child u0 ignores TERM ->
        terminal /dev/ttyUSB0 missing ->
        look      -> TERM u0
        telinit 3 -> TERM c1
        rr ends   -> start rr
    """,
    "on demand": """
        terminal /dev/tty9 missing ->
        boot      -> start u0; start c1; start rr
        telinit a -> say Id "oa" waits for its terminal: /dev/tty9 does not exist
        look      ->
        terminal /dev/tty9 there ->
        look      -> start oa
    """,
    "a changed command ends nothing, though its terminal is not there": """
        boot      -> start u0; start c1; start rr
        terminal /dev/ttyUSB7 missing ->
        edit u0:23:respawn:/sbin/agetty -L ttyUSB7 115200 ->
        telinit q ->
        look      ->
        u0 ends   -> say Id "u0" waits for its terminal: /dev/ttyUSB7 does not exist
        edit u0:23:respawn:/usr/bin/other ttyUSB7 ->
        telinit q -> start u0
    """,
    "a call during the boot is kept for later": """
        inittab is slow ->
        boot      ->
        look      ->
        terminal /dev/ttyUSB0 missing ->
        inittab is read -> start c1; start rr
    """,
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(scenario: str) -> None:
    play(INITTAB, scenario)


def test_looking_again_and_again_does_not_throttle() -> None:
    """The starts that did not come about are not counted: ten are left."""
    world = World("id:2:initdefault:\nu0:2:respawn:getty ttyUSB0\n~~:S:wait:x")
    world.gone.add("/dev/ttyUSB0")
    world.boot()
    for _ in range(30):
        world.machine.processes.jobs[("u0", "respawn", 0)].find_terminal()
        do(world, "telinit q")
    world.gone.clear()
    world.look_at_terminals()
    for _ in range(9):
        world.end("u0")
    assert len(world.starts) == 10
    assert world.alive() == ["u0"]


def test_terminals_that_it_wants_to_hear_of() -> None:
    world = World(
        "id:2:initdefault:\nu0:2:respawn:getty ttyUSB0\nx:3:respawn:getty tty1\ny:2:once:getty tty2"
    )
    world.boot()
    assert world.machine.terminals == {"/dev/ttyUSB0", "/dev/tty1"}


def test_who_was_told_stays_told_when_init_is_re_executed() -> None:
    world = World("id:2:initdefault:\nu0:2:respawn:getty ttyUSB0\nr:2:respawn:x\n~~:S:wait:x")
    world.gone.add("/dev/ttyUSB0")
    world.boot()
    machine: Machine = restore(json.loads(json.dumps(save(world.machine))))
    world.driver.machine = machine
    world.effects.clear()
    do(world, "telinit q")
    assert not [effect for effect in world.effects if isinstance(effect, fx.Say) and "waits" in effect.text]


def test_what_is_awaited() -> None:
    """Told once when it changes, whatever makes it change; and by who takes over."""
    world = World(INITTAB)
    world.gone = {"/dev/ttyUSB0", "/dev/tty1"}

    def told(step: str) -> bool:
        world.effects.clear()
        do(world, step)
        return fx.WatchTerminals() in world.effects

    assert told("boot")
    assert world.machine.awaited == {"/dev/ttyUSB0", "/dev/tty1"}
    assert not told("look")
    assert not told("rr ends")
    restored = restore(save(world.machine))
    assert restored.awaited == world.machine.awaited
    assert fx.WatchTerminals() in restored.handle(ev.Resumed(), 1.0)
    world.gone = {"/dev/ttyUSB0"}
    assert told("look")
    assert world.machine.awaited == {"/dev/ttyUSB0"}
    world.remove("u0")
    assert told("telinit q")
    assert world.machine.awaited == set()
    assert fx.WatchTerminals() not in restore(save(world.machine)).handle(ev.Resumed(), 1.0)


def test_two_entries_that_lack_one_terminal() -> None:
    """The watch is made once."""
    waits = [f'say Id "{id_}" waits for its terminal: /dev/ttyUSB0 does not exist' for id_ in "ab"]
    play(
        """
        id:2:initdefault:
        a:2:respawn:/sbin/agetty ttyUSB0
        b:2:respawn:/sbin/agetty ttyUSB0
        ~~:S:wait:x
        """,
        f"""
        terminal /dev/ttyUSB0 missing ->
        boot -> {waits[0]}; watch 1; {waits[1]}
        """,
    )
