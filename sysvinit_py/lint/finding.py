"""What a rule finds: where, what is wrong, what to do, and how it could be repaired."""

from __future__ import annotations

import re

from sysvinit_py.text import escaped
from sysvinit_py.value import Value

#: From the worst to the least: refused by init; accepted but hardly meant; worth knowing.
SEVERITIES = ("error", "warning", "info")


class Edit(Value):
    """Replace the characters from column ``start`` up to, not including, ``end`` of a line by ``text``."""

    line: int
    start: int  # columns in characters, from 1
    end: int
    text: str


class Fix(Value):
    """A repair. A safe one changes nothing that init does, except that it then does what is written."""

    what: str  # in the imperative: "remove the trailing whitespace"
    edits: tuple[Edit, ...]
    safe: bool = False


class Match(Value):
    """What a rule yields: a place in a file, and what is wrong there."""

    path: str
    line: int  # from 1
    start: int  # columns in characters, from 1; the end is the first one after it
    end: int
    message: str
    hint: str = ""
    fix: Fix | None = None


class Finding(Value):
    """A match, with the rule that it is of: all that an output format can ask for."""

    path: str
    line: int
    column: int
    end_column: int
    code: str
    name: str
    severity: str
    message: str
    hint: str = ""
    fix: Fix | None = None
    text: str = ""  # of the line
    first: tuple[str, int] | None = None  # what it repeats: the path and the line

    @property
    def repeats_elsewhere(self) -> bool:
        """Whether it repeats something of another file."""
        return self.first is not None and self.first[0] != self.path

    @property
    def of_file(self) -> bool:
        """Whether it is about the file as a whole, at no place in it."""
        return (self.line, self.column, self.end_column) == (1, 1, 1)


#: What CI takes for an order to itself: ##vso[...] and ##[...] anywhere, ::error:: where a line begins.
_ORDER = re.compile(r"#(?=#\w*\[)")
_ORDER_AT_START = re.compile(r"\s*:(?=:)")


def printable(text: str) -> str:
    """Return text fit for a terminal or the log of a CI, whatever bytes it came from; it may begin a line."""
    start = _ORDER_AT_START.match(text)
    if start:
        return f"{printable(text[: start.end() - 1])}\\x3a{printable(text[start.end() :])}"
    return text if text.isprintable() and "##" not in text else "".join(printables(text))


def printables(text: str) -> list[str]:
    """Return each character as :func:`printable` does; but it may not begin a line."""
    shown = [*map(escaped, text)]
    for order in _ORDER.finditer(text):
        shown[order.start()] = "\\x23"
    return shown
