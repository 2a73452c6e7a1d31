"""Comments that turn rules off: ``disable=INT301`` above an entry, ``disable-file=INT213`` for the file."""

from __future__ import annotations

import re

from sysvinit_py.lint.finding import Edit, Fix, Match, printable
from sysvinit_py.lint.inittab import line_match
from sysvinit_py.lint.selection import code_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sysvinit_py.inittab.parser import Document, Line

_MARK = re.compile(r"[ \t]*#+[ \t]*inittab-lint[ \t]*:(.*)", re.DOTALL)
_ORDER = re.compile(r"[ \t]*(disable|disable-file)[ \t]*=(.*[^ \t\r].*)", re.DOTALL)


def disabled(script: bytes) -> set[str]:
    """Return the codes of the rules that comments in a script turn off: all are for the whole file."""
    marks = map(_MARK.match, script.decode(errors="surrogateescape").split("\n"))
    orders = [order for mark in marks if mark and (order := _ORDER.match(mark[1]))]
    return {code_of(word) for order in orders for word in order[2].replace(",", " ").split()}


class Suppression:
    """One comment: the rules that it turns off, and in which line, or in all of them."""

    def __init__(self, line: Line, codes: tuple[str, ...], target: int | None) -> None:
        self.line = line
        self.codes = codes
        self.target = target  # the number of the line it is for; None: the file
        self.used: set[str] = set()


class Suppressions:
    """All such comments of a file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.bad: list[Match] = []
        self._of_line: dict[int | None, list[Suppression]] = {}
        waiting: list[tuple[Line, tuple[str, ...]]] = []
        passed: list[int] = []  # comments since the last entry
        self._entry_of: dict[int, int] = {}  # by the line of a comment: what stands below it
        for line in document.lines:
            if line.kind == "comment":
                passed.append(line.number)
                codes, whole_file = self._understand(line)
                if codes and whole_file:
                    self._add(line, codes, None)
                elif codes:
                    waiting.append((line, codes))
            elif line.kind != "blank":
                for comment, codes in waiting:
                    self._add(comment, codes, line.number)
                self._entry_of |= dict.fromkeys(passed, line.number)
                waiting, passed = [], []
        self._entry_of |= dict.fromkeys(passed, 0)
        for comment, codes in waiting:
            self._add(comment, codes, 0)  # stands above no entry

    def hide(self, code: str, line: int) -> bool:
        """Return whether a finding is turned off. The comment then was of use."""
        line = self._entry_of.get(line, line)
        for suppression in (*self._of_line.get(line, ()), *self._of_line.get(None, ())):
            if code in suppression.codes:
                suppression.used.add(code)
                return True
        return False

    def unused(self, ran: Collection[str]) -> Iterator[Match]:
        """Yield those that turned nothing off, of the rules that were looked at."""
        for suppressions in self._of_line.values():
            for suppression in suppressions:
                idle = [code for code in suppression.codes if code in ran and code not in suppression.used]
                if idle:
                    line = suppression.line
                    fix = None
                    if len(idle) == len(suppression.codes):
                        fix = Fix("empty the comment", (Edit(line.number, 1, len(line.text) + 1, ""),))
                    where = "in this file" if suppression.target is None else "in the next entry"
                    finds = "finds" if len(idle) == 1 else "find"
                    yield line_match(
                        self.document, line, f"{', '.join(idle)} {finds} nothing {where}", "", fix
                    )

    def _add(self, line: Line, codes: tuple[str, ...], target: int | None) -> None:
        self._of_line.setdefault(target, []).append(Suppression(line, codes, target))

    def _understand(self, line: Line) -> tuple[tuple[str, ...], bool]:
        """Return the codes that a comment names, and whether it is for the whole file."""
        mark = _MARK.match(line.text) if "inittab-lint" in line.text else None
        if not mark:
            return (), False
        order = _ORDER.match(mark[1])
        if not order:
            hint = "write # inittab-lint: disable=CODE, or disable-file=CODE"
            self.bad.append(line_match(self.document, line, "unrecognised inittab-lint comment", hint))
            return (), False
        codes = []
        for word in order[2].replace(",", " ").split():
            code = code_of(word)
            if code:
                codes.append(code)
            else:
                hint = "inittab-lint --list-rules lists all"
                self.bad.append(line_match(self.document, line, f"unknown rule {printable(word)}", hint))
        return tuple(codes), order[1] == "disable-file"
