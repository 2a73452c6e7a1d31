"""Random lives: what they find, that they are the same everywhere, and the shortest one that shows it."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.entry import Reading
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.simulator.explore import Dice, Explorer, Finding, regression, symptoms
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.life import simulate

TAB = """\
id:2:initdefault:
si::sysinit:/bin/si
l2:2:wait:/bin/l2
web:2:respawn:/bin/web
db:37:respawn:/bin/db
"""


def reading(text: str = TAB) -> Reading:
    return interpret((Source("inittab", text.encode()),))


def found(text: str = TAB, base: str = "", lives: int = 400, seed: int = 1) -> dict[tuple[str, str], Finding]:
    findings = Explorer(reading(text), parse(base).lines).explore(lives, seed)
    return {(finding.kind, finding.about): finding for finding in findings}


def test_dice_are_the_same_everywhere() -> None:
    """SplitMix64 with the seed 1234567: the numbers that its authors give."""
    dice = Dice(1234567)
    assert [dice.below(1 << 64) for _ in range(3)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423
    ]  # fmt: skip


def test_what_is_found_and_the_shortest_life_that_shows_it() -> None:
    told = found()
    boot, level = told["blocked", "si"], told["blocked", "l2"]
    assert boot.text == "si does not end; no level is entered"
    assert level.text == "l2 does not end; held back: web"
    for finding in (boot, level, told["throttled", "web"]):
        assert finding.scenario
        lines = str(finding.scenario).splitlines()
        assert len(lines) == 3
        assert lines[0].startswith(f"child {finding.about} ")
        assert lines[1:] == ["boot", "at 2min end"]
        assert 0 < finding.lives < 200
    assert found() == told
    assert found(seed=2) != told


def test_a_saved_life_shows_it_again_and_fails() -> None:
    for (kind, about), finding in found().items():
        saved = parse(regression(finding))
        life = simulate(reading(), saved)
        assert symptoms(life)[kind, about] == finding.text
        assert len(life.failures) == 1
        assert finding.scenario
        again = simulate(reading(), finding.scenario)
        assert [e.replace(number=0) for e in life.events] == [e.replace(number=0) for e in again.events]


def test_what_no_life_has() -> None:
    """Behind a wait entry that never ends, and with a letter that is asked for in vain."""
    text = TAB + "no:2:powerokwait:\nS1:S:ondemand:/bin/x\n"
    told = found(text, "child l2 runs", lives=60)
    assert told["never-started", "web"].text == "web is never started"
    assert ("never-started", "S1") in told
    assert ("never-started", "no") not in told
    told = found(text, "child si runs\nexpect never rests", lives=1)
    assert ("never-entered", "2") in told


def test_a_scenario_is_in_each_life_and_its_children_do_nothing_else() -> None:
    told = found(base="child web runs\nchild si runs\nchild l2 exit 0 after 1s\nexpect db never ends")
    assert told["blocked", "si"].lives > 100
    assert ("throttled", "web") not in told
    assert ("blocked", "l2") not in told
    assert ("failed", "expect db never ends") in told
    assert "expect db never ends" in str(told["failed", "expect db never ends"].scenario)
    assert {kind for kind, _ in found(base="child * runs")} == {"blocked", "never-started"}


def test_children_misbehave_from_the_boot_on_whatever_the_scenario_has() -> None:
    """And what it has late is in all lives, too."""
    told = found(base="at 30s SIGHUP\nexpect web running\nat 3min expect level 2")
    lines = str(told["blocked", "si"].scenario).splitlines()
    assert lines[0].startswith("child si ")
    assert lines[1:] == [
        "boot", "at 30s SIGHUP", "expect web running", "at 3min expect level 2", "at 3min end"
    ]  # fmt: skip


def test_any_id_is_explored() -> None:
    """And named in the life, so that it can be played again."""
    text = "id:2:initdefault:\na b:2:wait:x\n*:2:wait:x\nat:2:respawn:x\n"
    told = found(text, lives=100)
    assert {about for kind, about in told if kind == "blocked"} == {"a b", "*"}
    for finding in told.values():
        life = simulate(reading(text), parse(regression(finding)))
        assert symptoms(life)[finding.kind, finding.about] == finding.text
        assert len(life.failures) == 1


@pytest.mark.parametrize("action", ["once", "respawn"])
@pytest.mark.parametrize(
    ("about", "line", "base"),
    [("si", "si::sysinit:", ""), ("l2", "l2:2:wait:", "at 10s telinit 3\nat 20s telinit 2")],
)
def test_a_saved_life_passes_when_the_inittab_is_mended(
    about: str, line: str, base: str, action: str
) -> None:
    """Also when the child never ends; and it fails before, also when the child has ended once."""
    saved = parse(regression(found(base=base)["blocked", about]))
    assert simulate(reading(), saved).failures
    assert not simulate(reading(TAB.replace(line, f"{about}:2:{action}:")), saved).failures


def test_an_inittab_without_initdefault_asks() -> None:
    told = found("w:2:respawn:x\n", lives=5)
    assert told["asks", ""].text == "init asks for a level"
    life = simulate(reading("w:2:respawn:x\n"), parse(regression(told["asks", ""])))
    assert [failure.found for failure in life.failures] == ["it is answer"]


def test_nothing_to_find() -> None:
    assert found("id:2:initdefault:\nw:2:once:x\nS:S:once:x\n", lives=50) == {}


@pytest.mark.timed
def test_how_long_it_takes() -> None:
    """1,000 lives of 50 entries in 10 s; three times that on a busy machine, of which a tenth is lived."""
    from time import process_time

    actions = ("respawn", "wait", "once")
    text = "id:2:initdefault:\n" + "".join(f"e{n}:{2 + n % 4}:{actions[n % 3]}:x\n" for n in range(50))
    explorer, before = Explorer(reading(text)), process_time()
    explorer.explore(100, 1)
    assert process_time() - before < 3
