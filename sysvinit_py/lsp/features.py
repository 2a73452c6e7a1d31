"""What an editor asks for, answered from the linter, the parser and what a running init publishes."""

from __future__ import annotations

from lsprotocol import types as lsp

from sysvinit_py.cli import looking
from sysvinit_py.lint.finding import printable
from sysvinit_py.lint.fixes import repair
from sysvinit_py.lint.inittab import ID, Inittab
from sysvinit_py.lint.layout import MeaningError, formatted
from sysvinit_py.lsp.project import id_of
from sysvinit_py.report.explain import explain
from sysvinit_py.report.item import items
from sysvinit_py.report.slots import DamagedError, FormError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.parser import Line
    from sysvinit_py.lint.finding import Edit, Finding
    from sysvinit_py.lint.fixes import Files
    from sysvinit_py.lsp.project import Opened
    from sysvinit_py.lsp.text import Text

SOURCE = "inittab-lint"
FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.inittab"
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}


class NotDoneError(Exception):
    """What was asked for is not done; the text says why."""


def diagnostics(at: Opened) -> list[lsp.Diagnostic]:
    """Return what the linter finds in a file."""
    return [_diagnostic(finding, at) for finding in at.findings]


def _diagnostic(finding: Finding, at: Opened) -> lsp.Diagnostic:
    related = []
    if finding.first:
        path, line = finding.first
        place = lsp.Position(line - 1, 0)
        where = lsp.Location(at.uri_of(path), lsp.Range(place, place))
        related.append(lsp.DiagnosticRelatedInformation(where, "the first one"))
    return lsp.Diagnostic(
        at.text.range(finding.line, finding.column, finding.end_column),
        "\n".join(filter(None, (finding.message, finding.hint))),
        _SEVERITIES[finding.severity],
        finding.code,
        source=SOURCE,
        related_information=related or None,
    )


