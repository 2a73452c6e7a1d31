"""inittab lsp, asked by a client as editors have one: over a pipe, a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median

import pytest
import pytest_lsp
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient

from sysvinit_py.inittab.sources import MAX_BYTES
from tests.support.patience import PATIENCE
from tests.system.conftest import Boot

#: One server for all: it takes a second to start.
pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVER = [sys.executable, "-m", "sysvinit_py.clients.inittab.program", "lsp", "--target", "sysvinit_py"]


@pytest_lsp.fixture(config=ClientServerConfig(server_command=SERVER), scope="module")  # type: ignore[untyped-decorator]
async def editor(lsp_client: LanguageClient) -> AsyncIterator[None]:
    await lsp_client.initialize_session(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    yield
    await lsp_client.shutdown_session()


class File:
    """A file that is open in the editor."""

    def __init__(self, editor: LanguageClient, path: Path, text: str) -> None:
        self.editor, self.uri, self.text, self.version = editor, path.as_uri(), text, 1
        self.id = lsp.TextDocumentIdentifier(self.uri)
        item = lsp.TextDocumentItem(self.uri, "inittab", self.version, text)
        editor.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def type(self, text: str) -> None:
        self.version, self.text = self.version + 1, text
        self.editor.diagnostics.pop(self.uri, None)
        self.editor.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.version, self.uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def found(self, *codes: str) -> list[lsp.Diagnostic]:
        """Wait until exactly these rules find something."""
        until = time.monotonic() + 20 * PATIENCE
        while True:
            found = self.editor.diagnostics.get(self.uri)
            if found is not None and sorted(str(one.code) for one in found) == sorted(codes):
                return list(found)
            assert time.monotonic() < until, found
            await asyncio.sleep(0.002)

    def edited(self, edits: Sequence[lsp.TextEdit]) -> str:
        """Return the text with edits, of one line each, put in."""
        lines = self.text.split("\n")
        for edit in sorted(edits, key=lambda edit: edit.range.start.character, reverse=True):
            start, end = edit.range.start, edit.range.end
            assert start.line == end.line
            units = lines[start.line].encode("utf-16-le")
            before, after = units[: 2 * start.character], units[2 * end.character :]
            lines[start.line] = (before + edit.new_text.encode("utf-16-le") + after).decode("utf-16-le")
        return "\n".join(lines)


def at(line: int, character: int) -> lsp.Position:
    return lsp.Position(line, character)


def place(found: lsp.Diagnostic) -> tuple[int, int, int]:
    return found.range.start.line, found.range.start.character, found.range.end.character


GOOD = (
    "id:2:initdefault:\nrc:2:wait:/etc/rc 2\n1:2345:respawn:/sbin/agetty tty1\n"
    "~:S:wait:/sbin/sulogin\nsi::sysinit:/etc/rcS\nl0:06:wait:/etc/rc 0\nca::ctrlaltdel:/sbin/reboot\n"
)
#: The line after it.
NEXT = 7


async def test_it_says_what_is_wrong_and_where(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD + "a1:2:respwan:/bin/true\n")
    [found] = await file.found("INT107")
    assert place(found) == (NEXT, 5, 12)
    assert found.severity == lsp.DiagnosticSeverity.Error
    assert "did you mean respawn" in found.message
    file.type(GOOD)
    await file.found()


async def test_columns_are_the_editors(editor: LanguageClient, tmp_path: Path) -> None:
    """Guards against columns in characters: an editor counts UTF-16, and takes a CR for the end of a line."""
    text = GOOD + "# \U0001f40d\u2028\r\na1:2:wait:/bin/echo '\U0001f40d' \U0001f40d`\n"
    file = File(editor, tmp_path / "inittab", text.replace("\r\n", "\x0c\n") + "b1:2:respwan:/bin/true\n")
    found = next(one for one in await all_found(file) if one.code == "INT107")
    assert place(found) == (NEXT + 2, 5, 12)


async def test_a_repeated_id_leads_to_the_first_one_of_another_file(
    editor: LanguageClient, tmp_path: Path
) -> None:
    main = tmp_path / "inittab"
    main.write_text(GOOD)
    (tmp_path / "inittab.d").mkdir()
    (tmp_path / "inittab.d" / "more.tab").write_text("")
    file = File(editor, tmp_path / "inittab.d" / "more.tab", "x:2:once:/bin/true\nrc:2:once:/bin/true\n")
    [found] = await file.found("INT108")
    assert found.related_information
    assert found.related_information[0].location.uri == main.as_uri()
    there = await editor.text_document_definition_async(lsp.DefinitionParams(file.id, at(1, 1)))
    assert isinstance(there, list)
    assert [(one.uri, one.range.start.line) for one in there if isinstance(one, lsp.Location)] == [
        (main.as_uri(), 1)
    ]
    opened = File(editor, main, GOOD.replace("rc:", "r1:"))  # not saved yet
    await file.found()
    await opened.found()


async def test_quick_fixes(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD + "a1:2:respwan:/bin/true\n \u00e9\U0001f40d1:2:off:x\n")
    found = await all_found(file)
    actions = await editor.text_document_code_action_async(
        lsp.CodeActionParams(
            file.id,
            lsp.Range(at(NEXT, 6), at(NEXT, 6)),
            lsp.CodeActionContext(found, [lsp.CodeActionKind.QuickFix]),
        )
    )
    assert actions
    [fix] = [one for one in actions if isinstance(one, lsp.CodeAction)]
    assert fix.edit
    assert fix.edit.changes
    file.type(file.edited(fix.edit.changes[file.uri]))
    assert file.text.split("\n")[NEXT] == "a1:2:respawn:/bin/true"


async def test_all_safe_repairs_at_once(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD.replace("\n", "\r\n"))
    await all_found(file)
    everything = lsp.Range(at(0, 0), at(0, 0))
    context = lsp.CodeActionContext([], [lsp.CodeActionKind("source.fixAll")])
    actions = await editor.text_document_code_action_async(lsp.CodeActionParams(file.id, everything, context))
    assert actions
    [fix] = [one for one in actions if isinstance(one, lsp.CodeAction)]
    assert fix.edit
    assert fix.edit.changes
    [edit] = fix.edit.changes[file.uri]
    assert edit.new_text == GOOD
    assert edit.range.end == at(NEXT, 0)


@pytest.mark.parametrize(
    ("line", "expected", "unexpected"),
    [
        ("a1:2:", {"respawn", "wait", "ondemand"}, {"askfirst"}),
        ("a1:2:re", {"respawn"}, set()),
        ("a1:2", {"3", "S", "a"}, {"2"}),
        ("a1:2:wait:/et", {"etc/"}, set()),
        ("a1:2:wait:/etc/pass", {"passwd"}, set()),
        ("#inittab: lo", {"log", "grace="}, {"log-to="}),
        ("#inittab-file: lo", {"log-to="}, set()),
        ("# inittab-lint: disable=INT", {"INT107"}, set()),
        ("a", set(), set()),
    ],
)
async def test_completion(
    editor: LanguageClient, tmp_path: Path, line: str, expected: set[str], unexpected: set[str]
) -> None:
    text = GOOD + line
    file = File(editor, tmp_path / "inittab", text)
    found = await editor.text_document_completion_async(lsp.CompletionParams(file.id, at(NEXT, len(line))))
    assert isinstance(found, list)
    labels = {one.label for one in found}
    assert expected <= labels
    assert not unexpected & labels
    for one in found:
        assert isinstance(one.text_edit, lsp.TextEdit)
        assert one.text_edit.range.end == at(NEXT, len(line))
        assert one.text_edit.new_text == one.label
        if one.label == "respawn":
            assert "Started again whenever it ends" in str(one.documentation)
    if line.endswith("pass"):
        [passwd] = [one.text_edit for one in found if one.label == "passwd"]
        assert isinstance(passwd, lsp.TextEdit)
        assert passwd.range.start == at(NEXT, len("a1:2:wait:/etc/"))


async def test_hover_says_what_an_entry_does(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD + "b:2:bad:x\n")
    told = []
    for line in (2, NEXT, NEXT + 1):
        hover = await editor.text_document_hover_async(lsp.HoverParams(file.id, at(line, 3)))
        assert hover is None or isinstance(hover.contents, lsp.MarkupContent)
        told.append(hover.contents.value if hover and isinstance(hover.contents, lsp.MarkupContent) else "")
    assert "It waits for the end of rc in level 2" in told[0]
    assert "init refuses the line" in told[1]
    assert told[2] == ""


async def test_formatting(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD.replace("2345:respawn", "5432:Respawn") + "\n\n")
    options = lsp.DocumentFormattingParams(file.id, lsp.FormattingOptions(8, insert_spaces=False))
    edits = await editor.text_document_formatting_async(options)
    assert edits
    assert [edit.new_text for edit in edits] == [GOOD]
    file.type(GOOD)
    assert not await editor.text_document_formatting_async(options)


async def test_symbols(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", GOOD + "?::bad::\n")
    found = await editor.text_document_document_symbol_async(lsp.DocumentSymbolParams(file.id))
    assert found
    assert [one.name for one in found] == ["id", "rc", "1", "~", "si", "l0", "ca"]
    assert isinstance(found[1], lsp.DocumentSymbol)
    assert found[1].detail == "wait 2: /etc/rc 2"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("g1", ""), ("rc", "duplicate ID"), ("id", "duplicate ID"), ("toolong", "too long"), ("", "id field"),
     ("a:b", "unknown action"), ("#", "no entry"), ("a\nb", "missing action")],
)  # fmt: skip
async def test_rename(editor: LanguageClient, tmp_path: Path, name: str, reason: str) -> None:
    file = File(editor, tmp_path / "inittab", GOOD)
    ready = await editor.text_document_prepare_rename_async(lsp.PrepareRenameParams(file.id, at(2, 0)))
    assert ready == lsp.Range(at(2, 0), at(2, 1))
    params = lsp.RenameParams(file.id, at(2, 1), name)
    if name == "g1":
        edit = await editor.text_document_rename_async(params)
        assert edit
        assert edit.changes
        assert file.edited(edit.changes[file.uri]) == GOOD.replace("\n1:", "\ng1:")
    else:
        with pytest.raises(JsonRpcException, match=reason):
            await editor.text_document_rename_async(params)


async def test_only_an_id_can_be_renamed(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", "#1:2:off:\n" + GOOD)
    for place in (at(0, 1), at(2, 6)):
        assert (
            await editor.text_document_prepare_rename_async(lsp.PrepareRenameParams(file.id, place)) is None
        )


async def test_a_config_file_counts_and_a_wrong_one_is_told(editor: LanguageClient, tmp_path: Path) -> None:
    (tmp_path / ".inittab-lint.cfg").write_text("[inittab-lint]\nignore = INT1\n")
    file = File(editor, tmp_path / "inittab", GOOD + "a1:2:respwan:/bin/true\n")
    await file.found()
    (tmp_path / ".inittab-lint.cfg").write_text("[inittab-lint]\nignor = INT1\n")
    file.type(GOOD)
    [found] = await file.found("None")
    assert "unknown setting" in found.message


@pytest.mark.parametrize(
    "text", ["", "\n", "\0", ":::", "a" * 70_000, "\ud800:2:off:\n", "\r\r\n\r", "#inittab:"]
)
async def test_any_text_is_answered(editor: LanguageClient, tmp_path: Path, text: str) -> None:
    file = File(editor, tmp_path / "inittab", text)
    await all_found(file)
    for place in (at(0, 0), at(0, 2), at(7, 7)):
        assert isinstance(
            await editor.text_document_completion_async(lsp.CompletionParams(file.id, place)), list
        )
        await editor.text_document_definition_async(lsp.DefinitionParams(file.id, place))
        await editor.text_document_prepare_rename_async(lsp.PrepareRenameParams(file.id, place))
    await editor.text_document_document_symbol_async(lsp.DocumentSymbolParams(file.id))


async def test_a_file_that_init_does_not_read_for_its_size(editor: LanguageClient, tmp_path: Path) -> None:
    file = File(editor, tmp_path / "inittab", "#\n" * (MAX_BYTES // 2 + 1))
    [found] = await file.found("None")
    assert "too" in found.message


@pytest.mark.timed
async def test_an_answer_comes_while_one_types(editor: LanguageClient, tmp_path: Path) -> None:
    """A thousand lines: 100 ms from a keystroke to what is wrong, in the median."""
    text = GOOD + "".join(f"{i:03x}:2345:respawn:/usr/sbin/daemon --id {i}\n" for i in range(1000))
    file = File(editor, tmp_path / "inittab", text)
    await all_found(file)
    assert editor._server
    took = []
    for number in range(15):
        began = cpu_time(editor._server.pid)
        file.type(f"{text}zz{number}:2:respwan:/bin/true\n")
        await all_found(file)
        took.append(cpu_time(editor._server.pid) - began)
    assert median(took) < 0.1 * 2 * PATIENCE, took


BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"


def first_answer(command: Sequence[str]) -> float:
    """Return the seconds of a processor until the answer to initialize."""
    asked = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "capabilities": {}}}
    )
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(f"Content-Length: {len(asked)}\r\n\r\n{asked}".encode())
        server.stdin.flush()
        assert server.stdout.readline().startswith(b"Content-Length: ")
        took = cpu_time(server.pid)
        server.kill()
    return took


@pytest.mark.timed
async def test_the_first_answer_takes_no_longer_than_that_of_a_server_that_does_nothing() -> None:
    """The least of three each: Python, pygls and the protocol's classes take most of it in both."""
    ours, bare = (
        min(first_answer(command) for _ in range(3)) for command in (SERVER, [sys.executable, "-c", BARE])
    )
    assert ours < 1.1 * bare


