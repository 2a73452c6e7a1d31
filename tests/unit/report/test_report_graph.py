"""The order as a graph: what it says, and that graphviz and Mermaid take it for what it is."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.report.graph import dot, graph, matrix, mermaid
from sysvinit_py.report.order import Order
from sysvinit_py.simulator.world import entries
from tests.support.corpus import samples

TEXT = """
    id:2:initdefault:
    si::sysinit:rcS
    b1::bootwait:b1
    b2::boot:b2
    l2:2:wait:rc 2
    g:23:respawn:getty
    d:a:ondemand:d
    pf:2:powerwait:p
    ~~:S:wait:sulogin
    f:2:off:x
"""
#: What a stranger may write into an id or a command.
NASTY = [
    '"', "\\", '\\"', "\\n", "\\N", "<b>x</b>", "&quot;", "&#27;", "#quot;", "#35;", "%%", "%%{init: {}}%%",
    "`x`", "end", "]", "]-->", '"]', "}", "click n1", "\x1b[31m", "\x07", "\r", "\t", "\x00", "\udcff",
    "\u202e", "é", "☃", "- x", "1. x", "**", ";", "|", "\\l", "-->|x|", " ", "javascript:alert(1)",
    "<img src=x onerror=alert(1)>",
]  # fmt: skip
WORD = st.one_of(st.sampled_from(NASTY), st.text(max_size=8)).filter(lambda text: "\n" not in text)
ENTRIES = st.lists(
    st.builds(
        Entry, WORD, st.sampled_from(["2", "23", "S", "a", "", "x"]), st.sampled_from([*ACTIONS]),
        st.lists(WORD, max_size=4).map("".join),
    ),
    max_size=6,
)  # fmt: skip
#: A line of a flowchart, as strictly as we write it: in quotes only what has no meaning to Mermaid.
SAFE = r"(?:[A-Za-z0-9 ]|#\d+;|<br>)*"
MERMAID = re.compile(
    rf'flowchart LR|  subgraph g\d+\["{SAFE}"\]|    n\d+\["{SAFE}"\]|    n\d+\(\["{SAFE}"\]\)|  end'
    rf'|  n\d+ (-->|-\.->\|"{SAFE}"\|) n\d+'
)
#: The same of a graph of graphviz's: a quoted string in which no quote and no backslash stands by itself.
STRING = r'"(?:[^"\\\n]|\\[\\"n])*"'
DOT = re.compile(
    r"digraph inittab \{|  rankdir=LR|  node \[shape=box\]|  subgraph cluster_\d+ \{|  \}|\}"
    rf"|    label={STRING}"
    rf"|    n\d+ \[label={STRING}(, shape=ellipse)?\]|  n\d+ -> n\d+( \[style=dashed, label={STRING}\])?"
)


def drawn(found: tuple[Entry, ...] | list[Entry]) -> tuple[str, str]:
    picture = graph(Order(found))
    return dot(picture), mermaid(picture)


def test_what_waits_for_what() -> None:
    picture = graph(Order(entries(TEXT)))
    edges = [(edge.start.lines[0], edge.end.lines[0], edge.label) for edge in picture.edges]
    assert edges == [
        ("sysinit", "si  sysinit", ""),
        ("boot", "b1  bootwait", ""),
        ("b1  bootwait", "b2  boot", ""),
        ("si  sysinit", "boot", ""),
        ("level S", "~~  wait", ""),
        ("b1  bootwait", "level S", "telinit"),
        ("level 2", "l2  wait", ""),
        ("l2  wait", "g  respawn", ""),
        ("b1  bootwait", "level 2", ""),
        ("level 3", "g  respawn", ""),
        ("b1  bootwait", "level 3", "telinit"),
        ("telinit a", "d  ondemand", "in any level but S"),
        ("power failed", "pf  powerwait", "in level 2"),
    ]
    assert [group.title for group in picture.groups] == [
        "sysinit", "boot", "level S", "level 2", "level 3", "events and requests",
    ]  # fmt: skip


def test_single_user_mode_comes_before_the_boot_entries() -> None:
    picture = graph(Order(entries("id:S:initdefault:\nsi::sysinit:rcS\nb::bootwait:b\n~~:S:wait:sulogin\n")))
    assert ("si  sysinit", "level S", "") in [
        (edge.start.lines[0], edge.end.lines[0], edge.label) for edge in picture.edges
    ]


def test_levels_with_the_same_entries_are_drawn_once() -> None:
    picture = graph(Order(entries("a:2345:once:x\nb:2345:wait:y\nc:5:once:z\n")))
    assert [group.title for group in picture.groups] == ["sysinit", "level 2, 3 and 4", "level 5"]


def test_matrix() -> None:
    header, *rows = matrix(Order(entries(TEXT)))
    assert header == [
        "ID", "ACTION", "#", "*", "S", *"0123456789", "ALSO", "WAITED", "COMMAND",
    ]  # fmt: skip
    assert [" ".join(row) for row in rows] == [
        "id initdefault . . . . . . . . . . . . . - - -",
        "si sysinit x . . . . . . . . . . . . - yes rcS",
        "b1 bootwait . x . . . . . . . . . . . - yes b1",
        "b2 boot . x . . . . . . . . . . . - no b2",
        "l2 wait . . . . . x . . . . . . . - yes rc 2",
        "g respawn . . . . . x x . . . . . . - no getty",
        "d ondemand . . . . . . . . . . . . . telinit a no d",
        "pf powerwait . . . . . e . . . . . . . power failed yes p",
        "~~ wait . . x . . . . . . . . . . - yes sulogin",
        "f off . . . . . . . . . . . . . - - x",
    ]


@settings(max_examples=300, deadline=None)
@given(ENTRIES)
def test_whatever_is_in_it_it_is_a_graph(found: list[Entry]) -> None:
    as_dot, as_mermaid = drawn(found)
    for text, line_of in ((as_dot, DOT), (as_mermaid, MERMAID)):
        *lines, last = text.split("\n")
        assert last == ""
        assert [line for line in lines if not line_of.fullmatch(line)] == []
        assert all(line.isprintable() for line in lines)


def labels(svg: str) -> list[str]:
    from html import unescape

    return [unescape(text).replace("\xa0", " ") for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.skipif(not shutil.which("dot"), reason="no graphviz here")
def test_graphviz_shows_what_is_written() -> None:
    """Each hostile text, in one drawing, and each is there as it is written, or with escapes."""
    commands = [text for text in NASTY if text.isprintable() and text.strip()]
    found = [Entry(f"e{number}", "2", "once", text) for number, text in enumerate(commands)]
    hidden = [Entry(f"h{number}", "2", "once", text) for number, text in enumerate(NASTY)]
    picture, _ = drawn([*found, *hidden])
    done = subprocess.run(["dot", "-Tsvg"], input=picture.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    shown = labels(done.stdout.decode())
    for command in commands:
        assert command in shown
    assert "\\x1b[31m" in shown
    assert "\\xff" in shown


@pytest.mark.skipif(not shutil.which("dot"), reason="no graphviz here")
@pytest.mark.parametrize("sample", [s for s in samples() if s.dialect == "sysv"], ids=lambda s: str(s.name))
def test_graphviz_takes_real_ones(sample: object) -> None:
    reading = interpret((Source("f", sample.path.read_bytes()),))  # type: ignore[attr-defined]
    picture, _ = drawn(reading.entries)
    done = subprocess.run(["dot", "-Tcanon"], input=picture.encode(), capture_output=True, check=True)
    assert done.stderr == b""


@pytest.mark.timed
def test_speed() -> None:
    """10,000 entries in 2 s, parsing apart; with room for a slow machine."""
    found = entries("".join(f"{number:04}:2345:respawn:/bin/x {number}\n" for number in range(10_000)))
    start = time.process_time()
    drawn(found)
    list(matrix(Order(found)))
    assert time.process_time() - start < 2
