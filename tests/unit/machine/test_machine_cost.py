"""An event costs the same in a long inittab: counted in calls, which no other load on the machine changes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from sysvinit_py.machine import events as ev
from sysvinit_py.simulator.world import World

LEVEL = "id:2:initdefault:\nr1:2:respawn:x\nr2:2:respawn:x\nkb:2:kbrequest:x\n"
OTHERS = (10, 10_000)


def others(count: int, level: str, action: str) -> str:
    return LEVEL + "".join(f"{number:04}:{level}:{action}:x\n" for number in range(count))


def calls_of(step: Callable[[], Any]) -> Counter[str]:
    """What is called, and how often."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            calls[argument.__qualname__] += 1

    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
    return calls


EVENTS: dict[str, Callable[[int], ev.Event]] = {
    "an end": lambda pid: ev.ChildExited(pid, 0),
    "an orphan": lambda pid: ev.ChildExited(pid + 100_000, 0),
    "a bad request": lambda pid: ev.LevelRequested("x", 5),
    "variables": lambda pid: ev.VariablesGiven((("INIT_X", "1"),)),
    "a deadline": lambda pid: ev.Tick(),
}


@pytest.mark.parametrize(("level", "action"), [("5", "respawn"), ("2", "once"), ("a", "ondemand")])
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_cost_of_an_event(event: Callable[[int], ev.Event], level: str, action: str) -> None:
    few, many = (cost(event, others(count, level, action)) for count in OTHERS)
    assert few == many
    assert sum(few.values()) > 3


def cost(event: Callable[[int], ev.Event], inittab: str) -> Counter[str]:
    world = World(inittab)
    world.boot()
    told = event(world.running("r1").pid)
    return calls_of(lambda: world.feed(told))
