"""The file of the compiled copy: written as a whole, and believed only where nobody but root can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.pid1 import copy, kernel

COPY = b"a copy" * 1000


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "inittab.compiled")


root = pytest.mark.skipif(os.geteuid() != 0, reason="only files of root are believed")


@root
def test_what_is_saved_is_loaded(path: str) -> None:
    assert copy.save(COPY, path)
    assert copy.load(path) == COPY
    assert os.listdir(os.path.dirname(path)) == ["inittab.compiled"]


def test_none_is_there(path: str) -> None:
    assert copy.load(path) == b""


@root
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_others_may_write_it(path: str, mode: int) -> None:
    copy.save(COPY, path)
    os.chmod(path, mode)
    assert copy.load(path) == b""


@root
def test_it_belongs_to_somebody_else(path: str) -> None:
    copy.save(COPY, path)
    os.chown(path, 65534, -1)
    assert copy.load(path) == b""


@root
def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    copy.save(COPY, str(tmp_path / "other"))
    os.symlink("other", path)
    assert copy.load(path) == b""


def test_it_is_no_file(path: str) -> None:
    os.mkfifo(path)
    assert copy.load(path) == b""


def test_it_cannot_be_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.save(COPY, path)
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(kernel, "read", fails)
    assert copy.load(path) == b""
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_it_cannot_be_written(path: str, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.save(b"before", path)
    monkeypatch.setattr(kernel, call, fails)
    assert not copy.save(COPY, path)
    monkeypatch.undo()
    assert Path(path).read_bytes() == b"before"


def fails(*_: object) -> None:
    raise OSError(28, "No space left on device")
