"""The server: pygls speaks with the editor, and the other modules of this package have the answers."""

from __future__ import annotations

import asyncio
import os

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from sysvinit_py import __version__
from sysvinit_py.cli import looking
from sysvinit_py.cli.options import UsageError
from sysvinit_py.inittab.sources import TOO_BIG
from sysvinit_py.lint.layout import MeaningError
from sysvinit_py.lsp import features
from sysvinit_py.lsp.completion import TRIGGERS, completions
from sysvinit_py.lsp.project import Project
from sysvinit_py.lsp.text import Text
from sysvinit_py.report.item import items
from sysvinit_py.report.slots import DamagedError, FormError
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sysvinit_py.lsp.project import Settings

    _Change = lsp.DidOpenTextDocumentParams | lsp.DidChangeTextDocumentParams | lsp.DidSaveTextDocumentParams

NAME = "inittab-lsp"
#: Seconds without a further keystroke, after which what was typed is checked.
PAUSE = 0.02


class Opened(Value):
    """A file of the editor's: its path, its text, and the inittab that it belongs to."""

    path: str
    text: Text
    project: Project


class Server(LanguageServer):
    """A language server, and what it knows of the open files."""

    def __init__(self, settings: Settings) -> None:
        # Whole texts: what ends a line for pygls ends none for an editor.
        super().__init__(NAME, __version__, lsp.TextDocumentSyncKind.Full)
        self.settings = settings
        self._projects: dict[str, Project] = {}
        self._due: asyncio.TimerHandle | None = None
        self._changed: set[str] = set()
        self._said: set[str] = set()

    def opened(self, document: lsp.TextDocumentIdentifier) -> Opened:
        """Return what is known of a file. Raises JsonRpcInvalidParams if nothing can be."""
        path = _path(document.uri)
        if path not in self._projects:
            texts = {_path(uri): self._text(uri).data for uri in self.workspace.text_documents}
            try:
                self._projects[path] = Project(path, texts, self.settings)
            except UsageError as error:
                self._say(str(error))
                raise JsonRpcInvalidParams(str(error)) from None
            for refused in self._projects[path].refused:
                self._say(refused)
        project = self._projects[path]
        if project.too_big:
            raise JsonRpcInvalidParams(TOO_BIG)
        return Opened(path, self.text_of(path, project), project)

    def _text(self, uri: str) -> Text:
        return Text(
            self.workspace.get_text_document(uri).source, self.workspace.position_codec.client_num_units
        )

    def text_of(self, path: str, project: Project) -> Text:
        """Return a file of an inittab: as the editor has it, or as it was read."""
        if (uri := self.uri(path)) in self.workspace.text_documents:
            return self._text(uri)
        data = dict(project.files).get(path, b"")
        return Text(data.decode(errors="replace"), self.workspace.position_codec.client_num_units)

    def uri(self, path: str) -> str:
        """Return how the editor names a file."""
        named = (uri for uri in self.workspace.text_documents if _path(uri) == path)
        return next(named, None) or uris.from_fs_path(path) or path

    def _say(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, what))

    def changed(self, uri: str) -> None:
        """Look again at a file, and at those read with it, when nothing has been typed for a moment."""
        path = _path(uri)
        for name in [name for name, project in self._projects.items() if path in dict(project.files)]:
            self._changed.add(name)
            del self._projects[name]
        self._changed.add(path)
        if self._due:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(PAUSE, self._publish)

    def _publish(self) -> None:
        for uri, document in self.workspace.text_documents.items():
            if _path(uri) not in self._changed:
                continue
            try:
                at = self.opened(lsp.TextDocumentIdentifier(uri))
                found = features.diagnostics(at.project, at.path, at.text, self.uri)
            except JsonRpcInvalidParams as error:
                start = lsp.Position(0, 0)
                found = [lsp.Diagnostic(lsp.Range(start, start), error.message, source=features.SOURCE)]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, document.version))
        self._changed.clear()


def _path(uri: str) -> str:
    return uris.to_fs_path(uri) or uri


def _word(kind: str | lsp.CodeActionKind) -> str:
    return kind.value if isinstance(kind, lsp.CodeActionKind) else kind


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


def serve(settings: Settings) -> None:
    """Serve an editor on standard input and output until it says exit, or is gone."""
    server = Server(settings)
    for method, (answer, options) in ANSWERS.items():
        server.feature(method, options)(answer)
    # pygls closes what it is given.
    server.start_io(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))


# pygls gives the server to what has a parameter ls.


def _changed(ls: Server, params: _Change) -> None:
    ls.changed(params.text_document.uri)


def _closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))
    ls.changed(params.text_document.uri)


def _fixes(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    at = ls.opened(params.text_document)
    found = features.quick_fixes(at.project, at.path, at.text, params.range, ls.uri)
    only = [_word(kind) for kind in params.context.only or ("",)]
    return [fix for fix in found if _word(fix.kind or "").startswith((*only,))]


def _complete(ls: Server, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    at = ls.opened(params.text_document)
    return completions(at.project, at.text, params.position)


def _hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    at = ls.opened(params.text_document)
    return features.hover(at.project, at.path, at.text, params.position)


def _layout(ls: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    at = ls.opened(params.text_document)
    try:
        return features.layout(at.project, at.text)
    except MeaningError as error:
        raise JsonRpcInvalidParams(f"not formatted: {error}") from None


def _symbols(ls: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    at = ls.opened(params.text_document)
    return features.symbols(at.project, at.path, at.text)


def _others(ls: Server, params: lsp.DefinitionParams) -> list[lsp.Location]:
    at = ls.opened(params.text_document)
    line = features.line_at(at.project, at.path, at.text, params.position)
    if not line:
        return []
    return features.others(at.project, at.path, line, lambda path: ls.text_of(path, at.project), ls.uri)


def _may_rename(ls: Server, params: lsp.PrepareRenameParams) -> lsp.Range | None:
    at = ls.opened(params.text_document)
    return features.id_at(at.project, at.path, at.text, params.position)


def _rename(ls: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    at = ls.opened(params.text_document)
    place = features.id_at(at.project, at.path, at.text, params.position)
    if not place:
        raise JsonRpcInvalidParams("no id is here")
    try:
        edit = features.rename(at.project, at.path, at.text, place, params.new_name)
    except features.RenameError as error:
        raise JsonRpcInvalidParams(str(error)) from None
    return lsp.WorkspaceEdit({params.text_document.uri: [edit]})


def _states(ls: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    at = ls.opened(params.text_document)
    return features.states(at.project, at.path, at.text, _running(ls.settings.pid))


#: What an editor can say or ask, who answers, and what it is told of that.
ANSWERS: dict[str, tuple[Callable[..., object], object]] = {
    lsp.TEXT_DOCUMENT_DID_OPEN: (_changed, None),
    lsp.TEXT_DOCUMENT_DID_CHANGE: (_changed, None),
    lsp.TEXT_DOCUMENT_DID_SAVE: (_changed, None),
    lsp.TEXT_DOCUMENT_DID_CLOSE: (_closed, None),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (
        _fixes,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, features.FIX_ALL]),
    ),
    lsp.TEXT_DOCUMENT_COMPLETION: (_complete, lsp.CompletionOptions(TRIGGERS)),
    lsp.TEXT_DOCUMENT_HOVER: (_hover, None),
    lsp.TEXT_DOCUMENT_FORMATTING: (_layout, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_symbols, None),
    lsp.TEXT_DOCUMENT_DEFINITION: (_others, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (_may_rename, None),
    lsp.TEXT_DOCUMENT_RENAME: (_rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_INLAY_HINT: (_states, None),
}
