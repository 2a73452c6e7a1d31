"""Sentences about entries: they follow from the table of actions, and change with it."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab import actions
from sysvinit_py.inittab.entry import Entry, EntryOptions, Problem, Reading
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.machine import limits
from sysvinit_py.report import explain
from sysvinit_py.report.order import Order
from sysvinit_py.simulator.world import entries

TEXT = """
    id:2:initdefault:
    i2:3:initdefault:
    si::sysinit:rcS
    b1::bootwait:b1
    b2::boot:b2
    l2:2:wait:rc 2
    l3:3:wait:rc 3
    g:23:respawn:/sbin/getty 38400 tty1
    o:3:once:+echo $X
    d:ab:ondemand:@d
    db:2a:once:x
    pf::powerfail:p
    ca:12:ctrlaltdel:c
    ~~:S:wait:sulogin
    f:2:off:x
    n:2:once:
    z:x:once:x
    zs:S:ondemand:x
    za:a:kbrequest:x
"""


def told(entry_id: str, text: str = TEXT) -> str:
    found = entries(text)
    order = Order(found)
    return explain.explain(next(entry for entry in order.entries if entry.id == entry_id), order)


@pytest.mark.parametrize(
    ("entry_id", "sentences"),
    [
        ("id", ["Starts nothing, and names the level to boot to: 2."]),
        ("i2", ["Never used: the first initdefault entry counts, inittab[1]."]),
        (
            "si",
            [
                "Started once, at boot, before the entries of all other actions.",
                "What comes after it is started when it has ended.",
                "A level that is requested before it has ended ends it: SIGTERM, and SIGKILL 5 s later.",
                "No shell is needed for the command; the console is its controlling terminal.",
            ],
        ),
        (
            "b2",
            [
                "Started once, at boot, when the sysinit entries have ended.",
                "It waits for the end of b1.",
                "Nothing waits for its end.",
                "No change of level ends it.",
                "No shell is needed for the command.",
            ],
        ),
        (
            "g",
            [
                "Started when level 2 or 3 is entered.",
                "It waits for the end of l2 in level 2 and l3 in level 3.",
                "Nothing waits for its end.",
                "Started again whenever it ends; after 10 starts in 120 s it rests for 300 s.",
                "Entering any level but 2 and 3 ends it: SIGTERM, and SIGKILL 5 s later.",
                "No shell is needed for the command; it is not started before /dev/tty1 exists.",
            ],
        ),
        (
            "o",
            [
                "Started when level 3 is entered.",
                "Not started by a boot to level 2, the default.",
                "It waits for the end of l3.",
                "Nothing waits for its end.",
                "Run once: again only after a level that it does not name.",
                "Entering any level but 3 ends it: SIGTERM, and SIGKILL 5 s later.",
                "/bin/sh runs the command; no record of it is written to utmp and wtmp.",
            ],
        ),
        (
            "d",
            [
                "Started by telinit a or b in any level but S.",
                "Not started by a boot to level 2, the default.",
                "Nothing waits for its end.",
                "Started again whenever it ends; after 10 starts in 120 s it rests for 300 s.",
                "Entering level S ends it: SIGTERM, and SIGKILL 5 s later.",
                "No shell is needed for the command.",
            ],
        ),
        (
            "pf",
            [
                "Started when the power fails, in any level; "
                "elsewhere it waits until such a level is entered.",
                "Nothing waits for its end.",
                "Run once for each of these events.",
                "No change of level ends it.",
                "No shell is needed for the command.",
            ],
        ),
        ("f", ["Never started: its action is off."]),
        ("n", ["Never started: it has no command."]),
        ("z", ["Never started: its runlevels, x, name no level in which once entries are started."]),
        ("zs", ["Never started: its runlevels, S, name no level in which ondemand entries are started."]),
        ("za", ["Never started: its runlevels, a, name no level in which kbrequest entries are started."]),
    ],
)
def test_sentences(entry_id: str, sentences: list[str]) -> None:
    assert told(entry_id).split("\n") == sentences


def test_more_sentences() -> None:
    assert "Started when level 2 is entered and by telinit a in any level but S.\n" in told("db")
    assert "SIGKILL 5 s later; but if telinit a has started it, level S only.\n" in told("db")
    assert (
        "Run once: again only by telinit a or after a level that it does not name; but if telinit has started"
        " it, after level S only.\n"
    ) in told("db")
    assert "Run once: again only by telinit a or b.\n" in told("d", TEXT.replace("ondemand", "wait"))
    assert told("ca").startswith("Started when Ctrl-Alt-Del is pressed, in level 1 or 2; elsewhere it waits")
    assert told("~~").startswith("Started when level S is entered.\n")


@pytest.mark.parametrize(
    ("row", "before", "after"),
    [
        ({"again": True}, "Run once", "Started again whenever it ends"),
        ({"waited": True}, "Nothing waits", "What comes after it is started when it has ended."),
        ({"when": actions.NEVER}, "Started when level 3", "Never started: its action is once."),
        ({"when": actions.AT_BOOT}, "Started when level 3", "Started once, at boot, when"),
        ({"when": actions.AT_SYSINIT}, "Started when level 3", "Started once, at boot, before"),
        ({"when": actions.ON_EVENT, "event": "resume"}, "when level 3", "resumes from suspend, in level 3"),
    ],
)
def test_they_change_with_the_table(
    row: dict[str, object], before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert before in told("o")
    assert after not in told("o")
    monkeypatch.setitem(actions.ACTIONS, "once", actions.ACTIONS["once"].replace(**row))
    assert after in told("o")
    assert before not in told("o")


def test_they_change_with_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STARTS_ALLOWED", 3)
    monkeypatch.setattr(limits, "WAIT_TIME", 7.5)
    assert "after 3 starts" in told("g")
    assert "SIGKILL 7.5 s later" in told("g")


def test_each_event_has_words() -> None:
    assert explain.EVENTS.keys() == set(actions.EVENTS)


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ("s", "Starts nothing, and names the level to boot to: S."),
        ("x", "Names no level that there is (X): at boot, init asks for one on the console."),
        ("", "Starts nothing, and names the level to boot to: 9."),
    ],
)
def test_a_default_that_is_odd(level: str, sentence: str) -> None:
    assert told("id", TEXT.replace("id:2:", f"id:{level}:")) == sentence


def test_options_are_told() -> None:
    source = Source("f", b"# inittab: log stop=INT\na:2:respawn:x\n")
    order = Order(interpret((source,)).entries)
    assert "comments say of it: log stop=INT." in explain.explain(order.entries[0], order)
    assert explain.title(order.entries[1]) == "~~  wait, added by init: /sbin/sulogin"
    assert explain.title(order.entries[0]) == "a  respawn, f[2]: x"
    assert order.entries[0].options != EntryOptions()


def test_a_refused_line() -> None:
    told = explain.refused(Problem("f", 3, "missing id field"))
    assert told == "f[3]\nNever started: init refuses the line.\nmissing id field"


def test_facts() -> None:
    order = Order(entries(TEXT))
    facts = {entry.id: explain.facts(entry, order) for entry in order.entries}
    assert facts["g"]["stages"] == ["2", "3"]
    assert facts["g"]["after"] == {"2": "l2", "3": "l3"}
    assert facts["d"]["letters"] == ["a", "b"]
    assert facts["ca"]["event_levels"] == ["1", "2"]
    assert facts["f"]["never"] == "its action is off"
    assert facts["o"]["ended_in"] == [level for level in "S0123456789" if level != "3"]


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(words: list[str], text: str) -> None:
    assert explain.listed(words) == text


@pytest.mark.parametrize(
    ("stages", "text"),
    [
        ("2", "level 2"),
        ("2345", "level 2, 3, 4 and 5"),
        ("S0123456789", "any level"),
        ("0123456789", "any level but S"),
    ],
)
def test_levels(stages: str, text: str) -> None:
    assert explain.levels([*stages]) == text


def boot(text: str, level: str = "") -> list[str]:
    reading = Reading(entries(text))
    reached, turns = explain.boot(reading, level)
    return explain.boot_text(reached, turns, Order(reading.entries)).split("\n")


def test_a_boot() -> None:
    assert boot(TEXT) == [
        "Boot",
        "Sysinit entries",
        "    1. si is started; init waits for its end: rcS",
        "Boot entries",
        "    2. b1 is started; init waits for its end: b1",
        "    3. b2 is started, when b1 has ended: b2",
        "Level 2",
        "    4. l2 is started; init waits for its end: rc 2",
        "    5. g is started, when l2 has ended: /sbin/getty 38400 tty1",
        "    6. db is started, when l2 has ended: x",
        "Init stays in level 2.",
    ]


def test_a_boot_to_single_user_mode_waits_there() -> None:
    text = "id:S:initdefault:\nb::boot:b\n~~:S:wait:sulogin\nx:S:once:x\ny:S:respawn:y\n"
    assert boot(text)[-4:] == [
        "Level S",
        "    1. ~~ is started; init waits for its end: sulogin",
        "    Not before its end: x and y",
        "Init stays in level S.",
    ]


@pytest.mark.parametrize("text", ["", "id:x:initdefault:", "a:2:once:x"])
def test_a_boot_that_asks(text: str) -> None:
    assert boot(text) == ["Boot", "Init asks on the console for a level."]
    assert boot(text, "3")[-1] == "Init stays in level 3."


def test_of_an_entry_of_the_order_only() -> None:
    entry = Entry("a", "2", "once", "x")
    with pytest.raises(KeyError):
        explain.explain(entry.replace(), Order([entry]))


def test_what_telinit_c_has_started_no_level_ends_if_it_names_s() -> None:
    """Guards against what it said of S, too: found by the random inittabs of test_report_order.py."""
    order = Order(entries("x:Sc:once:x\ny:3c:once:x"))
    assert "but if telinit c has started it, no level." in explain.explain(order.entries[0], order)
    assert "but if telinit c has started it, level S only." in explain.explain(order.entries[1], order)
