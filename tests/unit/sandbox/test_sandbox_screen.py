"""What passes to the caller's terminal of what is said inside, and what never does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.sandbox.screen import CSI, Screen

STRINGS = ["]0;title", "]52;c;Y2xpcA==", "]8;;http://x", "P$qm", "P+q544e", "_Gapc", "^pm", "Xsos", "ktitle"]
QUERIES = [
    "c", ">c", "=c", "0c", "5n", "6n", "?6n", "?15n", "x", "1x", ">q", ">0q", "?1$p", "21t", "20t", "18t",
    "8;1;1t", "3;0;0t", "5i", "4i", "?u", ">1u", "=1u", "<u", ">4;1m", "?4m", "!p", '61"p', "$p", "99999999b",
    "0$r",
]  # fmt: skip
MICE = (9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 2031, 2048, 1337, 69)
EVIL = [
    *(f"\x1b{string}{end}" for string in STRINGS for end in ("\x07", "\x1b\\", "\x18", "")),
    *(f"\x1b[{query}" for query in QUERIES),
    *(f"\x1b[?{mode}h" for mode in MICE),
    *(
        f"\x1b{letter}"
        for letter in ("Z", "c", "#8", "n", "o", "%G", " N", "F", "l", "/Z", "\x9b6n", "\0[6n")
    ),
    *map(chr, (5, 0x7F, 0, 0x11, *range(0x80, 0xA0))),
    *("\x9b6n", "\x9d52;c;eA==\x9c", "\x90$qm\x9c"),
    *("\x1b[\x1b[6n", "\x1b[6\x1b[6n", "\x1b]0;a\x1b[6n", "\x1b[?25;1000h", "\x1b[?1000;1003h", "\x1b[6\nn"),
]
#: Nothing but this may come out with an escape, and no control character but those of text.
SAFE = re.compile(
    r"(?:[^\x00-\x06\x10-\x1f\x7f-\x9f]|\x1b\[[0-9;:]*[" + CSI + r"]"
    r"|\x1b\[(?:\?(?:1|7|12|25|47|1047|1049|2004)|4)[hl]|\x1b[()][AB0]|\x1b[78DEHM=>])*"
)


def shown(*parts: bytes) -> str:
    screen = Screen()
    return b"".join(screen.feed(part) for part in parts).decode()


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
@pytest.mark.parametrize("before", [b"", b"\x1b[1m", b"\xc3", b"\x1b[", b"\x1b]0;x"], ids=ascii)
def test_nothing_that_a_terminal_answers_or_obeys(evil: str, before: bytes) -> None:
    for data in (evil.encode(), evil.encode("latin-1")):  # in UTF-8, and in 8 bits
        whole = b"a" + before + data + b"b"
        out = shown(whole)
        assert SAFE.fullmatch(out), out
        assert SAFE.fullmatch(shown(*(whole[n : n + 1] for n in range(len(whole)))))
        assert not re.search(r"6n|52;c|title", out) or "\x1b" not in out.replace("\x1b[1m", "")


@given(st.lists(st.one_of(st.binary(max_size=8), st.sampled_from([e.encode() for e in EVIL])), max_size=8))
def test_whatever_comes_in_whatever_parts(parts: list[bytes]) -> None:
    out = shown(*parts)
    assert SAFE.fullmatch(out), out
    assert out == shown(b"".join(parts))


@pytest.mark.parametrize(
    "text",
    [
        "plain\r\n\t\b", "\x1b[1;31mred\x1b[0m", "\x1b[2J\x1b[10;20H\x1b[K", "Grüße — 漢字",
        "\x1b7\x1b8", "\x1b[?25l",
    ],
    ids=ascii,
)  # fmt: skip
def test_text_colours_and_cursor_pass(text: str) -> None:
    assert shown(text.encode()) == text
    assert shown(*(bytes([byte]) for byte in text.encode())) == text


def test_a_string_that_never_ends_is_not_kept() -> None:
    screen = Screen()
    assert screen.feed(b"\x1b]52;c;") == b""
    for _ in range(100):
        assert screen.feed(b"A" * 10000) == b""
    assert len(screen._held) < 10
    assert screen.feed(b"\x07after") == b"after"


def test_what_was_switched_is_switched_back() -> None:
    screen = Screen()
    screen.feed(b"\x1b[31m\x1b[?25l\x1b[?1049h\x1b[?2004h\x1b=\x1b(0\x1b[3;9r\x0e")
    undone = screen.reset()
    for undo in (
        b"\x1b[0m",
        b"\x1b[?25h",
        b"\x1b[?1049l",
        b"\x1b[?2004l",
        b"\x1b>",
        b"\x1b(B",
        b"\x1b[r",
        b"\x0f",
    ):
        assert undo in undone
    assert screen.reset() == b""
    screen.feed(b"\x1b[?1049h\x1b[?1049l")
    assert screen.reset() == b""
