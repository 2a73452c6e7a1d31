"""Lines of several sources on one descriptor, and to syslog."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from sysvinit_py.linux import syslog
from sysvinit_py.logs.sinks import PIPE_BUF, Json, Output, Prefix, ToSyslog

STAMP = b"2026-11-26T08:44:35.293480Z"


def test_prefix() -> None:
    prefix = Prefix("web")
    assert prefix([b"one\n", b"\n"]) == b"web | one\nweb | \n"


def test_prefix_of_a_line_in_pieces() -> None:
    prefix = Prefix("web")
    assert prefix([b"xx"]) == b"web | xx\n"
    assert prefix([b"yy\n", b"z\n"]) == b"web + yy\nweb | z\n"


def test_json() -> None:
    lines = Json(id="web", pid=7)([b'"\xc3\xa9\t\n'], STAMP).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"time": STAMP.decode(), "id": "web", "pid": 7, "line": '"é\t'}
    ]


def test_json_without_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """python3-minimal has no json module: what is written is the same."""
    text = "".join(map(chr, [*range(0x180), 0x2028, 0xFFFF, 0x1F600])).replace("\n", "").encode()
    usual = Json(id='"\n', pid=7)([text + b"\n"], STAMP)
    monkeypatch.setitem(sys.modules, "_json", None)
    assert Json(id='"\n', pid=7)([text + b"\n"], STAMP) == usual
    assert json.loads(usual)["line"].encode() == text


def test_a_name_that_is_not_utf_8_is_json_all_the_same() -> None:
    """An entry may have such an id."""
    written = Json(id=os.fsdecode(b"a\xff"), pid=7)([b"x\n"], STAMP)
    assert json.loads(written)["id"] == "a\ufffd"


def test_json_marks_what_is_not_utf8_and_what_goes_on() -> None:
    written = Json(id="w")([b"a\xff", b"b\n", b"\xfe\n"], STAMP)
    first, second, third = map(json.loads, written.splitlines())
    assert (first["line"], b64decode(first["line_raw"]), first["partial"]) == ("a\ufffd", b"a\xff", True)
    assert (second["line"], "partial" in second, "line_raw" in second) == ("b", False, False)
    assert b64decode(third["line_raw"]) == b"\xfe"
    assert "partial" not in third


def test_output_writes_what_there_is_room_for_and_never_blocks() -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BUF)
    output = Output(write)
    data = bytes(range(256)) * 40
    assert output.write(data)
    stuck = output.busy
    assert stuck
    assert not output.write(b"more")
    got = os.read(read, 1 << 16)
    while not output.flush():
        got += os.read(read, 1 << 16)
    got += os.read(read, 1 << 16)
    assert output.write(b"more")
    os.close(write)
    got += os.read(read, 1 << 16)
    os.close(read)
    assert got == data + b"more"


def test_output_leaves_the_flags_alone_and_bears_a_descriptor_that_does_not_block() -> None:
    """Guards the rule that O_NONBLOCK is for all holders: others may have set it, we do not."""
    ours, theirs = socket.socketpair()
    flags = fcntl.fcntl(ours, fcntl.F_GETFL)
    output = Output(ours.fileno())
    assert output.write(b"x")
    assert fcntl.fcntl(ours, fcntl.F_GETFL) == flags
    ours.close()
    theirs.close()


def test_output_that_would_block_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def would_block(fd: int, data: bytes) -> int:
        raise BlockingIOError

    with Path("/dev/null").open("wb") as null:
        output = Output(null.fileno())
        with monkeypatch.context() as patch:
            patch.setattr("sysvinit_py.linux.calls.write", would_block)
            assert output.write(b"x")
            assert output.busy
        assert output.flush()


def test_output_whose_reader_is_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError):
        Output(write).write(b"x")
    os.close(write)


def test_syslog_has_the_name_as_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "PATH", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        sink = ToSyslog("web")
        sink.write([b"one\n", b"\xfftwo"])
        assert daemon.recv(100).endswith(b" web: one")
        assert daemon.recv(100).endswith(b" web: \\xfftwo")
        sink.close()


def test_syslog_that_takes_nothing_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "PATH", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        sink = ToSyslog("web")
        sink.write([b"x" * 900 + b"\n"] * 5000)
        sink.close()
