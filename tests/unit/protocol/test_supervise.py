"""What runsv and its clients share: bytes that Debian's runsv has written, words, and errors."""

from __future__ import annotations

import errno
import signal

import pytest

from sysvinit_py.protocol import supervise
from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, Status

#: 2026-11-26 12:00:00 UTC and 5 ns.
SINCE = 1795694400 * 10**9 + 5
STAMP = "400000006b081f4a" + "00000005"


@pytest.mark.parametrize(
    ("status", "data", "words"),
    [
        (Status(SINCE, 31494, state=RUN), "067b000000750001", "run"),
        (Status(SINCE, 31494, True, state=RUN), "067b000001750001", "run, paused"),
        (Status(SINCE, want=NOT_UP), "0000000000640000", "down"),
        (Status(SINCE, 10464, state=FINISH), "e028000000750002", "finish"),
        (Status(SINCE, 2794, got_term=True, state=RUN), "ea0a000000750101", "run, got TERM"),
        (
            Status(SINCE, 2794, True, NOT_UP, True, RUN),
            "ea0a000001640101",
            "run, paused, got TERM, want down",
        ),
        (Status(SINCE, 1, False, NOT_UP, False, FINISH), "0100000000640002", "finish, want down"),
    ],
)
def test_bytes_and_words(status: Status, data: str, words: str) -> None:
    assert supervise.encode(status).hex() == STAMP + data
    assert supervise.decode(bytes.fromhex(STAMP + data)) == status
    assert supervise.words(status) == words


def test_leaving_is_said_while_something_runs() -> None:
    assert supervise.words(Status(0, 1, want=NOT_UP, state=RUN), leaving=True) == "run, want exit"
    assert supervise.words(Status(0, want=NOT_UP, state=DOWN), leaving=True) == "down"


def test_too_short_a_status_is_no_status() -> None:
    for size in range(supervise.SIZE):
        with pytest.raises(ValueError, match=r"^bad format$"):
            supervise.decode(bytes(size))
    assert supervise.decode(bytes(supervise.SIZE) + b"more").state == DOWN


def test_a_signal_for_a_letter() -> None:
    assert supervise.SIGNALS["q"] == signal.SIGQUIT
    assert sorted(supervise.SIGNALS) == sorted("tkhaiq12pc")


def test_errors_are_in_runits_words() -> None:
    assert supervise.reason(OSError(errno.ENOENT, "")) == "file does not exist"
    assert supervise.reason(OSError(errno.ENOTSUP, "")) == "operation not supported"
    assert supervise.reason(OSError(errno.EDEADLK, "")) == "operation would cause deadlock"
    assert supervise.reason(OSError(errno.ECANCELED, "")) == "unknown error"
    assert supervise.reason(OSError("without a number")) == "unknown error"
    assert supervise.reason(ValueError("another error")) == "another error"


@pytest.mark.parametrize("note", ["", "needs db", "needs a, b", "needs down", "pausing 60s"])
@pytest.mark.parametrize("paused", [False, True])
def test_what_a_start_waits_for(note: str, paused: bool) -> None:
    stat = supervise.words(Status(0, paused=paused, state=DOWN), note=note)
    assert stat == "down" + ", paused" * paused + f", {note}" * bool(note)
    assert supervise.note(f"{stat}\n") == note


@pytest.mark.parametrize(
    "stat", ["", "\n", "run", "run, want down", "finish, paused, want down", "downtown, x"]
)
def test_no_note(stat: str) -> None:
    assert supervise.note(stat) == ""


def test_names_of_what_is_needed() -> None:
    text = "db\n\n  # a comment\n cache \n#x\ndb\na b\r\n"
    assert supervise.needed(text) == {"db": 6, "cache": 4, "a b": 7}
    assert supervise.needed("") == {}


@pytest.mark.parametrize(
    ("needs", "way"),
    [
        ({}, []),
        ({"a": "b", "b": "c"}, []),
        ({"a": "a"}, ["a"]),
        ({"a": "b", "b": "a"}, ["b", "a"]),
        ({"a": "xbc", "c": "d", "b": "xd", "d": "ae"}, ["b", "d", "a"]),
        ({"a": "b", "b": "c", "c": "b"}, []),
        (
            {"a": "b", **{chr(n): chr(n + 1) for n in range(98, 98 + 98)}, chr(98 + 98): "a"},
            [*map(chr, range(98, 197)), "a"],
        ),
        ({"a": "b", **{chr(n): chr(n + 1) for n in range(98, 98 + 99)}, chr(98 + 99): "a"}, []),
    ],
)
def test_cycles(needs: dict[str, str], way: list[str]) -> None:
    """The shortest one; one of more than a hundred services is not found."""
    assert supervise.cycle("a", lambda name: needs.get(name, "")) == way
