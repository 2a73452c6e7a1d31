"""The inittab that a file of the editor's belongs to, read as init reads it, with what is not saved yet."""

from __future__ import annotations

import os
from functools import cached_property

from lsprotocol import types as lsp

from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.lint.check import check
from sysvinit_py.lint.config import Config, find_config, read_config
from sysvinit_py.lint.reading import read
from sysvinit_py.lint.root import Root
from sysvinit_py.lint.selection import chosen
from sysvinit_py.lint.sources import single, sources
from sysvinit_py.lint.targets import TARGETS, guess
from sysvinit_py.report.order import Order
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.inittab.parser import Document, Line
    from sysvinit_py.lint.finding import Finding
    from sysvinit_py.lint.fixes import Files
    from sysvinit_py.lsp.text import Text


class Settings(Value):
    """What the command line says; else a config file says it, or the target is guessed."""

    target: str = ""
    root: str = ""
    pid: int = 1  # the init whose state is shown


class Project:
    """One inittab with the files that init reads with it. Raises UsageError for settings that are wrong."""

    def __init__(self, path: str, opened: Mapping[str, bytes], settings: Settings) -> None:
        self.pid = settings.pid
        self.refused: list[str] = []  # config files that are not used, and why
        folder = os.path.dirname(path)
        found = find_config(folder, self.refused) if os.path.isdir(folder) else ""
        self.config = read_config(found, trusted=False) if found else Config()
        root = settings.root or self.config.root
        self.root = Root(root) if root else None
        read_together, _ = sources([path], root, path)
        source = read_together[0] if read_together else single(path, opened.get(path, b""))
        self.files: Files = tuple((name, opened.get(name, data)) for name, data in source.files)
        self.is_fragment = self.config.fragment or source.fragment
        self._exposed = source.exposed()
        self.target = TARGETS.get(settings.target or self.config.target) or guess(self.files[0][1])

    @property
    def too_big(self) -> bool:
        """Whether init would not read it, and nobody else should."""
        return sum(len(data) for _, data in self.files) > MAX_BYTES

    def check(self, files: Files) -> list[Finding]:
        """Return what the linter finds in these files, instead of those that there are."""
        return check(
            files,
            self.target,
            fragment=self.is_fragment,
            root=self.root,
            codes=chosen(self.config.select, self.config.ignore),
            exposed=self._exposed,
            gettys=self.config.getty_names,
        )

    @cached_property
    def findings(self) -> list[Finding]:
        """What the linter finds."""
        return [] if self.too_big else self.check(self.files)

    @cached_property
    def documents(self) -> dict[str, Document]:
        """Each file as the target reads it, by path."""
        return self.read(self.files)

    @cached_property
    def order(self) -> Order:
        """The entries of all files, and what is started when."""
        return Order(entry for document in self.documents.values() for entry in document.entries)

    def read(self, files: Files) -> dict[str, Document]:
        """Return these files as the target reads them, by path."""
        seen: dict[str, Entry] = {}
        return {path: read(data, path, self.target, seen) for path, data in files}

    def lines_of(self, entry_id: str) -> Iterator[tuple[str, Line]]:
        """Yield the path and the line of each entry with this id, those that init refuses too."""
        for path, document in self.documents.items():
            for line in document.lines:
                if line.kind in ("entry", "refused") and id_of(line) == entry_id:
                    yield path, line


class Opened(Value):
    """A file of the editor's: its path, its text, and the inittab that it belongs to."""

    path: str
    text: Text
    project: Project
    uri_of: Callable[[str], str]  # of any file
    text_of: Callable[[str], Text]  # of a file of the inittab

    @property
    def findings(self) -> list[Finding]:
        """What the linter finds in this file."""
        return [finding for finding in self.project.findings if finding.path == self.path]

    def line(self, position: lsp.Position) -> Line | None:
        """Return the line at a position that is an entry, or refused."""
        number = self.text.line(self.text.offset(position))[0]
        lines = self.project.documents[self.path].lines if self.path in self.project.documents else ()
        found = (line for line in lines if line.number == number and line.kind in ("entry", "refused"))
        return next(found, None)

    def changed(self, edits: list[lsp.TextEdit]) -> lsp.WorkspaceEdit:
        """Return these edits of this file."""
        return lsp.WorkspaceEdit({self.uri_of(self.path): edits})


def id_of(line: Line) -> str:
    """Return what stands where the id of an entry belongs."""
    return line.entry.id if line.entry else line.text.lstrip(" \t").partition(":")[0]
