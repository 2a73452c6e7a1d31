"""The values: what an entry's fields mean, and how a problem is said."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.actions import ACTIONS, EVENT_ACTIONS
from sysvinit_py.inittab.entry import DIGIT_LEVELS, LEVELS, ON_DEMAND_LEVELS, Entry, Problem, Reading


def entry(runlevels: str = "2", action: str = "respawn", process: str = "/bin/x") -> Entry:
    return Entry("x", runlevels, action, process)


@pytest.mark.parametrize(
    ("written", "levels"),
    [
        ("2345", "2345"),
        ("S", "S"),
        ("s", "S"),
        ("aBc", "abc"),
        ("ABC", "abc"),
        ("2xS", "2xS"),
        ("", "0123456789"),
    ],
)
def test_levels(written: str, levels: str) -> None:
    assert entry(written).levels == levels


@pytest.mark.parametrize(
    ("action", "runlevels", "named"),
    [
        ("sysinit", "2", "#"),
        ("boot", "", "*"),
        ("bootwait", "3", "*"),
        ("wait", "s2", "s2"),
        ("once", "", "0123456789"),
    ],
)
def test_stages_as_initscript_gets_them(action: str, runlevels: str, named: str) -> None:
    assert entry(runlevels, action).stages == named


@pytest.mark.parametrize("action", ACTIONS)
def test_empty_runlevels_mean_s_too_for_power_and_ctrlaltdel(action: str) -> None:
    with_s = action.startswith("power") or action == "ctrlaltdel"
    assert entry("", action).levels == ("S" if with_s else "") + "0123456789"


@pytest.mark.parametrize(
    ("process", "accounting", "no_shell", "command"),
    [
        ("/bin/x -y", True, False, "/bin/x -y"),
        ("+/bin/x", False, False, "/bin/x"),
        ("@/bin/x", True, True, "/bin/x"),
        ("+@/bin/x", False, True, "/bin/x"),
        ("@+/bin/x", True, True, "+/bin/x"),
        (" +/bin/x", True, False, " +/bin/x"),
        ("+ @/bin/x", False, False, " @/bin/x"),
        ("++/bin/x", False, False, "+/bin/x"),
        ("+", False, False, ""),
        ("", True, False, ""),
    ],
)
def test_flags_of_the_process(process: str, accounting: bool, no_shell: bool, command: str) -> None:
    found = entry(process=process)
    assert (found.accounting, found.no_shell, found.command) == (accounting, no_shell, command)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("/etc/inittab", 3, "missing id field"), "/etc/inittab[3]: missing id field"),
        (Problem("/etc/inittab", 0, "cannot be read"), "/etc/inittab: cannot be read"),
        (Problem("", 0, "No inittab file found"), "No inittab file found"),
    ],
)
def test_how_a_problem_is_said(problem: Problem, text: str) -> None:
    assert str(problem) == text


@pytest.mark.parametrize(
    ("missing", "unreadable", "complete"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_only_a_whole_reading_is_complete(missing: bool, unreadable: bool, complete: bool) -> None:
    assert Reading(missing=missing, unreadable=unreadable).complete is complete


def test_names_do_not_overlap() -> None:
    assert set(EVENT_ACTIONS) < set(ACTIONS)
    assert len(set(LEVELS + ON_DEMAND_LEVELS)) == len(DIGIT_LEVELS) + 4
