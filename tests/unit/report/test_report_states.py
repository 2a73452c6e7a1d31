"""Why an entry is started or not, whom it waits for, and what the machine waits for (see machine_world)."""

from __future__ import annotations

import pytest

from sysvinit_py.machine import rules
from sysvinit_py.machine.machine import INITTAB as THE_INITTAB
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import restore, save
from sysvinit_py.report import states
from sysvinit_py.simulator.world import World, held_back_by
from tests.unit.machine.machine_world import play

INITTAB = """
    id:2:initdefault:
    si::sysinit:x
    bw::bootwait:x
    w2:2:wait:x
    o2:2:once:x
    r2:2:respawn:/sbin/getty tty1
    r3:3:respawn:x
    oa:a:ondemand:x
    of:2:off:x
    no:2:respawn:
    ca::ctrlaltdel:x
    kb:2:kbrequest:x
    ~~:S:wait:x
"""

SCENARIOS = {
    "while the inittab is read": """
        inittab is slow ->
        boot -> read
        expect waits for inittab ->
    """,
    "the boot": """
        boot -> start si
        expect si running ->
        expect bw inactive ->
        expect r2 inactive ->
        expect of disabled ->
        expect no disabled ->
        si ends -> start bw
        expect bw running ->
        bw ends -> start w2
        expect r2 pending ->
        expect r2 held back by w2 ->
        expect ca idle ->
        expect oa idle ->
        w2 ends with 0 -> start o2; start r2
        expect w2 done ->
        expect o2 running ->
        o2 ends with 1 ->
        expect o2 failed ->
        expect waits for ->
    """,
    "triggered by an event, and it cannot run yet": """
        boot -> start si
        si ends -> start bw
        bw ends -> start w2
        kbrequest ->
        expect kb triggered ->
        expect kb held back by w2 ->
        ctrlaltdel -> start ca
        expect ca running ->
        expect kb held back by ca ->
    """,
    "told to end": """
        boot -> start si
        si ends -> start bw
        bw ends -> start w2
        w2 ends -> start o2; start r2
        child r2 ignores TERM ->
        telinit 3 -> TERM o2; TERM r2
        expect r2 stopping ->
        expect r3 pending ->
        expect waits for ends r2 ->
        wait 6 -> KILL r2; start r3
        expect r2 inactive ->
        telinit a -> start oa
        expect oa running ->
    """,
    "no terminal": """
        terminal /dev/tty1 missing ->
        boot -> start si
        si ends -> start bw
        bw ends -> start w2
        w2 ends -> start o2
        expect r2 no-terminal ->
    """,
    "no process can be made": """
        boot -> start si
        si ends -> start bw
        bw ends -> start w2
        forks fail ->
        w2 ends -> start o2; start r2
        expect o2 pending ->
        expect r2 pending ->
    """,
    "started too often": """
        child r3 is missing ->
        boot -> start si
        telinit 3 -> TERM si; start r3; start r3; start r3; start r3; start r3; start r3; start r3; start r3; start r3; start r3
        expect r3 throttled ->
    """,  # noqa: E501
    "a command that cannot be executed": """
        child w2 is missing ->
        boot -> start si
        si ends -> start bw
        bw ends -> start w2; start o2; start r2
        expect w2 failed ->
    """,
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(scenario: str) -> None:
    play(INITTAB, scenario)


def test_while_the_level_is_asked_for() -> None:
    play(
        "r2:2:respawn:x", "boot -> ask\nexpect waits for answer ->\nanswer 2 -> start r2\nexpect waits for ->"
    )


def test_every_verdict_has_a_word_and_every_condition_is_used() -> None:
    verdicts = {
        rules.DUE, rules.RUNS, rules.RESTS, rules.NO_TERMINAL, rules.HAS_RUN, rules.NOT_TRIGGERED,
        rules.NO_PLACE, rules.EMPTY, rules.STOPPED, rules.LEAVING,
    }  # fmt: skip
    last = {row.verdict: row for row in states.CASES}
    assert last.keys() == verdicts
    assert {row.condition for row in last.values()} == {""}, "some row always fits"
    assert {row.condition for row in states.CASES} == states.CONDITIONS.keys()
    assert {row.word for row in states.CASES} == states.STATES.keys()


def test_how_a_job_ended_outlives_a_re_execution() -> None:
    """And a state of an init that did not note it is taken all the same."""
    world = World("id:2:initdefault:\no2:2:once:x\nr2:2:respawn:x\n~~:S:wait:x")
    world.boot()
    world.end("o2", 256)
    saved = save(world.machine)
    world.driver.machine = restore(saved)
    assert world.state("o2") == "failed"
    assert world.job("o2").starts == 1
    for job in saved["jobs"]:
        del job["status"], job["marks"]["starts"], job["marks"]["began"], job["marks"]["ended_at"]
    del saved["position"]["since"]
    world.driver.machine = restore(saved)
    assert world.state("o2") == "done"


def test_nobody_is_held_back_who_has_no_place() -> None:
    world = World(INITTAB)
    world.boot()
    assert held_back_by(world.machine, world.job("r2")) is None
    assert Machine().busy == THE_INITTAB
