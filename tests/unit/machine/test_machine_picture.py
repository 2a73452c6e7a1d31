"""The picture of the states is that of the tables, and the machine goes the ways that they have."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from sysvinit_py.machine import stages
from sysvinit_py.report import states
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do

DOCS = Path(__file__).parents[3] / "docs"
draw = SimpleNamespace(**runpy.run_path(str(DOCS / "draw_states.py")))


def test_the_picture_is_current() -> None:
    """If not: python docs/draw_states.py"""
    assert draw.DOT.read_text() == draw.picture()
    assert draw.mark(draw.picture()) in draw.SVG.read_text()


def test_the_page_says_what_each_state_is() -> None:
    words = re.findall(r"^   \* - ``(\S+)``$", (DOCS / "states.rst").read_text(), re.MULTILINE)
    assert sorted(words) == sorted(states.STATES)


#: A walk through the stages: what is done, and where the machine stands then.
WALKS = {
    "boot into a level": ["#", "si ends", "*", "bw ends", "2", "w2 ends", "2"],
    "boot into S, and on": ["#S", "si ends", "S", "~~ ends", "*", "bw ends", "2"],
    "S of a machine that has booted": ["#", "si ends", "*", "bw ends", "2", "telinit S", "S", "~~ ends", "2"],
    "asked in S": [
        "#",
        "telinit S",
        "S",
        "remove id",
        "S",
        "telinit q",
        "S",
        "~~ ends",
        "S",
        "answer 3",
        "*",
    ],
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_the_ways_from_stage_to_stage(walk: list[str]) -> None:
    world = World("id:2:initdefault:\nsi::sysinit:x\nbw::bootwait:x\nw2:2:wait:x\nw3:3:wait:x\n~~:S:wait:x")
    first, *rest = walk
    world.boot(first[1:])
    for step, stage in zip(rest[::2], rest[1::2], strict=True):
        do(world, step)
        assert world.machine.position.stage == stage, step


def test_the_tables_cover_every_stage() -> None:
    kinds = {stages.SYSINIT, stages.BOOT, stages.SINGLE_USER, stages.LEVEL}
    assert stages.OVER.keys() == kinds
    levels = {stages.kind(level) for level in stages.ENTERABLE.values()}
    assert stages.CHOSEN.keys() == {(level, booted) for level in levels for booted in (False, True)}
    assert set(stages.CHOSEN.values()) <= kinds
