"""The server: pygls speaks with the editor, and the other modules of this package have the answers."""

from __future__ import annotations

import asyncio
import os

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from sysvinit_py import __version__
from sysvinit_py.cli.options import UsageError
from sysvinit_py.inittab.sources import TOO_BIG
from sysvinit_py.lsp import features
from sysvinit_py.lsp.completion import TRIGGERS, completions
from sysvinit_py.lsp.project import Opened, Project
from sysvinit_py.lsp.text import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sysvinit_py.lsp.project import Settings

    _Change = lsp.DidOpenTextDocumentParams | lsp.DidChangeTextDocumentParams | lsp.DidSaveTextDocumentParams

NAME = "inittab-lsp"
#: Seconds without a further keystroke, after which what was typed is checked.
PAUSE = 0.02


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

        def text_of(path: str) -> Text:
            """Return a file of the inittab: as the editor has it, or as it was read."""
            if (uri := self._uri(path)) in self.workspace.text_documents:
                return self._text(uri)
            return self._as_text(dict(project.files).get(path, b"").decode(errors="replace"))

        return Opened(path, text_of(path), project, self._uri, text_of)

    def _text(self, uri: str) -> Text:
        return self._as_text(self.workspace.get_text_document(uri).source)

    def _as_text(self, source: str) -> Text:
        return Text(source, self.workspace.position_codec.client_num_units)

    def _uri(self, path: str) -> str:
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
                found = features.diagnostics(self.opened(lsp.TextDocumentIdentifier(uri)))
            except JsonRpcInvalidParams as error:
                start = lsp.Position(0, 0)
                found = [lsp.Diagnostic(lsp.Range(start, start), error.message, source=features.SOURCE)]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, document.version))
        self._changed.clear()


def _path(uri: str) -> str:
    return uris.to_fs_path(uri) or uri


def serve(settings: Settings) -> None:
    """Serve an editor on standard input and output until it says exit, or is gone."""
    server = Server(settings)
    for method in CHANGES:
        server.feature(method)(_changed)
    server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    for method, (answer, options) in ANSWERS.items():
        server.feature(method, options)(_answering(answer))
    # pygls closes what it is given.
    server.start_io(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))


# pygls gives the server to what has a parameter ls.


def _changed(ls: Server, params: _Change) -> None:
    ls.changed(params.text_document.uri)


def _closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))
    ls.changed(params.text_document.uri)


def _answering(answer: Callable[[Opened, Any], object]) -> Callable[[Server, Any], object]:
    def answer_of_server(ls: Server, params: Any) -> object:
        try:
            return answer(ls.opened(params.text_document), params)
        except features.NotDoneError as error:
            raise JsonRpcInvalidParams(str(error)) from None

    return answer_of_server


CHANGES = (lsp.TEXT_DOCUMENT_DID_OPEN, lsp.TEXT_DOCUMENT_DID_CHANGE, lsp.TEXT_DOCUMENT_DID_SAVE)
#: What an editor can ask, who answers, and what it is told of that.
ANSWERS: dict[str, tuple[Callable[[Opened, Any], object], object]] = {
    lsp.TEXT_DOCUMENT_CODE_ACTION: (
        features.quick_fixes,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, features.FIX_ALL]),
    ),
    lsp.TEXT_DOCUMENT_COMPLETION: (completions, lsp.CompletionOptions(TRIGGERS)),
    lsp.TEXT_DOCUMENT_HOVER: (features.hover, None),
    lsp.TEXT_DOCUMENT_FORMATTING: (features.layout, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (features.symbols, None),
    lsp.TEXT_DOCUMENT_DEFINITION: (features.others, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (features.id_at, None),
    lsp.TEXT_DOCUMENT_RENAME: (features.rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_INLAY_HINT: (features.states, None),
}
