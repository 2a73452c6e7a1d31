"""What may stand where the cursor is: actions, levels, terminals, paths, options of comments, rules."""

from __future__ import annotations

import os
import re

from lsprotocol import types as lsp

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import LEVELS, ON_DEMAND_LEVELS, Entry
from sysvinit_py.inittab.getty import DEV, GETTYS
from sysvinit_py.inittab.options import TABLES
from sysvinit_py.lint.command import TERMINAL
from sysvinit_py.lint.rules import RULES
from sysvinit_py.linux.beneath import Place
from sysvinit_py.report.explain import explain
from sysvinit_py.report.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lsp.project import Opened, Project

#: What makes an editor ask.
TRIGGERS = (":", "/", "=", " ")
_COMMENT = re.compile(r"[ \t]*#")
_OPTION = re.compile(r"[ \t]*#[ \t]*(\w[\w-]*):(?:.*[ \t])?([\w-]*)")
_RULE = re.compile(r".*inittab-lint[ \t]*:[ \t]*disable(?:-file)?=(?:.*,)?[ \t]*([\w-]*)")
#: A folder may hold more than anybody will read.
_MOST = 1000


def completions(at: Opened, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    """Return what may stand at a position."""
    project, text, position = at.project, at.text, params.position
    offset = text.offset(position)
    _, line, column = text.line(offset)
    before = line[:column]

    def item(
        label: str, begun: str, kind: lsp.CompletionItemKind, about: str = "", more: str = ""
    ) -> lsp.CompletionItem:
        there = lsp.Range(text.position(offset - len(begun)), position)
        return lsp.CompletionItem(
            label, kind=kind, detail=about or None, documentation=more or None,
            filter_text=label, text_edit=lsp.TextEdit(there, label),
        )  # fmt: skip

    if _COMMENT.match(before):
        return [item(*found) for found in _of_comment(before)]
    fields = before.split(":", 3)
    if len(fields) == 4:
        return [item(*found) for found in _of_process(project, fields[3])]
    if len(fields) == 3:
        begun = fields[2].lstrip()
        kind = lsp.CompletionItemKind.Keyword
        return [item(action, begun, kind, "", _does(action, fields[1])) for action in project.target.actions]
    if len(fields) == 2 and project.target.sysv:
        left = [level for level in LEVELS + ON_DEMAND_LEVELS if level not in fields[1]]
        return [item(level, "", lsp.CompletionItemKind.EnumMember) for level in left]
    return []


def _does(action: str, runlevels: str) -> str:
    """Return what an entry with an action does; nothing of an action that only BusyBox has."""
    order = Order([Entry("id", runlevels, action, "command")])
    return explain(order.entries[0], order) if action in ACTIONS else ""


_Found = tuple[str, str, lsp.CompletionItemKind, str]


def _of_comment(before: str) -> Iterator[_Found]:
    """Yield the rules that can be turned off, or the options of an entry or a file."""
    if rule := _RULE.fullmatch(before):
        for code, known in RULES.items():
            yield code, rule[1], lsp.CompletionItemKind.Constant, known.title
    elif (option := _OPTION.fullmatch(before)) and option[1] in TABLES:
        for name, row in TABLES[option[1]].items():
            label = f"{name}=" if row.expected else name
            yield label, option[2], lsp.CompletionItemKind.Property, row.expected


def _of_process(project: Project, process: str) -> Iterator[_Found]:
    """Yield files for a path, and terminals for a getty."""
    words = process.lstrip("+@").split(" ")
    word = words[-1].rpartition("<")[2].rpartition(">")[2]
    if len(words) > 1 and not word.startswith("/"):
        program = next(filter(None, words), "").rpartition("/")[2]
        if program in GETTYS or program in project.config.getty_names:
            for name in _names(project, DEV):
                if TERMINAL.fullmatch(name):
                    yield name, word.removeprefix(DEV), lsp.CompletionItemKind.Value, DEV + name
    elif word.startswith("/"):
        folder, _, begun = word.rpartition("/")
        for name, is_folder in _names(project, f"{folder}/").items():
            if is_folder:
                yield f"{name}/", begun, lsp.CompletionItemKind.Folder, ""
            elif not re.search(r"[\s:]", name):
                yield name, begun, lsp.CompletionItemKind.File, ""


def _names(project: Project, folder: str) -> dict[str, bool]:
    """Return the printable names in a folder of the image, or of this machine; and which are folders'."""
    root = project.root.folder if project.root else "/"
    try:
        names = Place(root, os.path.relpath(folder, "/"), image=bool(project.root)).names()
    except OSError:
        return {}
    return dict([(name, names[name]) for name in names if name.isprintable()][:_MOST])