def cpu_time(pid: int) -> float:
    """Seconds that a process has computed: others may be computing beside it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def all_found(file: File) -> list[lsp.Diagnostic]:
    """Wait for the answer to what was typed last."""
    until = time.monotonic() + 20 * PATIENCE
    while (found := file.editor.diagnostics.get(file.uri)) is None:
        assert time.monotonic() < until
        await asyncio.sleep(0.001)
    return list(found)


@pytest.mark.ours_only("C publishes nothing")
async def test_what_the_entries_of_the_running_init_are_doing(boot: Boot) -> None:
    text = "id:2:initdefault:\nr:2:respawn:/w R stay\nz:2:off:/w Z\n"
    system = boot(text)
    pid = system.witness.wait("R").pid
    client = await ClientServerConfig([*SERVER, "--pid", str(system.pid)]).start()
    assert isinstance(client, LanguageClient)
    await client.initialize_session(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    file = File(client, Path("/etc/inittab"), text)
    other = File(client, Path("/srv/inittab"), text)
    whole = lsp.Range(at(0, 0), at(3, 0))
    hints = await client.text_document_inlay_hint_async(lsp.InlayHintParams(file.id, whole))
    assert hints
    assert [(hint.position.line, hint.label) for hint in hints][1:] == [
        (1, f"running, pid {pid}"),
        (2, "disabled"),
    ]
    assert not await client.text_document_inlay_hint_async(lsp.InlayHintParams(other.id, whole))
    await client.shutdown_session()
