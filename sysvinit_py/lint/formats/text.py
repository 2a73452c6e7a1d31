"""For people: where, what, the line with a caret under the place, and what to do about it."""

from __future__ import annotations

from itertools import pairwise

from sysvinit_py.cli import out
from sysvinit_py.lint.finding import printable, printables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.lint.finding import Finding

#: How many characters of a line are shown; of a longer one those around the place.
WIDTH = 100

_BOLD, _DIM = "1", "2"
_COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;36"}


def render(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """Return all findings, a blank line after each; those of one id in several files stand together."""
    shown = [_one(finding, colour) for finding in findings]
    ends = ["" if _together(*pair) else "\n" for pair in pairwise(findings)] + ["\n"]
    return "".join(map("".join, zip(shown, ends, strict=False)))


def _together(one: Finding, other: Finding) -> bool:
    """Return whether both repeat the same entry of another file."""
    return one.repeats_elsewhere and one.first == other.first


def _one(finding: Finding, colour: bool) -> str:
    def paint(text: str, code: str) -> str:
        return out.paint(text, code if colour else "")

    where = paint(f"{printable(finding.path)}:{finding.line}:{finding.column}:", _BOLD)
    severity = paint(finding.severity, _COLOURS[finding.severity])
    rule = paint(f"{finding.code} {finding.name}", _DIM)
    number = str(finding.line)
    gutter = " " * len(number)
    shown = [f"{where} {severity}: {finding.message} [{rule}]"]
    if not finding.of_file:
        line, caret = _quoted(finding)
        shown.append(f" {number} | {line}")
        shown.append(f" {gutter} | {paint(caret, _COLOURS[finding.severity])}")
    if finding.hint and not (finding.fix and finding.fix.what == finding.hint):
        shown.append(f" {gutter} = hint: {finding.hint}")
    if finding.fix:
        option = "--fix" if finding.fix.safe else "--fix --unsafe-fixes"
        shown.append(f" {gutter} = {option}: {printable(finding.fix.what)}")
    return "".join(f"{line.rstrip()}\n" for line in shown)


def _quoted(finding: Finding) -> tuple[str, str]:
    """Return the line as it can be shown, and the carets under the place."""
    start, end = finding.column - 1, max(finding.end_column - 1, finding.column)
    first = max(0, start - WIDTH // 2) if len(finding.text) > WIDTH else 0
    last = first + WIDTH
    pieces = printables(finding.text[first:last].replace("\t", " "))
    before = out.columns("".join(pieces[: start - first]))
    marked = max(1, out.columns("".join(pieces[start - first : end - first])))
    left, right = ("..." if first else ""), ("..." if last < len(finding.text) else "")
    caret = " " * (len(left) + before) + "^" * marked
    return left + "".join(pieces) + right, caret
