"""Parsing of ``config`` in a log directory, as svlogd does it."""

from __future__ import annotations

from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from typing import Any

_NUMBERS = {"s": "size", "n": "keep", "N": "least", "t": "age"}
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20}
_UDP_PORT = 514
#: The depth to which groups may be nested, as re recurses into each.
_MOST_GROUPS = 50
#: Characters of an invalid line that are shown.
_SHOWN = 80
#: The effect of a pattern: which of (kept, copied) it sets, and to what.
_PATTERNS = {"-": (0, False), "+": (0, True), "e": (1, True), "E": (1, False)}


class Rules(Value):
    """The rules of a log directory."""

    size: int = 1_000_000  # bytes of current; 0: no limit
    keep: int = 10  # old files; 0: all
    least: int = 0  # old files that stay when the disk is full
    age: int = 0  # seconds until current is rotated; 0: never
    processor: bytes = b""  # the shell command that filters old files
    prefix: bytes = b""
    udp: tuple[str, int] | None = None  # address to which lines are sent, too
    udp_only: bool = False
    patterns: tuple[tuple[re.Pattern[bytes], int, bool], ...] = ()

    def select(self, text: bytes) -> list[bool]:
        """Return whether a line, of which this is the beginning, is kept, and whether it is copied."""
        chosen = [True, False]
        for pattern, which, to in self.patterns:
            if pattern.fullmatch(text):
                chosen[which] = to
        return chosen


def parse(config: bytes, warn: Callable[[str], object]) -> Rules:
    """Return the rules in the file; call ``warn`` for each invalid line, and skip it."""
    import re  # takes a megabyte, as ipaddress does

    fields: dict[str, Any] = {}
    patterns = []
    for number, raw in enumerate(config.split(b"\n"), 1):
        line = raw.decode("utf-8", "surrogateescape")
        letter, rest = line[:1], line[1:]
        if letter in _NUMBERS and (match := re.fullmatch("([0-9]{1,15})([km]?)", rest)):
            fields[_NUMBERS[letter]] = int(match[1]) * _FACTORS[match[2]]
        elif letter in _PATTERNS and (pattern := _pattern(raw[1:])):
            patterns.append((pattern, *_PATTERNS[letter]))
        elif letter == "!" and b"\0" not in raw:
            fields["processor"] = raw[1:]
        elif letter == "p":
            fields["prefix"] = raw[1:]
        elif letter in ("u", "U") and (address := _address(rest)):
            fields |= {"udp": address, "udp_only": letter == "U"}
        elif letter not in ("", "#"):
            warn(f"config, line {number}: not understood, ignored: {printable(line[:_SHOWN])}")
    return Rules(**fields, patterns=tuple(patterns))


def _address(text: str) -> tuple[str, int] | None:
    from ipaddress import IPv4Address

    host, _, port = text.partition(":")
    try:
        address = str(IPv4Address(host)), int(port or _UDP_PORT)
    except ValueError:
        return None
    return address if 0 < address[1] < 1 << 16 else None


def _pattern(pattern: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern of svlogd as a regular expression; None if it has too many pluses.

    A star matches up to the first occurrence of the next character, without backtracking. As in C, a line
    that ends with what a plus matches is matched, whatever follows in the pattern.
    """
    import re

    made, groups, at = b"", 0, 0
    while at < len(pattern):
        here, after = pattern[at : at + 1], re.escape(pattern[at + 1 : at + 2])
        if here == b"*":
            made += b"[^" + after + b"]*+(?=" + after + b")" if after else b".*"
        elif here == b"+":
            made += after + b"++(?:\\Z|" if after else b"(?!)"
            groups += bool(after)
            at += 1
        else:
            made += re.escape(here)
        at += 1
    return re.compile(made + b")" * groups, re.DOTALL) if groups <= _MOST_GROUPS else None
