"""A boot or a change of level as bars: of what the machine notes, in its own words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine import events as ev
from sysvinit_py.report.chart import Bar, Chart, chart, facts, rows, svg
from sysvinit_py.report.history import Event, Ring, read
from sysvinit_py.simulator.world import World, entries

TEXT = """
    id:2:initdefault:
    si::sysinit:rcS
    b::boot:b
    l2:2:wait:rc 2
    a:23:respawn:a
    o:2:once:o
    l3:3:wait:rc 3
    n:3:once:n
    ~~:S:wait:sulogin
    x:S:once:x
"""
FOUND = entries(TEXT)


def noted(world: World, ring: Ring) -> list[Event]:
    ring.add(world.machine.processes.take_notes())
    return read(bytes(ring.content))


def booted() -> tuple[World, Ring]:
    """At 1000 s; sysinit takes 2 s, the wait entry 3 s."""
    world, ring = World(TEXT), Ring()
    world.boot()
    world.now += 2
    world.end("si")
    world.now += 3
    world.end("l2")
    return world, ring


def told(drawn: Chart | None) -> list[tuple[str, float, float | None, float]]:
    assert drawn
    begin = drawn.begin
    return [
        (bar.id, bar.began - begin, None if bar.ended is None else bar.ended - bar.began, bar.held)
        for bar in drawn.bars
    ]


def test_a_boot() -> None:
    world, ring = booted()
    events = noted(world, ring)
    drawn = chart(events, FOUND, world.now + 1000)
    assert told(drawn) == [
        ("si", 0, 2, 2), ("b", 2, None, 0), ("l2", 2, 3, 3), ("a", 5, None, 0), ("o", 5, None, 0),
    ]  # fmt: skip
    assert drawn
    assert (drawn.end - drawn.begin, drawn.stages) == (5, ((1000, "#"), (1002, "*"), (1002, "2")))
    assert [" ".join(row).split() for row in rows(drawn)] == [
        ["ID", "BEGAN", "RAN", "HELD-UP", "COMMAND"],
        ["si", "0.000", "2.000", "2.000", "#" * 16, "rcS"],
        ["b", "2.000", "-", "-", "=" * 23 + ">", "b"],
        ["l2", "2.000", "3.000", "3.000", "#" * 23, "rc", "2"],
        ["a", "5.000", "-", "-", ">", "a"],
        ["o", "5.000", "-", "-", ">", "o"],
    ]


def test_a_change_of_level() -> None:
    """What has to end holds it up; what is in both levels is not in it, nor what happens later."""
    world, ring = booted()
    world.now += 10
    world.feed(ev.LevelRequested("3", 5.0))
    world.now += 1
    world.end("l3")
    world.now += 100
    world.end("a")
    events = noted(world, ring)
    drawn = chart(events, FOUND, world.now, "3")
    assert [bar[0] for bar in told(drawn)] == ["o", "l3", "n"]
    assert told(drawn)[1:] == [("l3", 0, 1, 1), ("n", 1, None, 0)]
    assert [bar[0] for bar in told(chart(events, FOUND, world.now))] == ["si", "b", "l2", "a", "o"]
    assert chart(events, FOUND, world.now, "5") is None


def test_what_comes_later_is_not_part_of_it() -> None:
    """An event, a request, a restart, an inittab that was read once more: days later they would be all."""
    world, ring = booted()
    world.now += 1000
    world.feed(ev.Called("power failed"))
    world.feed(ev.LevelRequested("a", 5.0))
    world.end("o")
    world.feed(ev.RereadRequested())
    events = noted(world, ring)
    events.append(event(9000.0, "begin", "new", 4711))
    found = entries(TEXT + "pf::powerfail:p\nd:a:ondemand:d\n")
    drawn = chart([*events[:-1], event(8000.0, "begin", "pf", 4712), *events[-1:]], found, 9999.0)
    assert [bar[0] for bar in told(drawn)] == ["si", "b", "l2", "a", "o"]
    assert drawn
    assert drawn.end - drawn.begin == 5


def test_what_still_holds_up_others() -> None:
    events = [event(0.0, "level", word="S"), event(0.0, "begin", "~~", 7)]
    assert told(chart(events, FOUND, 9.0, "S")) == [("~~", 0, None, 9)]
    alone = entries("~~:S:wait:sulogin")
    assert told(chart(events, alone, 9.0, "S")) == [("~~", 0, None, 0)]


def event(time: float, what: str, name: str = "", pid: int = 0, word: str = "") -> Event:
    return Event(0, time, what, name, pid, 0, word)


def test_only_the_first_process_of_an_entry_is_a_bar() -> None:
    events = [
        event(0.0, "begin", "old", 1),
        event(1.0, "level", word="2"),
        event(1.0, "read"),
        event(1.0, "begin", "a", 2),
        event(2.0, "end", "a", 2),
        event(2.0, "begin", "a", 3),
        event(3.0, "end", "gone", 0, "cannot-execute"),
        event(4.0, "end", "b", 9),
        event(5.0, "end", "old", 1, "level-left"),
        event(6.0, "begin", "b", 10),
        event(7.0, "begin", "l3", 10),
        event(8.0, "read"),
        event(9.0, "begin", "l2", 11),
    ]
    assert told(chart(events, FOUND, 9.0, "2")) == [
        ("a", 0, 1, 0), ("gone", 2, 0, 0), ("old", 0, 4, 0),
    ]  # fmt: skip


def test_nothing_is_known() -> None:
    assert chart([], FOUND, 1.0) is None
    assert chart([event(1.0, "begin", "a", 2)], FOUND, 1.0) is None
    empty = chart([event(1.0, "level", word="#")], FOUND, 1.0)
    assert empty
    assert (empty.bars, empty.end - empty.begin) == ((), 0)
    assert ElementTree.fromstring(svg(empty, "boot")) is not None


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=9)
TIMES = st.floats(0, 1e9, allow_nan=False)
BARS = st.builds(Bar, TEXTS, TEXTS, TIMES, st.none() | TIMES, st.booleans(), TIMES)


@given(st.lists(BARS, max_size=4), TEXTS, TIMES, TIMES)
def test_svg_is_well_formed(bars: list[Bar], title: str, begin: float, end: float) -> None:
    """Whatever ids and commands consist of: no element of theirs, and no escape for a terminal."""
    drawn = Chart(begin, end, tuple(bars), ((begin, "#"), (end, "2")))
    text = svg(drawn, title)
    assert all(line.isprintable() for line in text.split("\n"))
    tree = ElementTree.fromstring(text)
    kinds = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert kinds <= {"svg", "title", "rect", "text", "line"}
    assert len(tree.findall("{*}rect")) == 1 + len(bars)
    assert all(len(row) == 6 for row in rows(drawn))


@pytest.mark.parametrize("text", ["<script>x</script>", "]]>", "&amp;", '"', "\x1b[31m", "\udcff", "\ufffe"])
def test_text_is_shown_as_it_is(text: str) -> None:
    drawn = Chart(0.0, 1.0, (Bar(text, text, 0.0, 1.0, False),), ())
    shown = ["".join(element.itertext()) for element in ElementTree.fromstring(svg(drawn, text)).iter()]
    assert (text if text.isprintable() else text.encode("unicode_escape").decode()[-2:]) in "".join(shown)


def test_an_entry_without_a_command_is_no_bar_by_name() -> None:
    drawn = chart(
        [event(0.0, "level", word="2"), event(0.0, "begin", "zz", 3)],
        [Entry("a", "2", "once", "x")],
        1.0,
        "2",
    )
    assert drawn
    assert [*rows(drawn)][1][-1] == "-"


def test_for_programs() -> None:
    """The times are those of the bars, from the beginning of the chart."""
    world, ring = booted()
    drawn = chart(noted(world, ring), FOUND, world.now)
    found = facts(drawn) if drawn else {}
    assert (found["seconds"], found["stages"][0]) == (5.0, {"time": 0.0, "stage": "#"})
    assert [
        (bar["id"], bar["began"], None if bar["ended"] is None else bar["ended"] - bar["began"], bar["held"])
        for bar in found["bars"]
    ] == told(drawn)
    assert found["bars"][0]["command"] == "rcS"
