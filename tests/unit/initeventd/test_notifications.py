"""What init has yet to be told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.initeventd.notifications import MEANINGS, Told
from sysvinit_py.initeventd.power import FAILED, LOW, OK
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import POWERFAIL, POWERFAILNOW, POWEROK, RESUME


def send_all(told: Told) -> list[int]:
    """Let init listen."""
    sent = []
    while request := told.next():
        sent.append(request.cmd)
        assert len(sent) < 10, "it never ends"
        told.sent(request)
    return sent


@pytest.fixture
def told() -> Told:
    """Of a daemon that runs for a while already."""
    told = Told(asleep=100.0)
    send_all(told)
    return told


def test_init_knows_that_the_power_is_there() -> None:
    assert send_all(Told(asleep=0.0)) == []


@pytest.mark.parametrize(
    ("states", "sent"),
    [
        ([OK], []),
        ([None], []),
        ([FAILED], [POWERFAIL]),
        ([LOW], [POWERFAIL, POWERFAILNOW]),
        ([FAILED, LOW], [POWERFAIL, POWERFAILNOW]),
        ([FAILED, OK], [POWERFAIL, POWEROK]),
        ([LOW, OK], [POWERFAIL, POWERFAILNOW, POWEROK]),
        ([FAILED, FAILED], [POWERFAIL]),
        ([LOW, FAILED, LOW], [POWERFAIL, POWERFAILNOW]),
        ([FAILED, None, FAILED], [POWERFAIL]),
        ([FAILED, None, OK], [POWERFAIL, POWEROK]),
        ([LOW, OK, LOW], [POWERFAIL, POWERFAILNOW, POWEROK, POWERFAIL, POWERFAILNOW]),
    ],
)
def test_power(told: Told, states: list[str | None], sent: list[int]) -> None:
    came = []
    for told.power in states:
        came += send_all(told)
    assert came == sent


def test_what_is_over_before_init_listens_is_not_told(told: Told) -> None:
    told.power = FAILED
    told.power = OK
    assert send_all(told) == []


def test_resume_is_told_once(told: Told) -> None:
    told.asleep += 3600
    told.asleep += 5
    assert send_all(told) == [RESUME]
    assert send_all(told) == []


def test_two_clocks_are_not_read_at_once(told: Told) -> None:
    """A clock step makes the daemon look, too: a reading error must not pass for a sleep."""
    told.asleep += 0.002
    assert send_all(told) == []


def test_a_request_carries_a_wait_time(told: Told) -> None:
    """Init takes the wait time of any request: 0 would be SIGKILL at once for all, from then on."""
    told.power = FAILED
    request = told.next()
    assert request is not None
    assert request.sleeptime == 5


def test_every_request_has_a_meaning(told: Told) -> None:
    told.power, told.asleep = LOW, 200.0
    sent = send_all(told)
    told.power = OK
    assert sorted(sent + send_all(told)) == sorted(MEANINGS)


def test_all_requests_fit() -> None:
    assert all(len(initctl.encode(initctl.Request(cmd))) == initctl.SIZE for cmd in MEANINGS)


# A daemon that was killed.


def test_the_next_daemon_tells_what_happened_meanwhile(told: Told) -> None:
    told.power = FAILED
    send_all(told)
    after = Told(asleep=130.0, saved=told.save())
    after.power = OK
    assert send_all(after) == [RESUME, POWEROK]


def test_the_next_daemon_does_not_repeat_what_was_told(told: Told) -> None:
    told.power = LOW
    send_all(told)
    after = Told(asleep=100.0, saved=told.save())
    after.power = LOW
    assert send_all(after) == []


@pytest.mark.parametrize(
    ("before", "telling", "truth", "sent"),
    [
        ([], FAILED, OK, [POWEROK]),
        ([], FAILED, FAILED, [POWERFAIL]),
        ([], FAILED, LOW, [POWERFAIL, POWERFAILNOW]),
        ([FAILED], LOW, OK, [POWEROK]),
        ([FAILED], LOW, FAILED, []),
        ([FAILED], LOW, LOW, [POWERFAILNOW]),
        ([FAILED], OK, OK, [POWEROK]),
        ([FAILED], OK, FAILED, [POWERFAIL]),
        ([LOW], OK, LOW, [POWERFAIL, POWERFAILNOW]),
        ([], FAILED, None, []),
    ],
)
def test_killed_while_it_was_telling(
    told: Told, before: list[str], telling: str, truth: str | None, sent: list[int]
) -> None:
    """Nobody knows whether the request has arrived: what comes after is right either way. A machine that was
    told of a failure, and not of its end, would shut down."""
    for told.power in before:
        send_all(told)
    told.power = telling
    request = told.next()
    after = Told(asleep=100.0, saved=json.loads(json.dumps(told.save(request))))
    after.power = truth
    assert send_all(after) == sent


@pytest.mark.parametrize(
    "saved",
    [
        None,
        [],
        "power",
        {},
        {"power": "fine", "asleep": -1},
        {"power": "failed", "asleep": "long"},
        {"power": [["failed"], 7, None, "fine"], "asleep": []},
        {"power": [], "asleep": None},
        {"power": None, "asleep": float("nan")},
        {"power": OK, "asleep": 1e300},
    ],
)
def test_a_file_that_says_nothing_true_says_nothing(saved: object) -> None:
    after = Told(asleep=100.0, saved=saved)
    after.power = OK
    assert send_all(after) == []


EVENTS = st.one_of(
    st.sampled_from([("power", OK), ("power", FAILED), ("power", LOW), ("power", None)]),
    st.floats(0, 10).map(lambda seconds: ("asleep", seconds)),
    st.just(("listen", True)),
    st.just(("killed", True)),
    st.booleans().map(lambda arrived: ("killed while telling", arrived)),
)


@given(st.lists(EVENTS))
def test_init_knows_the_truth_whatever_happens(events: list[tuple[str, Any]]) -> None:
    """And is told nothing twice, but what the daemon was telling when it was killed.

    Each request of the power is news, each sleep is told once at most.
    """
    told = Told(asleep=0.0)
    slept, killed_while_telling = 0, 0
    sent: list[int] = []
    for what, value in [*events, ("listen", True)]:
        if what == "power":
            told.power = value
        elif what == "asleep":
            told.asleep += value
            slept += 1
        elif what == "killed":
            told = killed(told, told.save())
        elif what == "killed while telling":
            if request := told.next():
                killed_while_telling += 1
                sent += [request.cmd] if value else []
                told = killed(told, told.save(request))
        else:
            sent += send_all(told)
    news = [cmd for cmd in sent if cmd in (POWERFAIL, POWERFAILNOW, POWEROK)]
    allowed = {POWEROK: (POWERFAIL,), POWERFAIL: (POWERFAILNOW, POWEROK), POWERFAILNOW: (POWEROK,)}
    before, repeated = POWEROK, 0
    for cmd in news:
        repeated += cmd not in allowed[before]
        before = cmd
    assert repeated <= killed_while_telling
    knows = {POWEROK: OK, POWERFAIL: FAILED, POWERFAILNOW: LOW}[before]
    assert told.power in (None, knows) or (knows, told.power) == (LOW, FAILED)
    assert sent.count(RESUME) <= slept + killed_while_telling


def killed(told: Told, saved: object) -> Told:
    """Return that of the next daemon."""
    after = Told(told.asleep, saved)
    after.power = told.power
    return after
