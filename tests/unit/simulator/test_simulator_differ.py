"""Where C would do otherwise: what is said stands in docs/differences.rst, and is true of the life."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.simulator.differ import NAMES, OF_ENTRY, OF_LIFE, differences
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.life import simulate

PAGE = (Path(__file__).parents[3] / "docs" / "differences.rst").read_text()
TAB = b"""\
id:2:initdefault:
w:2:respawn:/bin/w
S0:2:respawn:/sbin/getty 9600 ttyS0
od:aS:ondemand:/bin/od
kb:a2S:kbrequest:/bin/kb
# inittab: stop=HUP
h:2:respawn:/bin/h
su:S:wait:/bin/sh
"""


def told(scenario: str, tab: bytes = TAB, target: str = "sysvinit-3.06") -> set[tuple[int, str]]:
    sources = (Source("inittab", tab),)
    reading = interpret(sources)
    life = simulate(reading, parse(scenario))
    return {(one.line, one.text) for one in differences(sources, reading.entries, life, target)}


@pytest.mark.parametrize("text", [*OF_ENTRY, *OF_LIFE])
def test_it_stands_on_the_page(text: str) -> None:
    assert f'"{text}", ' in PAGE


#: What shows each of them, and in which line.
SHOWN = {
    "A getty is started whatever terminal it names, and throttled.": ("terminal ttyS0 missing", 3),
    "ondemand entries have a place in level S.": ("at 1s SIGHUP", 4),
    "``telinit a`` concerns power, key and resume entries, too.": ("at 1s telinit a", 5),
    "Event entries in S take the terminal from sulogin.": ("at 1s telinit S\nat 2s kbrequest", 5),
    "One entry cannot be stopped, started or restarted.": ("at 1s stop w", 2),
    "Whatever is ended gets SIGTERM.": ("at 1s SIGHUP", 7),
    "The wait time is 3 s at the start, and in ``telinit``'s request without ``-t``.": (
        "child w ignores TERM\nat 1s telinit 3", 2),
    "A fork that fails stops all work for five seconds.": ("forks fail until 3s", 0),
    "``no more processes left in this runlevel`` is said once.": ("at 1s telinit 4\nat 2s telinit 5", 0),
    "A process group is gone when its leader is.": ("child w members 2\nat 1s telinit 3", 0),
}  # fmt: skip


@pytest.mark.parametrize("text", [*OF_ENTRY, *OF_LIFE])
def test_it_is_said_of_a_life_that_has_it(text: str) -> None:
    """And of none that has not, unless it is a matter of the entry alone."""
    scenario, line = SHOWN[text]
    assert (line, text) in told(scenario)
    plain = b"id:2:initdefault:\nw:2:respawn:/bin/w\nsu:S:wait:/bin/sh\n"
    assert told("at 1s telinit S", plain) == set()
    assert told("at 1s telinit -e X=a", b"id:2:initdefault:\nkb:a2:kbrequest:/bin/kb\n") == set()


def test_what_the_linter_finds_for_it_and_not_for_ours() -> None:
    tab = b"id:2:initdefault:\nw:2s:respawn:" + b"x" * 130 + b"\nr:2:resume:/bin/x\n"
    for target in NAMES:
        lines = {line for line, _ in told("", tab, target)}
        assert {2, 3} <= lines
