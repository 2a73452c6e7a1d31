"""What PID 1 reads without the grammar, and what it leaves to it."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab import plain
from sysvinit_py.inittab.entry import SULOGIN
from sysvinit_py.inittab.sources import Source

LINE = b"%03d:2:once:x\n"


def ids(*data: bytes) -> list[str] | None:
    """Return the ids read from such files; None: they are left to the grammar."""
    reading = plain.read([Source(f"/etc/{number}", text) for number, text in enumerate(data)])
    return None if reading is None else [entry.id for entry in reading.entries if entry is not SULOGIN]


def test_plain_lines() -> None:
    assert ids(b"# a comment\n\n \tid:2:initdefault:\n1:23:RESPAWN:/bin/x a:b", b"2::wait:+@y\n") == [
        "id",
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    "line",
    [b"x", b"a:2:wait", b"::wait:x", b"longer:2:wait:x", b"a:012345678901:wait:x", b"a:2:askfirst:x",
     b"a:2::x", b"a:2:wait:\0", b"#\0", b"a:2:wait:" + b"x" * 4096, b"1:3:wait:twice",
     b"\xef\xbb\xbfid:2:initdefault:"],
)  # fmt: skip
def test_one_line_that_is_not_plain_leaves_all_to_the_grammar(line: bytes) -> None:
    assert ids(b"1:2:wait:x\n" + line + b"\n", b"2:2:wait:y\n") is None
    assert ids(b"1:2:wait:x\n", line + b"\n2:2:wait:y\n") is None


def test_an_unreadable_file_leaves_all_to_the_grammar() -> None:
    assert plain.read([Source("/etc/inittab", b"1:2:wait:x\n"), Source("/etc/x.tab", error="broken")]) is None


def test_only_one_id_may_be_repeated() -> None:
    assert ids(b"~~:S:wait:x\n~~:S:wait:y\n") == ["~~", "~~"]


def test_no_more_than_what_is_read_between_two_events() -> None:
    lines = b"".join(LINE % (number % 1000) for number in range(plain.MAX_BYTES // len(LINE % 0) + 1))
    assert ids(lines) is None


def test_what_cannot_wait_has_its_turn() -> None:
    turns: list[int] = []
    plain.read([Source("/etc/inittab", b"".join(LINE % n for n in range(250)))], lambda: turns.append(1))
    assert len(turns) == 2


@pytest.mark.parametrize("first", [b"a:2:wait:x\n", b"# comment\n", b"\n"])
def test_a_byte_order_mark_leaves_all_to_the_grammar(first: bytes) -> None:
    """Regression: with an id of one byte the mark was taken for a part of it."""
    assert ids(b"\xef\xbb\xbf" + first) is None
