"""Lives: what happens in them by default, what scenarios do to them, and what is expected of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sysvinit_py.inittab.entry import Reading
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.simulator import life as lives
from sysvinit_py.simulator.language import parse
from sysvinit_py.simulator.life import Life, default, named_levels, simulate
from sysvinit_py.simulator.steps import OF_LIFE, STEPS

TAB = """\
id:2:initdefault:
si::sysinit:/bin/si
l2:2:wait:/bin/l2
web:23:respawn:/bin/web
l3:3:wait:/bin/l3
kb:23:kbrequest:/bin/kb
od:a:ondemand:/bin/od
pf::powerfail:/bin/pf
"""
EXAMPLE = Path(__file__).parents[3] / "sysvinit_py" / "data" / "example.inittab"


def reading(text: str = TAB) -> Reading:
    return interpret((Source("inittab", text.encode()),))


def lived(scenario: str, tab: str = TAB, **files: str) -> Life:
    return simulate(reading(tab), parse(scenario), {name: reading(text) for name, text in files.items()})


def shown(life: Life, *what: str) -> list[str]:
    return [
        f"{event.time:g} {event.what} {event.id or event.word}"
        for event in life.events
        if event.what in (what or ("begin", "end", "level"))
    ]


def failures(scenario: str, tab: str = TAB) -> list[str]:
    return [f"{failure.line.step}: {failure.found}" for failure in lived(scenario, tab).failures]


def test_by_default_what_is_waited_for_ends_and_all_else_goes_on() -> None:
    assert shown(lived("at 5s end")) == [
        "0 level #", "0 begin si", "0.05 end si", "0.05 level *", "0.05 level 2", "0.05 begin l2",
        "0.1 end l2", "0.1 begin web",
    ]  # fmt: skip


def test_the_last_entry_waited_for_in_s_is_a_shell() -> None:
    life = lived("boot S\nat 1h end", "si::sysinit:x\nr:S:wait:/etc/rcS\nsh:S:wait:/bin/sh\n")
    assert shown(life, "begin", "end")[2:] == ["0.05 begin r", "0.1 end r", "0.1 begin sh"]


def test_the_default_scenario_visits_each_level_that_is_named_and_halts() -> None:
    told = simulate(reading(), default(reading().entries))
    entered = [event.word for event in told.events if event.what == "level"]
    assert entered == ["#", "*", "2", "3", "0"]
    assert not told.failures
    assert not told.cut


@pytest.mark.parametrize(("levels", "entered"), [("23", "3S"), ("", "9S"), ("x", "S")])
def test_the_level_that_initdefault_names_is_that_of_the_boot(levels: str, entered: str) -> None:
    """And in S there is sulogin."""
    assert "".join(named_levels(reading(f"id:{levels}:initdefault:\n").entries)) == entered


def test_children() -> None:
    life = lived("""
        child si exit 3 after 1s
        child l2 signal 11 core after 2s
        child web ignores TERM
        at 10s telinit -t 2 4
        at 20s end
    """)
    assert shown(life, "end", "signal") == [
        "1 end si", "3 end l2", "10 signal web", "12 signal web", "12 end web"
    ]  # fmt: skip
    ends = {event.id: event.status for event in life.events if event.what == "end"}
    assert ends["si"] == 3 << 8
    assert ends["l2"] == 11 | 0x80


def test_what_leads_the_console_of_init_says_128_more() -> None:
    """Found by tests/system/test_simulate.py: a process of init's is between."""
    life = lived("child si signal 11 after 1s\nat 2s end")
    assert [event.status for event in life.events if event.what == "end" and event.id == "si"] == [139 << 8]


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        ("terminal ttyS9 missing until 5s", "SIGHUP", ["expect t no-terminal: it is running"]),
        ("terminal ttyS9 missing until 5s", "terminal ttyS9 missing", []),
        ("terminal ttyS9 missing until 5s", "terminal ttyS9 there\nterminal ttyS9 missing", []),
        ("forks fail until 5s", "forks fail", ["expect t no-terminal: it is pending"]),
    ],
)
def test_the_last_word_counts(first: str, then: str, found: list[str]) -> None:
    """Not the end of what was said before."""
    tab = "id:2:initdefault:\nt:2:respawn:/sbin/getty ttyS9\n"
    assert failures(f"{first}\nat 3s {then}\nexpect t no-terminal at 6s", tab) == found


def test_of_all_but_one() -> None:
    """What is said of one entry counts, not what is said of all."""
    life = lived("child * is missing\nchild web is there\nchild * hangs\nchild web thaws\nat 1s telinit 4")
    assert shown(life, "begin", "end")[-2:] == ["0 begin web", "1 end web"]
    assert not shown(
        lived("child * hangs\nchild web thaws\nchild web hangs\nat 1s telinit 4\nat 2s end"), "end"
    )


def test_a_hanging_child_is_given_up() -> None:
    life = lived("child web hangs\nat 5s stop web\nat 20s end")
    assert [event.word for event in life.events if event.what == "end" and event.id == "web"] == ["given-up"]


def test_members_are_waited_for() -> None:
    tab = "id:2:initdefault:\nw:2:respawn:/bin/w\nn:3:once:/bin/n\n"
    scenario = "child w ignores TERM\nchild w members 2 for 3s\nat 1s telinit -t 9 3\nat 2s w ends\nat 9s end"
    assert shown(lived(scenario, tab), "begin")[1:] == ["5.02 begin n"]  # it is looked every 20 ms


