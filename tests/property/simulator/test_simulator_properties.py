"""Scenarios come back from their text; no inittab, no scenario makes a simulation fail or go on forever."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.report.states import STATES
from sysvinit_py.simulator import life as lives
from sysvinit_py.simulator import world
from sysvinit_py.simulator.language import Scenario, ScenarioError, parse
from sysvinit_py.simulator.life import default, simulate
from sysvinit_py.simulator.steps import OF_LIFE, STAGES, STEPS, WHAT
from sysvinit_py.simulator.values import VALUES, duration

WORDS = st.text(string.ascii_letters + string.digits + "-_é", min_size=1, max_size=4)
TIMES = st.integers(0, 10**12).map(lambda us: duration(us / 1e6)) | st.sampled_from(("0s", "50ms", "2min"))
ACTIONS = ("wait", "respawn", "once", "sysinit", "boot", "ondemand", "powerwait", "initdefault", "nonsense")
#: A text for each place in a form.
TEXTS: dict[str, st.SearchStrategy[str]] = {
    "TIME": TIMES,
    "SECONDS": st.integers(-1, 9).map(str),
    "ID": st.sampled_from(("a", "b", "no", "S0", "*")),
    "LEVEL": st.sampled_from("0123456789SsabcqQuUx#"),
    "STAGE": st.sampled_from(sorted(STAGES)),
    "STATUS": st.integers(0, 255).map(str),
    "SIGNAL": st.integers(1, 64).map(str),
    "COUNT": st.integers(0, 9).map(str),
    "CORE": st.just("core"),
    "STATE": st.sampled_from((*STATES, "runs")),
    "WHAT": st.sampled_from(sorted(WHAT)),
    "POWER": st.sampled_from(("failed", "ok", "low")),
    "TERMINAL": st.sampled_from(("ttyS0", "/dev/tty1", "vc/1")),
    "ASSIGNMENT": st.sampled_from(("INIT_A=1", "INIT_A", "PATH=x", "INIT_B=")),
    "WORD": WORDS,
    "ENTRY": st.builds("{}:{}:{}:{}".format, WORDS, st.sampled_from(("", "2", "2S")),
                       st.sampled_from(ACTIONS), st.sampled_from(("", "x", "x # y"))),
    "FILE": st.just("other"),
    "TEXT": WORDS,
}  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line of any form, with or without what may be left out."""
    form = draw(st.sampled_from((*STEPS, *OF_LIFE)))
    words: list[str] = []
    there = True
    for word in form.split():
        if word.startswith("["):
            there = draw(st.booleans())
        name = word.strip("[]")
        if there:
            words.append(draw(TEXTS[name]) if name in VALUES else name)
        there = there or word.endswith("]")
    timed = draw(st.booleans())
    return f"{f'at {draw(TIMES)} ' if timed else ''}{' '.join(words)}"


TABS = st.lists(
    st.builds(
        "{}:{}:{}:{}".format, st.sampled_from(("a", "b", "S0", "~~")), st.sampled_from(("", "2", "23S", "a")),
        st.sampled_from(ACTIONS), st.sampled_from(("x", "", "getty ttyS0", "+x")),
    ), max_size=6,
).map(lambda entries: "\n".join(("id:2:initdefault:", *entries, "")).encode())  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A life may have fewer events, so that many are lived."""
    monkeypatch.setattr(lives, "MOST_EVENTS", 3000)
    monkeypatch.setattr(world, "MOST_TURNS", 3000)


def same(scenario: Scenario) -> list[object]:
    return [(line.form, line.values, line.at, line.time) for line in scenario.lines]


@settings(deadline=None)
@given(st.lists(lines(), max_size=8))
def test_a_scenario_comes_back_from_its_text(texts: list[str]) -> None:
    """As the file has it line by line; and in the order in which it is done, with the boot in its place."""
    scenario = parse("\n".join(texts))
    for line in scenario.lines:
        [again] = [other for other in parse(f"boot\n{line}").lines if other.number == 2]
        assert (again.form, again.values, again.at) == (line.form, line.values, line.at)
    assert len(scenario.lines) in (len(texts), len(texts) + 1)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("at 5s telinit3\n#[]*\x00\x1bé:", max_size=200).map(str.encode))
def test_any_bytes_are_a_scenario_or_its_mistakes(data: bytes) -> None:
    try:
        parse(data.decode("utf-8", "surrogateescape"), "file")
    except ScenarioError as error:
        said = [str(mistake) for mistake in error.mistakes]
    else:
        return
    assert said
    assert all(line.isprintable() for text in said for line in text.split("\n"))


@settings(deadline=None, max_examples=200)
@given(TABS | st.binary(max_size=300), st.lists(lines(), max_size=10))
def test_any_inittab_lives_any_scenario(data: bytes, texts: list[str]) -> None:
    """It ends, times do not go back, and it is the same life again."""
    reading = interpret((Source("inittab", data),))
    files = {"other": interpret((Source("other", b"a:2:respawn:y\n"),))}
    life = simulate(reading, parse("\n".join(texts)), files)
    times = [event.time for event in life.events]
    assert times == sorted(times)
    assert len(times) <= 3000
    assert simulate(reading, parse("\n".join(texts)), files) == life
    assert not simulate(reading, default(reading.entries)).failures
