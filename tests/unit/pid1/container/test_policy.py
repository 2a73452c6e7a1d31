"""What an inittab means in a container."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry, EntryOptions, Problem
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.machine.job import UNKNOWN, Job
from sysvinit_py.pid1.container import policy

MAIN = EntryOptions("main", main=True)


def test_every_action_has_a_role() -> None:
    roles = {name: policy.role(Entry("a", "2", name, "x")) for name in ACTIONS}
    events = ("powerwait", "powerfail", "powerokwait", "powerfailnow", "ctrlaltdel", "kbrequest", "resume")
    assert roles == {
        **dict.fromkeys(("sysinit", "boot", "bootwait", "wait"), policy.SETUP),
        **dict.fromkeys(("respawn", "ondemand"), policy.SERVICE),
        "once": policy.BESIDE,
        **dict.fromkeys(("initdefault", "off", *events), policy.NEVER),
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_main_is_what_runs_beside(action: str) -> None:
    expected = policy.MAIN if action in ("once", "respawn", "ondemand") else None
    plain = policy.role(Entry("a", "2", action, "x"))
    assert policy.role(Entry("a", "2", action, "x", options=MAIN)) == expected or plain


@pytest.mark.parametrize(
    ("levels", "action", "process", "expected"),
    [
        ("0", "wait", "/bin/rm -f x", True), ("06", "wait", "+@/bin/rm", True), ("6", "wait", "rm", False),
        ("", "wait", "rm", False), ("0", "once", "rm", False), ("0", "respawn", "rm", False),
        ("0", "wait", "+/sbin/halt -f", False), ("0", "wait", "poweroff", False),
        ("0", "powerwait", "x", False),
        ("0", "wait", "/sbin/reboot", False), ("0", "wait", "/sbin/shutdown -h now", False),
    ],
)  # fmt: skip
def test_what_cleans_up(levels: str, action: str, process: str, expected: bool) -> None:
    assert policy.cleans_up(Entry("a", levels, action, process), "0") == expected


@given(st.integers(0, 255), st.integers(0, 64))
def test_codes(code: int, signal: int) -> None:
    assert policy.code_of(code << 8) == code
    if signal:
        assert policy.code_of(signal) == policy.code_of(signal | 0x80) == 128 + signal  # with a core


@pytest.mark.parametrize(
    ("given_code", "main", "killed", "expected"),
    [
        (None, 0, False, 0), (None, 0, True, 137), (None, 5, False, 5), (None, 5, True, 5),
        (0, 0, True, 0), (3, 0, True, 3), (3, 5, False, 3),
    ],
)  # fmt: skip
def test_the_exit_status(given_code: int | None, main: int, killed: bool, expected: int) -> None:
    assert policy.exit_status(given_code, main, killed) == expected


def test_the_effect_of_a_signal_is_no_failure() -> None:
    assert policy.own_code(143, (15,)) == 0
    assert policy.own_code(131, (15,)) == 131
    assert policy.own_code(131, (3, 9)) == 0


def test_the_first_failure_is_that_of_the_file() -> None:
    jobs = [
        Job(("a", "once", n), Entry("a", "2", "once", "x"), status)
        for n, status in enumerate((UNKNOWN, 0, 5 << 8, 9))
    ]
    assert policy.first_failure(jobs) == 5
    assert policy.first_failure(jobs[:2]) == 0


def test_a_command_that_cannot_be_executed() -> None:
    assert policy.code_of_reason("No such file or directory") == 127
    assert policy.code_of_reason("Permission denied") == 126


def refusals(text: str, level: str = "", command: bool = False) -> list[str]:
    reading = interpret((Source("/etc/inittab", text.encode()),))
    return [*policy.refusals(reading, level, command)]


def test_nothing_is_refused_that_can_run() -> None:
    assert refusals("id:2:initdefault:\na:2:respawn:x\n") == []
    assert refusals("id:2:initdefault:\na::once:x\n") == []  # in all levels
    assert refusals("id:2:initdefault:\n", command=True) == []
    assert refusals("a:3:wait:x\n", "3") == []


@pytest.mark.parametrize(
    "text", ["", "si::sysinit:x\n", "a:3:respawn:x\n", "a:2:off:x\n", "a:2:respawn:\n", "c:2:ctrlaltdel:x\n"]
)
def test_there_has_to_be_something_to_run(text: str) -> None:
    assert refusals(f"id:2:initdefault:\n{text}") == ["nothing to run in level 2"]


def test_levels() -> None:
    assert refusals("id:2:initdefault:\na:0:wait:x\n", "6", True) == [
        "--level 6 would end the container at once"
    ]
    assert refusals("a:2:once:x\n") == []  # without an initdefault it is 2
    assert refusals("a:3:once:x\n") == ["nothing to run in level 2"]
    assert refusals("id:S:initdefault:\na:S:wait:x\n") == ["level S has no place in a container"]
    assert refusals("id:x:initdefault:\n", command=True) == ["initdefault X: no such level"]


def test_a_problem_without_a_line() -> None:
    assert policy.fault(Problem("/etc/inittab", 0, "cannot be read: x")) == "/etc/inittab: cannot be read: x"
    assert policy.fault(Problem("", 0, "3 more")) == "3 more"
    assert (
        policy.fault(Problem("f", 3, "qqqq: unknown action field (expected y)"), guess=True)
        == "f:3: qqqq: no such action"
    )


def test_main_above_what_cannot_be_it() -> None:
    for action, expected in (("wait", 1), ("sysinit", 1), ("off", 0), ("once", 0)):
        told = refusals(f"w:2:once:x\n# inittab: main\na:2:{action}:x\n")
        assert (
            told
            == [f"/etc/inittab:3: a: main above a {action} entry: expected a respawn or once entry"]
            * expected
        )
