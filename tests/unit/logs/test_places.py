"""Where output goes: which folder, in which form, and what happens while that is not possible."""

from __future__ import annotations

import json
import os
import posix
import re
import socket
import time
from collections.abc import Iterator
from errno import EACCES, EPIPE
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry, EntryOptions, FileOptions
from sysvinit_py.linux import calls, syslog
from sysvinit_py.logs import places
from sysvinit_py.logs.places import Sink, Spec
from sysvinit_py.logs.sinks import Output

STAMP = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ", re.M)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /run/inittab/log."""
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(places, "RUN", str(tmp_path / "run" / "log"))
    monkeypatch.setattr(places, "_SIZE_IN_MEMORY", (1 << 16, 1))
    return tmp_path / "run" / "log"


@pytest.fixture
def warned() -> list[str]:
    return []


class Opened:
    """Sinks, which are closed after the test."""

    def __init__(self, warned: list[str]) -> None:
        self.warned, self.sinks = warned, list[Sink]()
        self.read_end, write_end = os.pipe()
        self.output = Output(write_end)

    def __call__(self, to: str | Path, entry: str = "web", **fields: Any) -> Sink:
        spec = Spec(entry, str(to), **{"size": 1 << 16, "keep": 2, **fields})
        made = places.sink(spec, self.output, self.warned.append)
        self.sinks.append(made)
        return made

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()
        for fd in (self.read_end, self.output.fd):
            os.close(fd)


@pytest.fixture
def opened(warned: list[str]) -> Iterator[Opened]:
    opened = Opened(warned)
    yield opened
    opened.close()


def due(sink: Sink) -> float | None:
    return sink.deadline


def put(sink: Sink, *pieces: bytes) -> None:
    for piece in pieces:
        assert sink.flush()
        sink.write(piece)


OPTIONS = EntryOptions("log", log=True, size=5, keep=6)


@pytest.mark.parametrize(
    ("options", "of_file", "to", "form", "size", "keep"),
    [
        (EntryOptions("log", log=True), None, "/run/inittab/log", "", 1 << 16, 1),
        (OPTIONS, FileOptions("", log="json"), "/run/inittab/log", "json", 5, 6),
        (EntryOptions("log", log=True), FileOptions("", log_to="/x"), "/x", "", 1_000_000, 10),
        (OPTIONS, FileOptions("", log_to="syslog"), "syslog", "", 5, 6),
    ],
)
def test_what_the_inittab_says(
    options: EntryOptions, of_file: FileOptions | None, to: str, form: str, size: int, keep: int
) -> None:
    entry = Entry("w", "2", "respawn", "x", "/etc/inittab", 1, options=options)
    spec = places.spec(entry, {"/etc/inittab": of_file} if of_file else {})
    assert spec == Spec("w", to, form, size, keep)
    assert spec.folder == f"{to}/w"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("web", "web"),
        ("~~", "~~"),
        ("..", "%2E%2E"),
        ("a/b", "a%2Fb"),
        ("\udcff ", "%FF%20"),
        ("%41", "%2541"),
    ],
)
def test_no_id_leads_out_of_the_folder(entry: str, name: str) -> None:
    """Ids are anybody's text: ``..`` and ``/`` would write elsewhere."""
    assert places.folder_name(entry) == name


@pytest.mark.parametrize(
    ("form", "expected"),
    [("", b"STAMP a\nSTAMP b"), ("raw", b"a\nb"), ("prefix", b"STAMP web | a\nSTAMP web | b")],
)
def test_forms_in_a_folder(opened: Opened, run: Path, tmp_path: Path, form: str, expected: bytes) -> None:
    """What has no newline is there, too: a prompt, or all that there is if the logger is killed."""
    put(opened(tmp_path / "logs", form=form), b"a\n", b"b", b"")
    content = (tmp_path / "logs/web/current").read_bytes()
    assert STAMP.sub(b"STAMP ", content) == expected
    assert os.readlink(run / "web") == str(tmp_path / "logs/web")


def test_json_in_a_folder(opened: Opened, run: Path, tmp_path: Path) -> None:
    put(opened(tmp_path / "logs", form="json"), b"a\nb", b"", b"")
    lines = [json.loads(line) for line in (tmp_path / "logs/web/current").read_text().splitlines()]
    assert [(line["id"], line["line"]) for line in lines] == [("web", "a"), ("web", "b")]


def test_who_continues_a_log_goes_on_in_the_midst_of_a_line(
    opened: Opened, run: Path, warned: list[str]
) -> None:
    """Guards against a torn line, and a file more, each time that the logger is killed."""
    first = opened(run)
    put(first, b"one\ntw")
    os.close(first._folder._lock)  # type: ignore[attr-defined]
    first._folder._lock = -1  # type: ignore[attr-defined]
    put(opened(run), b"o\nthree\n")
    assert STAMP.sub(b"", (run / "web/current").read_bytes()) == b"one\ntwo\nthree\n"
    assert not warned


def test_a_log_of_before_the_boot_is_set_aside(opened: Opened, run: Path, tmp_path: Path) -> None:
    """It may be torn, as svlogd has it: nobody knows how the machine went down."""
    (tmp_path / "logs/web").mkdir(parents=True)
    (tmp_path / "logs/web/current").write_text("torn")
    (tmp_path / "logs/web/current").chmod(0o644)
    put(opened(tmp_path / "logs"), b"new\n")
    assert [path.read_text() for path in (tmp_path / "logs/web").glob("@*.u")] == ["torn"]


