"""All rules over one inittab: the findings, in the order of the lines."""

from __future__ import annotations

from itertools import islice

from sysvinit_py.inittab.parser import Line
from sysvinit_py.tools.lint.finding import Edit, Finding, Fix, printable
from sysvinit_py.tools.lint.inittab import Inittab
from sysvinit_py.tools.lint.reading import JoinedLine, read
from sysvinit_py.tools.lint.rules import RULES
from sysvinit_py.tools.lint.suppressions import Suppressions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.tools.lint.finding import Hit
    from sysvinit_py.tools.lint.root import Root
    from sysvinit_py.tools.lint.targets import Target

UNUSED, BAD = "INT004", "INT005"

#: Of one rule: more than anybody will read. A file that is no inittab at all can have millions.
MAX_HITS = 10_001


def check(
    files: Sequence[tuple[str, bytes]],
    target: Target,
    *,
    fragment: bool = False,
    root: Root | None = None,
    codes: Collection[str] = tuple(RULES),
) -> list[Finding]:
    """Check the files that init reads as one, given as path and content, by the rules with these codes."""
    seen: dict[str, Entry] = {}
    documents = tuple(read(data, path, target, seen) for path, data in files)
    inittab = Inittab(documents, target, fragment=fragment, root=root)
    suppressions = {document.file: Suppressions(document) for document in documents}
    ran = [rule for rule in RULES.values() if rule.code in codes and target in rule.targets]
    found: list[tuple[str, Hit]] = []
    for rule in ran:
        for hit in islice(rule.check(inittab), MAX_HITS):
            if not suppressions[hit.path].hide(rule.code, hit.line):
                found.append((rule.code, hit))
    used_codes = {rule.code for rule in ran if root or not rule.needs_root}
    for path in suppressions:
        for code, hits in ((BAD, suppressions[path].bad), (UNUSED, suppressions[path].unused(used_codes))):
            found += [(code, hit) for hit in hits if code in codes]
    order = {document.file: number for number, document in enumerate(documents)}
    found.sort(key=lambda item: (order[item[1].path], item[1].line, item[1].start, item[0]))
    lines = {document.file: {line.number: line for line in document.lines} for document in documents}
    return [_finding(code, hit, lines[hit.path]) for code, hit in found]


#: For what is found in a file without a line.
_NO_LINE = Line(1, "", "blank")


def _finding(code: str, hit: Hit, lines: Mapping[int, Line]) -> Finding:
    rule = RULES[code]
    line = lines.get(hit.line, _NO_LINE)
    behind = len(line.text) + 1
    start = min(hit.start, behind)
    number, text, end = line.number, line.text, max(start, min(hit.end, behind))
    if isinstance(line, JoinedLine):
        number, start, end, text = line.place(start, end)
    fix = _fix(hit.fix, lines) if hit.fix else None
    return Finding(
        hit.path, number, start, end, code, rule.name, rule.severity,
        printable(hit.message), printable(hit.hint), fix, text,
    )  # fmt: skip


def _fix(fix: Fix, lines: Mapping[int, Line]) -> Fix | None:
    """The fix with the places of its edits in the file; None if one would go over several lines."""
    edits: list[Edit] = []
    for edit in fix.edits:
        line = lines[edit.line]
        if isinstance(line, JoinedLine):
            number, start, end, _ = line.place(edit.start, edit.end)
            if end - start != edit.end - edit.start:
                return None
            edit = Edit(number, start, end, edit.text)
        edits.append(edit)
    return Fix(fix.what, tuple(edits), fix.safe)
