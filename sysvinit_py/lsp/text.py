"""Places in a text: the linter's line and column, an editor's line and character, and offsets."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from lsprotocol.types import Position, Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What ends a line for an editor. For init it is the newline only.
_LINE_END = re.compile(r"\r\n|\n|\r")


class Text:
    """A document as the editor has it; ``units`` says how many of the editor's units a string has."""

    def __init__(self, source: str, units: Callable[[str], int]) -> None:
        self.source = source
        self._units = units

    @cached_property
    def data(self) -> bytes:
        """What the file would hold. A lone surrogate, which no file can hold, becomes a question mark."""
        return self.source.encode(errors="replace")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.source))]

    @cached_property
    def _inits_starts(self) -> list[int]:
        return [0, *(at + 1 for at, character in enumerate(self.source) if character == "\n")]

    def position(self, offset: int) -> Position:
        """Return where the editor has an offset."""
        line = bisect_right(self._starts, offset) - 1
        return Position(line, self._units(self.source[self._starts[line] : offset]))

    def offset(self, position: Position) -> int:
        """Return the offset of a place of the editor's; behind a line is its end."""
        if position.line >= len(self._starts):
            return len(self.source)
        start = self._starts[position.line]
        end = _LINE_END.search(self.source, start)
        at, left = start, position.character
        while at < (end.start() if end else len(self.source)) and left > 0:
            left -= self._units(self.source[at])
            at += 1
        return at

    def range(self, line: int, start: int, end: int) -> Range:
        """Return the range of columns of a line of init's, from 1; the end is the first one after it."""
        begin = self._inits_starts[min(line, len(self._inits_starts)) - 1]
        return Range(self.position(begin + start - 1), self.position(begin + end - 1))

    def line(self, offset: int) -> tuple[int, str, int]:
        """Return the number of init's line at an offset, from 1, its text, and how far into it that is."""
        number = bisect_right(self._inits_starts, offset)
        start = self._inits_starts[number - 1]
        return number, self.source[start:].partition("\n")[0], offset - start

    @property
    def whole(self) -> Range:
        """The range of all of it."""
        return Range(Position(0, 0), self.position(len(self.source)))