def test_a_folder_that_cannot_be_made_is_tried_again(
    opened: Opened, run: Path, tmp_path: Path, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """/var may not be mounted yet: what comes waits in its pipe, and that is reported once."""
    sink = opened(tmp_path / "var/logs")
    assert not sink.flush()
    assert not sink.flush()
    assert due(sink)
    assert warned == [f"{tmp_path}/var/logs/web: No such file or directory"]
    (tmp_path / "var").mkdir()
    later = time.monotonic() + 9
    monkeypatch.setattr(time, "monotonic", lambda: later)
    put(sink, b"a\n")
    assert warned[1:] == [f"{tmp_path}/var/logs/web: opened"]


def test_two_do_not_write_the_same_log(opened: Opened, run: Path, warned: list[str]) -> None:
    assert opened(run).flush()
    assert not opened(run).flush()
    assert warned == [f"{run}/web: somebody else writes to it"]


def test_a_log_moves(opened: Opened, run: Path, tmp_path: Path) -> None:
    """What was in memory stays; where it is now is seen. And once more, from one folder to another."""
    put(opened(run), b"a\n")
    for name in ("one", "two", "two"):
        opened.sinks[-1].close()
        put(opened(tmp_path / name), b"b\n")
        assert os.readlink(run / "web") == str(tmp_path / name / "web")
    assert [path.name[:4] for path in run.iterdir() if path.is_dir() and not path.is_symlink()] == ["web."]


def test_where_it_is_cannot_always_be_shown(opened: Opened, run: Path, tmp_path: Path) -> None:
    """/run may be read-only: that is of no concern to the log."""
    run.parent.rmdir()
    put(opened(tmp_path / "logs"), b"a\n")
    assert (tmp_path / "logs/web/current").exists()


@pytest.mark.parametrize(
    ("form", "expected"), [("", b"web | a\nweb | b\n"), ("prefix", b"web | a\nweb | b\n"), ("raw", b"a\nb\n")]
)
def test_to_standard_output(opened: Opened, form: str, expected: bytes) -> None:
    """A line that is not complete waits: it would be in the midst of others."""
    sink = opened("stdout", form=form)
    put(sink, b"a\nb", b"")
    assert os.read(opened.read_end, 1000) == expected
    assert due(sink) is None


def test_json_to_standard_output(opened: Opened) -> None:
    put(opened("stdout", form="json"), b"a\n")
    assert json.loads(os.read(opened.read_end, 1000))["line"] == "a"


def test_standard_output_that_takes_no_more_is_waited_for(opened: Opened) -> None:
    sink = opened("stdout", form="raw")
    while sink.flush():
        sink.write(b"x" * 60_000 + b"\n")
    assert due(sink)
    os.read(opened.read_end, 1 << 20)
    assert sink.flush()


def test_standard_output_that_nobody_reads_is_no_reason_to_end(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(EPIPE, "broken")

    monkeypatch.setattr(calls, "write", broken)
    sink = opened("stdout")
    put(sink, b"a\n", b"b\n")
    opened.output._pending = b"x"
    assert sink.flush()


def test_to_syslog_once_it_is_there(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, what comes is left in the pipe; but not forever, as there may never be a daemon."""
    path = str(tmp_path / "dev-log")
    monkeypatch.setattr(places, "SYSLOG", path)
    monkeypatch.setattr(syslog, "PATH", path)
    late, sink = opened("syslog"), opened("syslog")
    assert not sink.flush()
    assert due(sink)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(path)
        put(sink, b"a\nb", b"")
        assert due(sink) is None
        assert [daemon.recv(100).decode().rpartition("web: ")[2] for _ in range(2)] == ["a", "b"]
    os.unlink(path)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert late.flush()


def test_who_may_read(opened: Opened, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chowned: list[tuple[int, int]] = []
    monkeypatch.setattr(posix, "chown", lambda path, *ids: chowned.append(ids))
    groups = {"group": "root:x:0:\nadm:x:4:x\n", "none": "root:x:0:\n", "odd": "adm:x:\n"}
    for name, content in groups.items():
        (tmp_path / name).write_text(content)
        monkeypatch.setattr(places, "GROUPS", str(tmp_path / name))
        assert opened(run, entry=name).flush()
        assert (run / name).stat().st_mode & 0o777 == 0o750
    monkeypatch.setattr(places, "GROUPS", str(tmp_path / "missing"))
    assert opened(run, entry="m").flush()
    assert chowned == [(-1, 4), (-1, -1), (-1, -1), (-1, -1)]


def test_an_error_at_the_end_is_no_error(opened: Opened, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = opened(run)
    put(sink, b"a\n")

    def refused(*_: object) -> None:
        raise OSError(EACCES, "refused")

    with monkeypatch.context() as patch:
        patch.setattr(posix, "fsync", refused)
        sink.close()


def test_what_takes_anything() -> None:
    sink = Sink()
    assert sink.flush()
    sink.write(b"a")
    sink.close()
    assert due(sink) is None
