"""The file config of a log directory."""

from __future__ import annotations

import time

import pytest

from sysvinit_py.logs.rules import Rules, parse


def rules(config: bytes) -> tuple[Rules, list[str]]:
    warned: list[str] = []
    return parse(config, warned.append), warned


def test_each_line() -> None:
    found, warned = rules(b"# a comment\n\ns2k\nn3\nN1\nt60\n!gzip\npweb: \nu10.0.0.1:5514")
    assert warned == []
    assert found == Rules(2048, 3, 1, 60, b"gzip", b"web: ", ("10.0.0.1", 5514))


def test_udp_only_and_its_port() -> None:
    assert rules(b"U10.0.0.1\n")[0] == Rules(udp=("10.0.0.1", 514), udp_only=True)


@pytest.mark.parametrize(
    "line",
    [
        b"s 100",
        b"s",
        b"n-1",
        b"t1h",
        b"x",
        b"u1.2.3",
        b"u1.2.3.4:x",
        b"\xff",
        b"s\xc2\xb2",
        b"u1.2.3.4:0",
        b"u1.2.3.4:65536",
        b"u1.2.3.4:-1",
        b"!gzip\0",
        b"-" + b"+a" * 5000,
    ],
    ids=lambda line: repr(line[:20]),
)
def test_what_is_not_understood_is_said_and_ignored(line: bytes) -> None:
    found, warned = rules(b"n3\n" + line + b"\n")
    assert found == Rules(keep=3)
    assert len(warned) == 1
    assert "config, line 2" in warned[0]
    assert warned[0].isprintable()
    assert len(warned[0]) < 200


@pytest.mark.parametrize(
    ("pattern", "kept"), [(b"*a" * 30, True), (b"+a" * 30, False), (b"*a+a" * 30, False)]
)
def test_no_pattern_takes_forever(pattern: bytes, kept: bool) -> None:
    """A star and a plus never go back: each looks at a byte of the line once."""
    found, warned = rules(b"-" + pattern + b"b")
    began = time.process_time()
    assert found.select(b"a" * (1 << 20)) == [kept, False]
    assert time.process_time() - began < 1
    assert warned == []


@pytest.mark.parametrize(
    ("pattern", "drops", "keeps"),
    [
        ("a+b", "ab abbb", "aab a b abc"),
        ("foo*bar", "foobar fooxbar", "fooxbary foobbar"),
        ("*pid*", "pid xpidx", "tcpsvd:pid ppid"),
        ("foo", "foo", "fo fooo xfoo"),
        ("a**", "a* axx*xx", "axx"),
        ("b*+c", "", "bxxc b+c bcc bxx+c"),
        ("d+*", "d* d**", "d dd"),
        ("ab+", "", "ab ab+ abb"),
        ("a.c", "a.c", "abc"),
        ("a+b*c", "ab abb abxc", "a abx"),
        ("b+a*b", "ba baa bacb", "bac"),
        ("+^", "^ ^^", "a"),
        ("*]x", "]x a]x", "x a]"),
        ("*", "a \xff", ""),
    ],
)
def test_patterns(pattern: str, drops: str, keeps: str) -> None:
    found, _ = rules(b"-" + pattern.encode())
    assert [
        text for text in (drops + " " + keeps).split() if not found.select(text.encode("latin-1"))[0]
    ] == (drops.split())


def test_the_last_pattern_that_matches_counts() -> None:
    found, _ = rules(b"-*\n+a*\neab*\nEabc\n")
    assert found.select(b"b") == [False, False]
    assert found.select(b"a") == [True, False]
    assert found.select(b"abd") == [True, True]
    assert found.select(b"abc") == [True, False]


def test_the_empty_pattern_is_the_empty_line() -> None:
    found, _ = rules(b"-")
    assert found.select(b"") == [False, False]
    assert found.select(b"a") == [True, False]
