"""The language of scenarios: what lines mean, and what is said of those that mean nothing."""

from __future__ import annotations

import pytest

from sysvinit_py.simulator.language import MAX_LINES, Scenario, ScenarioError, contradictions, parse
from sysvinit_py.simulator.steps import BOOT
from sysvinit_py.simulator.values import duration, written_id
from sysvinit_py.simulator.world import ALL


def mistakes(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as error:
        parse(text, "x.scenario")
    return [str(mistake) for mistake in error.value.mistakes]


def written(scenario: Scenario) -> list[str]:
    return str(scenario).splitlines()


def test_comments_and_whitespace() -> None:
    text = "# first\n\n  at 5s  telinit  3   # why\n\tSIGHUP #x\r\nexpect message a#b\nedit x:2:once:a # b\n"
    assert written(parse(text))[-4:] == [
        "at 5s telinit 3", "SIGHUP", "expect message a#b", "edit x:2:once:a # b"
    ]  # fmt: skip


def test_a_line_without_a_time_has_that_of_the_line_before() -> None:
    scenario = parse("at 5s telinit 3\nSIGHUP\nwait 1min\nSIGINT\nat 2s SIGWINCH\n")
    assert [(line.form, line.time) for line in scenario.lines[1:]] == [
        ("SIGWINCH", 2.0), ("telinit [-t SECONDS] LEVEL", 5.0), ("SIGHUP", 5.0), ("wait TIME", 5.0),
        ("SIGINT", 65.0),
    ]  # fmt: skip
    assert scenario.end == 75.0
    assert parse("at 5s end").end == 5.0


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("telinit 3", ["boot", "telinit 3"]),
        ("child a runs\nforks work\ntelinit 3", ["child a runs", "forks work", "boot", "telinit 3"]),
        ("expect never rests\nexpect a running", ["expect never rests", "boot", "expect a running"]),
        ("child a runs", ["child a runs", "boot"]),
        ("at 0s SIGHUP\nchild a runs", ["boot", "at 0s SIGHUP", "child a runs"]),
        ("telinit 3\nboot S", ["telinit 3", "boot S"]),
        ("boot -b", ["boot -b"]),
        ("", ["boot"]),
    ],
)  # fmt: skip
def test_when_the_machine_boots(text: str, order: list[str]) -> None:
    assert written(parse(text)) == order


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("50ms", 0.05),
        ("5us", 5e-6),
        ("1.5s", 1.5),
        ("2min", 120.0),
        ("1h", 3600.0),
        ("7", 7.0),
        ("0.25h", 900.0),
    ],
)
def test_times(line: str, seconds: float) -> None:
    [_, step] = parse(f"at {line} SIGHUP").lines
    assert step.time == seconds
    assert parse(f"at {duration(seconds)} SIGHUP").lines[1].time == seconds


def test_an_expectation_has_its_time_at_either_end() -> None:
    one, other = (parse(text).lines[1] for text in ("expect a running at 6s", "at 6s expect a running"))
    assert one.replace(text="", columns=()) == other.replace(text="", columns=())


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("at 5s telinit", 15, 'expected "-t", a level: 0 to 9, S, a, b, c, q or U or "-e"'),
        ("at soon telinit 3", 4, "expected a time, such as 50ms, 5s, 2min or 1h, not soon"),
        ("at 999999999h SIGHUP", 4, "expected a time of at most 366 days, not 999999999h"),
        ("at", 4, "expected a time, such as 50ms, 5s, 2min or 1h"),
        ("child x exit 3 aftr 5s", 16, 'expected "after", not aftr'),
        ("child x exit 256 after 5s", 14, "expected an exit status, 0 to 255, not 256"),
        ("child x members 99999999", 17, "expected a number up to 10000, not 99999999"),
        ("kill x -s 5 4", 13, 'expected "answered" or the end of the line, not 4'),
        ("edit a:b:c:d:e f", 0, ""),
        ("edit x:y", 0, ""),
        ("expect level 3 by 5s", 16, 'expected the end of the line or "before", not by'),
        ("expect a running before", 18, "expected the end of the line, not before"),
        ("expect level x", 14, "expected one of sysinit, boot, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, S, s, not x"),
        ("expect sh never runs", 17, "expected one of starts, ends, rests, not runs"),
        ("\x1b[31m x", 1, None),
    ],
)  # fmt: skip
def test_mistakes(line: str, column: int, reason: str | None) -> None:
    """The place, what was expected, and the line with a caret below."""
    if not column:
        parse(line)
        return
    [said] = mistakes(f"# a comment\n{line}")
    first, text, caret = said.splitlines()
    assert first.startswith(f"x.scenario:2:{column}: expected ")
    assert reason is None or first.endswith(f": {reason}")
    assert "\x1b" not in said
    assert caret.index("^") == 1 + column
    assert text.startswith("  ")


