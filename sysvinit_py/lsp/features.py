"""What an editor asks for, answered from the linter, the parser and what a running init publishes."""

from __future__ import annotations

from lsprotocol import types as lsp

from sysvinit_py.lint.finding import printable
from sysvinit_py.lint.fixes import repair
from sysvinit_py.lint.inittab import ID, Inittab
from sysvinit_py.lint.layout import formatted
from sysvinit_py.lsp.project import id_of
from sysvinit_py.report.explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sysvinit_py.inittab.parser import Line
    from sysvinit_py.lint.finding import Edit, Finding
    from sysvinit_py.lsp.project import Project
    from sysvinit_py.lsp.text import Text

SOURCE = "inittab-lint"
FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.inittab"
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}


class RenameError(Exception):
    """The id cannot be that; the text says why."""


def diagnostics(project: Project, path: str, text: Text, uri: Callable[[str], str]) -> list[lsp.Diagnostic]:
    """Return what the linter finds in one file of a project."""
    return [_diagnostic(f, project, text, uri) for f in project.findings if f.path == path]


def _diagnostic(finding: Finding, project: Project, text: Text, uri: Callable[[str], str]) -> lsp.Diagnostic:
    related = []
    if finding.first:
        path, line = finding.first
        place = lsp.Position(line - 1, 0)
        where = lsp.Location(uri(path), lsp.Range(place, place))
        related.append(lsp.DiagnosticRelatedInformation(where, "the first one"))
    message = finding.message + (f"\n{finding.hint}" if finding.hint else "")
    return lsp.Diagnostic(
        text.range(finding.line, finding.column, finding.end_column),
        message,
        _SEVERITIES[finding.severity],
        finding.code,
        source=SOURCE,
        related_information=related or None,
    )


def quick_fixes(
    project: Project, path: str, text: Text, chosen: lsp.Range, uri: Callable[[str], str]
) -> Iterator[lsp.CodeAction]:
    """Yield the repairs of what is found in a range, and one that repairs all that has one safe answer."""
    start, end = text.offset(chosen.start), text.offset(chosen.end)
    for finding in project.findings:
        if finding.path != path or not finding.fix:
            continue
        found = _diagnostic(finding, project, text, uri)
        if text.offset(found.range.start) <= end and start <= text.offset(found.range.end):
            edits = [_edit(edit, text) for edit in finding.fix.edits]
            yield lsp.CodeAction(
                f"{finding.fix.what} ({finding.code})",
                lsp.CodeActionKind.QuickFix,
                [found],
                is_preferred=finding.fix.safe,
                edit=lsp.WorkspaceEdit({uri(path): edits}),
            )

    def find(files: tuple[tuple[str, bytes], ...]) -> list[Finding]:
        return [f for f in project.check(files) if f.path == path]

    if any(f.path == path and f.fix and f.fix.safe for f in project.findings):
        repaired = dict(repair(project.files, find, unsafe=False))[path].decode(errors="replace")
        edit = lsp.WorkspaceEdit({uri(path): [lsp.TextEdit(text.whole, repaired)]})
        yield lsp.CodeAction("repair all that has one safe answer", FIX_ALL, edit=edit)


def _edit(edit: Edit, text: Text) -> lsp.TextEdit:
    return lsp.TextEdit(text.range(edit.line, edit.start, edit.end), edit.text)


def symbols(project: Project, path: str, text: Text) -> list[lsp.DocumentSymbol]:
    """Return the entries of a file, by id."""
    found = []
    for view in Inittab((project.documents[path],), project.target).views:
        span = view.span(ID)
        found.append(
            lsp.DocumentSymbol(
                printable(view.id) or "-",
                lsp.SymbolKind.Event,
                text.range(view.entry.line, 1, len(view.line.text) + 1),
                text.range(view.entry.line, span.start, span.end),
                printable(f"{view.action} {view.runlevels}: {view.process}"),
            )
        )
    return found


def _id_range(line: Line, text: Text) -> lsp.Range:
    start = len(line.text) - len(line.text.lstrip(" \t")) + 1
    return text.range(line.number, start, start + len(id_of(line)))


def line_at(project: Project, path: str, text: Text, position: lsp.Position) -> Line | None:
    """Return the line at a position that is an entry, or refused."""
    return project.line(path, text.line(text.offset(position))[0])


def hover(project: Project, path: str, text: Text, position: lsp.Position) -> lsp.Hover | None:
    """Return what the entry at a position does, or why its init refuses it; None: it is at no entry."""
    line = line_at(project, path, text, position)
    if not line or not project.target.sysv:
        return None
    if line.problem:
        told = f"Never started: init refuses the line.\n{line.problem.reason}"
    else:
        entries = project.order.entries
        entry = next(entry for entry in entries if (entry.file, entry.line) == (path, line.number))
        told = explain(entry, project.order)
    shown = "\n".join(map(printable, told.split("\n")))
    return lsp.Hover(
        lsp.MarkupContent(lsp.MarkupKind.PlainText, shown), text.range(line.number, 1, len(line.text) + 1)
    )


def layout(project: Project, text: Text) -> list[lsp.TextEdit]:
    """Return the edit that lays out a file. Raises MeaningError if its init would read something else."""
    after = formatted(text.data, project.target).decode()
    return [lsp.TextEdit(text.whole, after)] if after != text.source else []


def others(
    project: Project, path: str, line: Line, texts: Callable[[str], Text], uri: Callable[[str], str]
) -> list[lsp.Location]:
    """Return where the id of an entry stands besides, the first first."""
    return [
        lsp.Location(uri(name), _id_range(other, texts(name)))
        for name, other in project.lines_of(id_of(line))
        if (name, other.number) != (path, line.number)
    ]


def id_at(project: Project, path: str, text: Text, position: lsp.Position) -> lsp.Range | None:
    """Return the range of the id at a position; None: something else is there."""
    line = line_at(project, path, text, position)
    if not line or not id_of(line):
        return None
    found, at = _id_range(line, text), text.offset(position)
    return found if text.offset(found.start) <= at <= text.offset(found.end) else None


def rename(project: Project, path: str, text: Text, at: lsp.Range, name: str) -> lsp.TextEdit:
    """Return the edit that gives an entry another id. Raises RenameError if its init would refuse that."""
    start, end = text.offset(at.start), text.offset(at.end)
    number = text.line(start)[0]
    source = text.source[:start] + name + text.source[end:]
    data = source.encode(errors="replace")
    read = project.read(tuple((p, data if p == path else d) for p, d in project.files))
    line = next((line for line in read[path].lines if line.number == number), None)
    if not line or not line.entry or line.entry.id != name:
        reason = line.problem.reason if line and line.problem else "this would be no entry any more"
        raise RenameError(f"{printable(name)}: {reason}")
    for other, document in read.items():
        for entry in document.problems:
            if f'duplicate ID field "{printable(name)}"' in entry.reason:
                raise RenameError(f"{printable(name)}: {entry.reason} ({other})")
    return lsp.TextEdit(at, name)


def states(
    project: Project, path: str, text: Text, running: Mapping[tuple[str, str], str]
) -> list[lsp.InlayHint]:
    """Return behind each entry of the file what it is doing; ``running`` says so by file and id."""
    return [
        lsp.InlayHint(
            text.range(line.number, len(line.text) + 1, len(line.text) + 1).start,
            running[path, line.entry.id],
            padding_left=True,
        )
        for line in project.documents[path].lines
        if line.entry and (path, line.entry.id) in running
    ]
