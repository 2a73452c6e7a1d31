"""All rules over one inittab: the findings, in the order of the lines."""

from __future__ import annotations

from itertools import islice

from sysvinit_py.tools.lint.finding import Finding, printable
from sysvinit_py.tools.lint.inittab import Inittab
from sysvinit_py.tools.lint.reading import read
from sysvinit_py.tools.lint.rules import RULES
from sysvinit_py.tools.lint.suppressions import Suppressions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.inittab.parser import Line
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
    texts = {document.file: document.lines for document in documents}
    return [_finding(code, hit, texts[hit.path], target) for code, hit in found]


def _finding(code: str, hit: Hit, lines: Sequence[Line], target: Target) -> Finding:
    rule = RULES[code]
    # Of an entry that BusyBox joins from several lines the columns are not those of its fields.
    before = lines[hit.line - 2].text if 1 < hit.line <= len(lines) else ""
    is_joined = target.reader == "busybox" and before.endswith("\\")
    fix = None if is_joined and hit.fix and not hit.fix.safe else hit.fix
    text = lines[hit.line - 1].text if hit.line <= len(lines) else ""
    start = min(hit.start, len(text) + 1)
    end = max(start, min(hit.end, len(text) + 1))
    return Finding(
        hit.path, hit.line, start, end, code, rule.name, rule.severity,
        printable(hit.message), printable(hit.hint), fix, text,
    )  # fmt: skip