def test_a_terminal_that_comes() -> None:
    tab = "id:2:initdefault:\nS0:2:respawn:/sbin/getty 9600 ttyS0\n"
    scenario = "terminal ttyS0 missing until 8s\nexpect S0 no-terminal at 5s\nexpect S0 runs at 9s"
    assert failures(scenario, tab) == []
    assert shown(lived(scenario, tab), "begin") == ["8 begin S0"]
    assert failures(scenario.replace(" until 8s", ""), tab) == ["expect S0 runs: it is no-terminal"]


def test_forks_that_fail() -> None:
    assert shown(lived("forks fail until 2s\nat 5s end"), "begin")[:1] == ["2 begin si"]


def test_another_inittab() -> None:
    life = lived("at 5s edit new\ntelinit q\nat 9s end", new=TAB.replace("web:23", "www:23"))
    assert shown(life, "begin", "end")[-2:] == ["5 end web", "5 begin www"]
    life = lived("at 5s edit web:23:off:\nat 6s SIGHUP\nat 7s remove od\nSIGHUP\nat 9s end")
    assert shown(life, "end")[-1] == "6 end web"


def test_events_and_requests() -> None:
    life = lived("""
        at 1s kbrequest
        at 2s power failed
        at 3s telinit a
        at 4s restart web
        at 5s stop web
        at 6s start kb answered ok
        at 7s stop nix answered unknown
        at 8s telinit U
        at 9s telinit -e INIT_X=1
    """)
    assert not life.failures
    assert shown(life, "begin")[3:] == [
        "1 begin kb", "2 begin pf", "3 begin od", "4 begin web"
    ]  # fmt: skip
    assert "8 message Trying to re-exec init" in shown(life, "message")


def test_a_request_that_is_refused_is_a_failure() -> None:
    assert failures("at 5s start si") == ["start si: answered no-place, not ok"]
    assert failures("at 5s l3 ends") == ["l3 ends: l3 does not run"]


def test_the_question_for_a_level() -> None:
    tab = "w:2:respawn:x\n"
    assert failures("expect waits for answer at 1s\nat 2s answer 2\nexpect w runs at 3s", tab) == []
    assert lived("at 2s end", tab).asks


@pytest.mark.parametrize(
    ("expectation", "found"),
    [
        ("expect web running at 3s", ""),
        ("expect web stopped at 3s", "it is running"),
        ("expect nix running at 3s", "there is no entry nix"),
        ("expect l2 done at 3s", ""),
        ("expect od idle at 3s", ""),
        ("expect level 2 at 3s", ""),
        ("expect level sysinit at 3s", "it is 2"),
        ("expect level 2 before 1s", ""),
        ("expect level 2 before 1ms", "it is entered at 0.050"),
        ("expect level 3 before 1s", "it is never entered"),
        ("expect waits for", ""),
        ("expect waits for ends web at 3s", "there is nothing"),
        ("expect web held back by l2 at 80ms", ""),
        ("expect web held back by l2 at 3s", "there is nothing"),
        ("expect never rests", ""),
        ("expect never ends", "si ends at 0.050"),
        ("expect web never starts", "web starts at 0.100"),
        ("expect web starts", ""),
        ("expect web starts 1 times", ""),
        ("expect web starts 2 times", "web starts 1 times"),
        ("expect web starts before 50ms", "web never starts"),
        ("expect web ends", "web never ends"),
        ("expect si ends before l2 starts", ""),
        ("expect web starts before l2 ends", "l2 ends at 0.100, web starts at 0.100"),
        ("expect l3 starts before web starts", "l3 never starts"),
        ("expect web starts before l3 starts", ""),
        ("expect message runlevel: 2", ""),
        ("expect message nonsense", "it is never said"),
        ("expect no message runlevel: 2", "it is said at 0.050"),
        ("expect no message nonsense", ""),
    ],
)
def test_expectations(expectation: str, found: str) -> None:
    said = [failure.found for failure in lived(f"{expectation}\nat 4s end").failures]
    assert said == ([found] if found else [])


def test_what_init_refuses_is_told_as_at_boot() -> None:
    messages = [e.word for e in lived("", TAB + "x:2:respwan:y\n").events if e.what == "message"]
    assert any(re.match(r"inittab\[9\]: respwan: unknown action field", text) for text in messages)


def test_a_crash_loop_for_an_hour() -> None:
    life = lived("child web exit 1 after 10ms\nat 1h end\nexpect web starts 120 times")
    assert not life.failures
    assert sum(event.what == "rest" for event in life.events) == 12


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        ("child web ignores TERM\nchild web members 2\nat 1s telinit -t 99999999 4\n"
         "at 2s web ends\nat 8000h end",
         "more than 200000 things happen"),
        ("\n".join(["at 1s boot"] * 9000 + ["at 2s telinit 3"]), ""),
    ],
)  # fmt: skip
def test_a_life_that_is_too_long_is_cut(scenario: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "MOST_EVENTS", 10_000)
    assert lived(scenario).cut == (why or "more than 10000 events")


def test_an_image_of_each_form() -> None:
    """Every form has an action, and none is both of a time and of the whole life."""
    assert not set(STEPS) & set(OF_LIFE)
    assert all(callable(act) for act in (*STEPS.values(), *OF_LIFE.values()))


@pytest.mark.timed
def test_how_long_it_takes() -> None:
    """60 s of the example, and an hour of a crash loop: 5 and 20 ms, ten times that on a busy machine."""
    from time import process_time

    example = interpret((Source("inittab", EXAMPLE.read_bytes()),))
    for told, scenario, seconds in (
        (example, parse("at 5s telinit 3\nat 40s power failed\nat 60s end"), 0.05),
        (reading(), parse("child web exit 1 after 10ms\nat 1h end"), 0.2),
    ):
        times = []
        for _ in range(5):
            before = process_time()
            simulate(told, scenario)
            times.append(process_time() - before)
        assert min(times) < seconds