def quick_fixes(at: Opened, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """Return the repairs of what is found in a range, and one that repairs all that has one safe answer."""
    only = [_word(kind) for kind in params.context.only or ("",)]
    return [fix for fix in _fixes(at, params.range) if _word(fix.kind or "").startswith((*only,))]


def _word(kind: str | lsp.CodeActionKind) -> str:
    return kind.value if isinstance(kind, lsp.CodeActionKind) else kind


def _fixes(at: Opened, chosen: lsp.Range) -> Iterator[lsp.CodeAction]:
    start, end = at.text.offset(chosen.start), at.text.offset(chosen.end)
    fixable = [finding for finding in at.findings if finding.fix]
    for finding in fixable:
        found = _diagnostic(finding, at)
        if (
            finding.fix
            and at.text.offset(found.range.start) <= end
            and start <= at.text.offset(found.range.end)
        ):
            yield lsp.CodeAction(
                f"{finding.fix.what} ({finding.code})",
                lsp.CodeActionKind.QuickFix,
                [found],
                is_preferred=finding.fix.safe,
                edit=at.changed([_edit(edit, at.text) for edit in finding.fix.edits]),
            )

    def find(files: Files) -> list[Finding]:
        return [finding for finding in at.project.check(files) if finding.path == at.path]

    if any(finding.fix and finding.fix.safe for finding in fixable):
        repaired = dict(repair(at.project.files, find, unsafe=False))[at.path].decode(errors="replace")
        edit = at.changed([lsp.TextEdit(at.text.whole, repaired)])
        yield lsp.CodeAction("repair all that has one safe answer", FIX_ALL, edit=edit)


def _edit(edit: Edit, text: Text) -> lsp.TextEdit:
    return lsp.TextEdit(text.range(edit.line, edit.start, edit.end), edit.text)


def symbols(at: Opened, _: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    """Return the entries of a file, by id."""
    found = []
    for view in Inittab((at.project.documents[at.path],), at.project.target).views:
        span = view.span(ID)
        found.append(
            lsp.DocumentSymbol(
                printable(view.id) or "-",
                lsp.SymbolKind.Event,
                at.text.range(view.entry.line, 1, len(view.line.text) + 1),
                at.text.range(view.entry.line, span.start, span.end),
                printable(f"{view.action} {view.runlevels}: {view.process}"),
            )
        )
    return found


def _id_range(line: Line, text: Text) -> lsp.Range:
    start = len(line.text) - len(line.text.lstrip(" \t")) + 1
    return text.range(line.number, start, start + len(id_of(line)))


def hover(at: Opened, params: lsp.HoverParams) -> lsp.Hover | None:
    """Return what the entry at a position does, or why its init refuses it; None: it is at no entry."""
    line = at.line(params.position)
    if not line or not at.project.target.sysv:
        return None
    if line.problem:
        told = f"Never started: init refuses the line.\n{line.problem.reason}"
    else:
        entries = at.project.order.entries
        entry = next(entry for entry in entries if (entry.file, entry.line) == (at.path, line.number))
        told = explain(entry, at.project.order)
    shown = "\n".join(map(printable, told.split("\n")))
    return lsp.Hover(
        lsp.MarkupContent(lsp.MarkupKind.PlainText, shown),
        at.text.range(line.number, 1, len(line.text) + 1),
    )


def layout(at: Opened, _: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    """Return the edit that lays out a file. Raises NotDoneError if its init would read something else."""
    try:
        after = formatted(at.text.data, at.project.target).decode()
    except MeaningError as error:
        raise NotDoneError(f"not formatted: {error}") from None
    return [lsp.TextEdit(at.text.whole, after)] if after != at.text.source else []


def others(at: Opened, params: lsp.DefinitionParams) -> list[lsp.Location]:
    """Return where the id of an entry stands besides, the first first."""
    if not (line := at.line(params.position)):
        return []
    return [
        lsp.Location(at.uri_of(name), _id_range(other, at.text_of(name)))
        for name, other in at.project.lines_of(id_of(line))
        if (name, other.number) != (at.path, line.number)
    ]


def id_at(at: Opened, params: lsp.PrepareRenameParams | lsp.RenameParams) -> lsp.Range | None:
    """Return the range of the id at a position; None: something else is there."""
    line = at.line(params.position)
    if not line or not id_of(line):
        return None
    found, offset = _id_range(line, at.text), at.text.offset(params.position)
    return found if at.text.offset(found.start) <= offset <= at.text.offset(found.end) else None


def rename(at: Opened, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    """Return the edit that gives an entry another id. Raises NotDoneError if its init would refuse that."""
    place, name, text = id_at(at, params), params.new_name, at.text
    if not place:
        raise NotDoneError("no id is here")
    start, end = text.offset(place.start), text.offset(place.end)
    data = (text.source[:start] + name + text.source[end:]).encode(errors="replace")
    read = at.project.read(tuple((p, data if p == at.path else d) for p, d in at.project.files))
    line = next((line for line in read[at.path].lines if line.number == text.line(start)[0]), None)
    if not line or not line.entry or line.entry.id != name:
        reason = line.problem.reason if line and line.problem else "this would be no entry any more"
        raise NotDoneError(f"{printable(name)}: {reason}")
    for other, document in read.items():
        for problem in document.problems:
            if f'duplicate ID field "{printable(name)}"' in problem.reason:
                raise NotDoneError(f"{printable(name)}: {problem.reason} ({other})")
    return at.changed([lsp.TextEdit(place, name)])


def states(at: Opened, _: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    """Return behind each entry of the file what it is doing in the running init."""
    running = _running(at.project.pid)
    return [
        lsp.InlayHint(
            at.text.range(line.number, len(line.text) + 1, len(line.text) + 1).start,
            running[at.path, line.entry.id],
            padding_left=True,
        )
        for line in at.project.documents[at.path].lines
        if line.entry and (at.path, line.entry.id) in running
    ]


def _running(pid: int) -> dict[tuple[str, str], str]:
    """Return what each entry of the running init is doing, by its file and id; nothing if nobody says so."""
    try:
        _, published = looking.look(pid)
        return {
            (item.source[0], item.id): item.state.word + (f", pid {item.pid}" if item.pid else "")
            for item in items(published, 0.0)
            if item.source
        }
    except (looking.ForeignError, looking.CannotLookError, DamagedError, FormError, OSError):
        return {}
