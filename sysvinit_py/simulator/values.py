"""The values in the lines of a scenario: times, levels, counts, and how each is read and written."""

from __future__ import annotations

import re

from sysvinit_py.report.states import STATES
from sysvinit_py.simulator.steps import RUNS, STAGES, WHAT
from sysvinit_py.simulator.world import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: Microseconds in each unit, the largest first; and how long a time may be.
UNITS = {"h": 3600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}
MAX_TIME = 366 * 24 * UNITS["h"]
MAX_COUNT = 10_000


def _time(word: str) -> float:
    match = re.fullmatch(r"(\d{1,15})(?:\.(\d{1,6}))?(us|ms|s|min|h)?", word, re.ASCII)
    if not match:
        raise ValueError
    whole, fraction, unit = match.groups()
    microseconds = int(f"{whole}{fraction or ''}") * UNITS[unit or "s"] // 10 ** len(fraction or "")
    if microseconds > MAX_TIME:
        raise ValueError("a time of at most 366 days")
    return float(microseconds / 1_000_000)


def duration(seconds: float) -> str:
    """Return a time as it is written."""
    microseconds = round(seconds * 1e6)
    unit = next(unit for unit, size in UNITS.items() if not microseconds % size) if microseconds else "s"
    return f"{microseconds // UNITS[unit]}{unit}"


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(word: str) -> int:
        if not (re.fullmatch(r"-?\d{1,10}", word, re.ASCII) and least <= int(word) <= most):
            raise ValueError
        return int(word)

    return read


def _one_of(words: Iterable[str]) -> Callable[[str], str]:
    def read(word: str) -> str:
        if word not in words:
            raise ValueError
        return word

    return read


def _id(word: str) -> str:
    """Return the id that a word means: * is all of them, and bytes may be written as they are shown."""
    if word == "*":
        return ALL
    escaped = word.encode(errors="surrogateescape")
    data = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), escaped)
    return data.decode(errors="surrogateescape")


def written_id(name: str) -> str:
    """Return an id as one word, which is not taken for another one."""
    if name in ("", "*", "at"):
        return {"": "*", "*": "\\x2a", "at": "\\x61t"}[name]
    return "".join(c if c.isprintable() and c not in " \\" else _escaped(c) for c in name)


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))


def _matching(pattern: str) -> Callable[[str], str]:
    def read(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError
        return word

    return read


_POWER = ("failed", "ok", "low")
#: Of each place in a form: what reads the word, and what was expected if it cannot. The last ones take the
#: rest of the line.
VALUES: dict[str, tuple[Callable[[str], Any], str]] = {
    "TIME": (_time, "a time, such as 50ms, 5s, 2min or 1h"),
    "SECONDS": (_number(-1, 2**31 - 1), "a number of seconds"),
    "ID": (_id, "an id"),
    "LEVEL": (_matching(r"\S"), "a level: 0 to 9, S, a, b, c, q or U"),
    "STAGE": (_one_of(STAGES), f"one of {', '.join(STAGES)}"),
    "STATUS": (_number(0, 255), "an exit status, 0 to 255"),
    "SIGNAL": (_number(1, 64), "a signal's number, 1 to 64"),
    "COUNT": (_number(0, MAX_COUNT), f"a number up to {MAX_COUNT}"),
    "CORE": (_one_of(("core",)), '"core"'),
    "STATE": (_one_of((*STATES, RUNS)), f"one of {', '.join(STATES)}"),
    "WHAT": (_one_of(WHAT), f"one of {', '.join(WHAT)}"),
    "POWER": (_one_of(_POWER), f"one of {', '.join(_POWER)}"),
    "TERMINAL": (_matching(r"(/dev/)?[^/\s]\S*"), "a terminal, such as ttyS0"),
    "ASSIGNMENT": (_matching(r"[^=\s]+(=\S*)?"), "VARIABLE=VALUE"),
    "WORD": (_matching(r"\S+"), "a word"),
    "ENTRY": (_matching(r"[^:]+:[^:]*:[^:]+:.*"), "id:runlevels:action:process"),
    "FILE": (_matching(r"[^:]+(:[^:]*){0,2}"), "a file name"),
    "TEXT": (_matching(r".*"), "a text"),
}
REST = ("ENTRY", "FILE", "TEXT")
