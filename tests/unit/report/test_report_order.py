"""The order of start, as told, is what the machine does under its driver."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS, EVENTS
from sysvinit_py.inittab.entry import Entry, Reading
from sysvinit_py.machine import events as ev
from sysvinit_py.report import explain, plan
from sysvinit_py.report.order import STAGES, Order
from sysvinit_py.simulator.world import entries

LEVELS = STAGES[2:]
RUNLEVELS = ("", "2", "3", "23", "S", "s2", "a", "2b", "abc", "x", "0123456789S", "SC")
ENTRY = st.builds(
    lambda action, runlevels, process: f"{runlevels}:{action}:{process}",
    st.sampled_from([*ACTIONS]),
    st.sampled_from(RUNLEVELS),
    st.sampled_from(["x", "x", "x", "", "+", "@"]),
)
INITTAB = st.lists(ENTRY, max_size=7).map(
    lambda lines: entries("".join(f"{number}:{line}\n" for number, line in enumerate(lines)))
)


def started(world: plan.World, event: ev.Event) -> list[tuple[str, Entry]]:
    world.started.clear()
    world.tell(event)
    return [(stage, job.entry) for stage, job in world.started]


def told(order: Order, *stages: str) -> list[tuple[str, Entry]]:
    return [(stage, turn.entry) for stage in stages for turn in order.turns[stage]]


def up_to_the_first_that_is_waited_for(order: Order) -> list[tuple[str, Entry]]:
    """Of S, as what is waited for there does not end."""
    turns = order.turns["S"]
    held = [turn.after for turn in turns if turn.after]
    return [("S", turn.entry) for turn in turns if not held or turn.after is None]


@settings(max_examples=150, deadline=None)
@given(INITTAB, st.sampled_from(LEVELS))
def test_a_boot(found: tuple[Entry, ...], level: str) -> None:
    order = Order(found)
    world = plan.booted(Reading(found), level)
    did = [(stage, job.entry) for stage, job in world.started]
    if level == "S" and not order.turns["S"]:
        assert did[: len(order.turns["#"])] == told(order, "#")  # S is over at once
    elif level == "S":
        assert did == [*told(order, "#"), *up_to_the_first_that_is_waited_for(order)]
    else:
        assert did == told(order, "#", "*", level)


@settings(max_examples=100, deadline=None)
@given(INITTAB, st.sampled_from(LEVELS), st.sampled_from(EVENTS))
def test_an_event(found: tuple[Entry, ...], level: str, event: str) -> None:
    """It starts its entries where they have a place, and else when such a level is entered."""
    order = Order(found)
    world = plan.booted(Reading(found), level)
    of_event = [entry for entry in found if entry.rule.event == event]
    did = [entry for _, entry in started(world, ev.Called(event))]
    at_once = [entry for entry in of_event if level in order.on_event(entry)]
    if level != "S":
        assert did == at_once
    for entry in of_event:
        later = [stage for stage in order.on_event(entry) if stage != "S"]
        if entry not in at_once and later:
            again = plan.booted(Reading(found), level)
            again.tell(ev.Called(event))
            assert entry in [other for _, other in started(again, ev.LevelRequested(later[0], 5.0))]
        assert later or order.on_event(entry) or order.never(entry)


@settings(max_examples=100, deadline=None)
@given(INITTAB, st.sampled_from(LEVELS[1:]), st.sampled_from("abc"))
def test_a_letter(found: tuple[Entry, ...], level: str, letter: str) -> None:
    order = Order(found)
    world = plan.booted(Reading(found), level)
    running = [job.entry for job in world.machine.running.values()]
    did = [entry for _, entry in started(world, ev.LevelRequested(letter, 5.0))]
    assert did == [entry for entry in found if letter in order.letters(entry) and entry not in running]
    world.started.clear()
    ended = world.plan(ev.LevelRequested("S", 5.0), Reading(found))
    ends = [step.entry for step in ended if step.what == plan.END]
    assert all((entry in ends) != entry.in_s for entry in did if not entry.rule.waited)


@settings(max_examples=150, deadline=None)
@given(INITTAB, st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_another_level_ends_what_is_told(found: tuple[Entry, ...], one: str, other: str) -> None:
    order = Order(found)
    world = plan.booted(Reading(found), one)
    running = [job.entry for job in world.machine.running.values()]
    if one == other or world.machine.position.stage != one:
        return
    steps = world.plan(ev.LevelRequested(other, 5.0), Reading(found))
    ended = {step.entry.id for step in steps if step.what == plan.END}
    assert ended == {entry.id for entry in running if other in order.ends_in(entry)}


@pytest.mark.parametrize(("action", "runlevels"), [*product(ACTIONS, RUNLEVELS)])
@pytest.mark.parametrize("process", ["x", ""])
def test_never_is_never(action: str, runlevels: str, process: str) -> None:
    """In no level, on no event, by no letter; and what is not never is started on one of these ways."""
    found = entries(f"e:{runlevels}:{action}:{process}\n~~:S:wait:sulogin")
    order = Order(found)
    did = False
    for level in LEVELS:
        world = plan.booted(Reading(found), level)
        for event in (*map(ev.Called, EVENTS), *(ev.LevelRequested(letter, 5.0) for letter in "abc")):
            did |= any(job.entry is found[0] for _, job in world.started)
            world.started.clear()
            world.tell(event)
        did |= any(job.entry is found[0] for _, job in world.started)
    assert did is not bool(order.never(found[0]))


@settings(max_examples=150, deadline=None)
@given(INITTAB)
def test_each_can_be_explained(found: tuple[Entry, ...]) -> None:
    """In whole sentences, which say of each entry how it is started, or why it never is."""
    order = Order(found)
    for entry in found:
        lines = explain.explain(entry, order).split("\n")
        assert lines[0].startswith(("Started ", "Never ", "Names ", "Starts nothing"))
        assert all(line.endswith(".") for line in lines)
        assert lines[0].startswith("Started ") == (not order.never(entry))
    reached, turns = explain.boot(Reading(found))
    assert explain.boot_text(reached, turns, order).startswith("Boot")


def test_who_has_to_end_before() -> None:
    found = entries("a:2:once:a\nb:23:wait:b\nc:2:respawn:c\nd:2:wait:d\ne:2:once:e")
    order = Order(found)
    assert [(turn.entry.id, turn.after.id if turn.after else "") for turn in order.turns["2"]] == [
        ("a", ""), ("b", ""), ("c", "b"), ("d", "b"), ("e", "d"),
    ]  # fmt: skip
    assert [turn.stage for turn in order.turns_of(found[1])] == ["2", "3"]
    assert order.job(found[1]).entry is found[1]


def test_entries_that_are_equal_are_two() -> None:
    found = entries("~~:2:once:a") * 2
    copy = found[0], found[1].replace()
    order = Order(copy)
    assert [len(order.turns_of(entry)) for entry in copy] == [1, 1]