def test_a_wrong_first_word_is_told_what_there_is() -> None:
    [said] = mistakes("telnit 3")
    assert said.startswith('x.scenario:1:1: expected "at", "boot"')
    assert " or ID ends, not telnit\n" in said


def test_all_mistakes_are_told() -> None:
    assert len(mistakes("telnit 3\nSIGHUP\nat x SIGHUP\nchild\n")) == 3


def test_the_caret_is_below_the_word_where_characters_are_escaped() -> None:
    [said] = mistakes("child \x01 exit x after 5s")
    _, text, caret = said.splitlines()
    assert text[caret.index("^")] == "x"
    assert text.index("exit x") + 5 == caret.index("^")


def test_too_much() -> None:
    assert "too long: a scenario has up to 10000 lines" in mistakes("\n" * MAX_LINES)[0]
    assert "too long" in mistakes("#" * (2 << 20))[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("child web runs\nchild * runs\nexpect db starts before web ends\nexpect never rests",
         [(3, 8, "no entry has the id db")]),
        # Of these each would pass, whatever happens:
        ("expect * never rests", [(1, 8, "no entry has the id *")]),
        ("at 5s end\nexpect never rests\nat 6s expect web runs\nat 5s SIGHUP",
         [(3, 1, "nothing happens after the end at 5s")]),
        ("at 5s expect web never rests", [(1, 1, "this is asked of the whole life, and has no time")]),
        ("expect message x at 5s", [(1, 1, "this is asked of the whole life, and has no time")]),
        ("wait 8784h\nwait 1h\nexpect web runs\n", [(3, 1, "a life has at most 366 days")]),
        ("boot 3\nwait 5s\nboot", [(3, 1, "it has booted before")]),
    ],
)  # fmt: skip
def test_contradictions(text: str, told: list[tuple[int, int, str]]) -> None:
    found = contradictions(parse(text), {"web"}, "x.scenario")
    assert [(mistake.line, mistake.column, mistake.reason) for mistake in found] == told


@pytest.mark.parametrize(
    "name", ["a b", "*", "at", "\xa0#", "\\x41", "\udcff\x1b", "é\u2028", "end", "boot", "5s"]
)
def test_any_id_can_be_written(name: str) -> None:
    """One with whitespace, or that means something else, with bytes as they are shown."""
    word = written_id(name)
    assert word.isprintable()
    for text in (
        f"child {word} hangs",
        f"{word} ends",
        f"expect {word} runs",
        f"expect {word} starts before {word} ends",
    ):
        [line] = [line for line in parse(f"boot\n{text}").lines if line.form not in BOOT]
        assert line.values[0] == name
        assert line.step == text.replace("runs", "running") or line.step == text
    assert parse("child * runs").lines[0].values == (ALL,)
    assert parse("child * runs").lines[0].step == "child * runs"


def test_a_scenario_in_order_has_the_same_times_again() -> None:
    """Also where a line without a time is no longer behind that which gave it one."""
    scenario = parse("at 5s wait 10s\ntelinit 3\nSIGHUP\nat 7s telinit 2\nat 3s SIGINT")
    assert written(scenario) == [
        "boot", "at 3s SIGINT", "at 5s wait 10s", "at 7s telinit 2", "at 15s telinit 3", "SIGHUP"
    ]  # fmt: skip
    assert [line.time for line in parse(str(scenario)).lines] == [line.time for line in scenario.lines]
