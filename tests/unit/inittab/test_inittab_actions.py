"""The table of actions: the grammar and the man page have the same, and a new one is right everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sysvinit_py.inittab.actions import ACTIONS, EVENTS, IN_LEVEL, names

ROOT = Path(__file__).parents[3]


def grammar_actions() -> list[str]:
    grammar = (ROOT / "grammar" / "inittab.lark").read_text()
    [rule] = re.findall(r"^ACTION\.2: \((.*?)\)", grammar, re.M | re.S)
    return re.findall(r'"(\w+)"i', rule)


def test_the_grammar_knows_the_same_actions() -> None:
    assert grammar_actions() == list(ACTIONS)


def test_the_man_page_describes_the_same_actions() -> None:
    page = (ROOT / "man" / "inittab.5.rst").read_text()
    headings = re.findall(r"^\*\*\w+\*\*.*$", page, re.M)
    assert set(re.findall(r"\*\*(\w+)\*\*", "".join(headings))) >= set(ACTIONS)


def test_events_have_entries_and_entries_of_events_have_one() -> None:
    assert set(EVENTS) == {"power failed", "power ok", "power low", "ctrlaltdel", "kbrequest", "resume"}
    assert names(lambda action: bool(action.event)) == names(lambda action: action.when == "event")
    assert "wait" in names(lambda action: action.when == IN_LEVEL)


#: The three edits that add an action which is respawned: a row, a name in the grammar, a paragraph.
EDITS = {
    "sysvinit_py/inittab/actions.py": (
        '    "ondemand": ', '    "askfirst": Action(IN_LEVEL, again=True),\n    "ondemand": '
    ),
    "grammar/inittab.lark": ('"ondemand"i', '"askfirst"i | "ondemand"i'),
    "man/inittab.5.rst": ("**ondemand**\n", "**askfirst**\n    As respawn.\n\n**ondemand**\n"),
}  # fmt: skip

LOOK = """
import sys
sys.path.insert(0, ".")
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do
from sysvinit_py.inittab.entry import SULOGIN, Entry
from sysvinit_py.inittab.getty import terminal_of
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.machine.throttle import STARTS_ALLOWED
from sysvinit_py.lint.inittab import RESPAWNED
from sysvinit_py.lint.targets import BUSYBOX, C_INITS, SYSVINIT_PY

sources = (Source("inittab", b"id:2:initdefault:\\nsh:S:askfirst:/bin/sh\\nt1:23:AskFirst:getty tty1\\n"),)
reading = interpret(sources)
assert not reading.problems, reading.problems
assert SULOGIN not in reading.entries, "S has a shell"
assert terminal_of(reading.entries[2]) == "/dev/tty1", "its getty waits for its terminal"
assert "askfirst" in SYSVINIT_PY.actions
assert not [target.name for target in C_INITS if "askfirst" in target.actions], "C does not know it"
assert "askfirst" in RESPAWNED

world = World("")
world.inittab = reading.entries
world.gone.add("/dev/tty1")
for step in ("boot", "terminal /dev/tty1 there", "look"):
    do(world, step)
assert world.alive() == ["t1"]
for _ in range(2 * STARTS_ALLOWED):
    if world.alive():
        world.end("t1")
assert len(world.starts) == STARTS_ALLOWED, "started again, and throttled"
do(world, "telinit S")
assert world.alive() == ["sh"]
"""


def test_an_action_is_added_in_three_edits(tmp_path: Path) -> None:
    """Guards that what an action is stands in one place: a sulogin was added although S had such a shell, its
    getty did not wait for its terminal, and the linter said that C knows it."""
    for name in ("sysvinit_py", "grammar", "man", "tests/unit/machine"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new) in EDITS.items():
        text = (tmp_path / name).read_text()
        assert text.count(old) == 1, (name, old)
        (tmp_path / name).write_text(text.replace(old, new))
    for command in (["grammar/generate.py"], ["-c", LOOK]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_the_chapter_says_what_each_action_means() -> None:
    chapter = (ROOT / "docs/behaviour/inittab.rst").read_text()
    assert [name for name in ACTIONS if not re.search(rf"^(?:.*, )?{name}\b", chapter, re.M)] == []


@pytest.mark.parametrize("name", ["grammar/inittab.lark", "man/inittab.5.rst"])
def test_the_recipe_names_what_is_to_be_edited(name: str) -> None:
    assert name in (ROOT / "sysvinit_py" / "inittab" / "actions.py").read_text()
