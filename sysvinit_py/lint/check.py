"""All rules over one inittab: the findings, in the order of the lines."""

from __future__ import annotations

from itertools import islice

from sysvinit_py.inittab.parser import BLANKS, Line
from sysvinit_py.lint.finding import Edit, Finding, Fix, printable
from sysvinit_py.lint.inittab import Inittab
from sysvinit_py.lint.reading import JoinedLine, read
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.sources import in_directory
from sysvinit_py.lint.suppressions import Suppressions, disabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.lint.finding import Match
    from sysvinit_py.lint.root import Root
    from sysvinit_py.lint.services import Services
    from sysvinit_py.lint.targets import Target

UNUSED, BAD, DUPLICATE = "INT004", "INT005", "INT108"
#: What can be said of a file that is not read.
IGNORED = frozenset({"INT003"})

#: Of one rule: more than anybody will read. A file that is no inittab at all can have millions.
MAX_MATCHES = 10_001


def check(
    files: Sequence[tuple[str, bytes]],
    target: Target,
    *,
    fragment: bool = False,
    root: Root | None = None,
    codes: Collection[str] = tuple(RULES),
    exposed: Mapping[str, str] | None = None,
    gettys: Collection[str] = (),
) -> list[Finding]:
    """Check the files that init reads as one, given as path and content, by the rules with these codes.

    ``exposed`` says by path who else can change a file, ``gettys`` names further programs that offer a login.
    Of a file that the target does not read, that is all that is found.
    """
    unread = [] if target.tab_files else [file for file in files if in_directory(file[0])]
    documents = [file for file in files if file not in unread]
    found = _check(documents, target, fragment, root, codes, exposed or {}, gettys) if documents else []
    for file in unread:
        found += _check([file], target, True, root, IGNORED.intersection(codes), {}, gettys)
    return found


def _check(
    files: Sequence[tuple[str, bytes]],
    target: Target,
    fragment: bool,
    root: Root | None,
    codes: Collection[str],
    exposed: Mapping[str, str],
    gettys: Collection[str],
) -> list[Finding]:
    seen: dict[str, Entry] = {}
    documents = tuple(read(data, path, target, seen) for path, data in files)
    inittab = Inittab(documents, target, fragment=fragment, root=root, exposed=exposed, gettys=gettys)
    suppressions = {document.file: Suppressions(document) for document in documents}
    ran = [rule for rule in RULES.values() if rule.code in codes and target in rule.targets]
    found: list[tuple[str, Match]] = []
    for rule in ran:
        for match in islice(rule.check(inittab), MAX_MATCHES):
            if not suppressions[match.path].hide(rule.code, match.line):
                found.append((rule.code, match))
    used_codes = {rule.code for rule in ran if root or not rule.needs_root}
    for path in suppressions:
        # Whether an id of a .tab file is taken depends on the machine that it is copied to.
        used = used_codes - {DUPLICATE} if path.endswith(".tab") else used_codes
        for code, matches in ((BAD, suppressions[path].bad), (UNUSED, suppressions[path].unused(used))):
            found += [(code, match) for match in matches if code in codes]
    order = {document.file: number for number, document in enumerate(documents)}
    lines = {document.file: {line.number: line for line in document.lines} for document in documents}
    findings = [_finding(code, match, lines[match.path], seen) for code, match in found]
    return _sorted(findings, order)


def check_services(services: Services, codes: Collection[str], failed: list[str]) -> list[Finding]:
    """Check the services by the rules with these codes; adds to ``failed`` what cannot be read."""
    found: list[Finding] = []
    for service in services.all:
        try:
            service.settings, service.scripts  # noqa: B018 - reads all that rules look at
        except OSError as error:
            failed.append(f"{error.filename or service.path}: {error.strerror}")
    readable = services.replace(all=tuple(s for s in services.all if "scripts" in s.__dict__))
    hidden = {script.path: disabled(script.content) for s in readable.all for script in s.scripts}
    for rule in RULES.values():
        if rule.code in codes and not rule.targets:
            found += [
                Finding(
                    match.path, match.line, match.start, match.end, rule.code, rule.name, rule.severity,
                    printable(match.message), printable(match.hint),
                )
                for match in rule.check(readable)
                if rule.code not in hidden.get(match.path, ())
            ]  # fmt: skip
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.code))


def _sorted(findings: list[Finding], order: Mapping[str, int]) -> list[Finding]:
    """Sort by place; but what repeats an entry of another file stands together."""

    def place(finding: Finding) -> tuple[int, int, int, str]:
        return order[finding.path], finding.line, finding.column, finding.code

    leaders: dict[tuple[str, int], tuple[int, int, int, str]] = {}
    findings.sort(key=place)
    for finding in findings:
        if finding.first and finding.repeats_elsewhere:
            leaders.setdefault(finding.first, place(finding))

    def together(finding: Finding) -> tuple[tuple[int, int, int, str], ...]:
        leader = finding.first and finding.repeats_elsewhere and leaders[finding.first]
        return leader or place(finding), place(finding)

    return sorted(findings, key=together) if leaders else findings


#: For what is found in a file without a line.
_NO_LINE = Line(1, "", "blank")


def _finding(code: str, match: Match, lines: Mapping[int, Line], seen: Mapping[str, Entry]) -> Finding:
    rule = RULES[code]
    line = lines.get(match.line, _NO_LINE)
    behind = len(line.text) + 1
    start = min(match.start, behind)
    number, text, end = line.number, line.text, max(start, min(match.end, behind))
    if isinstance(line, JoinedLine):
        number, start, end, text = line.place(start, end)
    fix = _fix(match.fix, lines) if match.fix else None
    return Finding(
        match.path, number, start, end, code, rule.name, rule.severity,
        printable(match.message), printable(match.hint), fix, text,
        _first(line, seen) if code == DUPLICATE else None,
    )  # fmt: skip


def _first(line: Line, seen: Mapping[str, Entry]) -> tuple[str, int] | None:
    """Return the place of the entry whose id a line repeats."""
    first = seen.get(line.text.lstrip(BLANKS).partition(":")[0])
    return (first.file, first.line) if first else None


def _fix(fix: Fix, lines: Mapping[int, Line]) -> Fix | None:
    """Return the fix with the places of its edits in the file; None if one would go over several lines."""
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
