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
