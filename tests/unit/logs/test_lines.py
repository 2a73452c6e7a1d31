"""Lines of whatever arrives."""

from __future__ import annotations

from sysvinit_py.logs.lines import CAP, Lines


def test_a_line_is_kept_until_it_is_complete() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one\n"]
    assert lines.feed(b"o") == []
    assert lines.feed(b"\n\n") == [b"two\n", b"\n"]
    assert lines.end() == []


def test_other_bytes_end_no_line() -> None:
    assert Lines().feed(b"a\rb\x0bc\x00d\n") == [b"a\rb\x0bc\x00d\n"]


def test_the_last_line_gets_its_newline() -> None:
    lines = Lines()
    lines.feed(b"one\ntwo")
    assert lines.end() == [b"two\n"]
    assert lines.end() == []


def test_a_long_line_comes_in_pieces() -> None:
    lines = Lines()
    assert lines.feed(b"x" * (CAP + 1)) == [b"x" * CAP]
    assert lines.feed(b"y\nz\n") == [b"xy\n", b"z\n"]
    assert lines.feed(b"x" * (2 * CAP) + b"\n") == [b"x" * CAP, b"x" * CAP, b"\n"]


def test_a_line_that_ends_with_the_source_at_the_cap_is_ended() -> None:
    lines = Lines()
    assert lines.feed(b"x" * CAP) == [b"x" * CAP]
    assert lines.feed(b"") == []
    assert lines.end() == [b"\n"]


def test_whole_lines_are_one_piece() -> None:
    lines = Lines()
    assert (lines.whole(b"a\nb\nc"), lines.begun) == ([b"a\nb\n"], True)
    assert (lines.whole(b"d"), lines.whole(b"e\n")) == ([], [b"cde\n"])
    assert (lines.begun, lines.end()) == (False, [])


def test_whole_lines_that_are_longer_than_the_cap_come_in_pieces() -> None:
    lines = Lines()
    assert (lines.whole(b"x" * CAP), lines.begun) == ([b"x" * CAP], True)
    assert lines.end() == [b"\n"]
