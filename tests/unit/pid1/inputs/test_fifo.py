"""The FIFO, in a folder of the test's."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from select import POLLIN, poll
from typing import Any

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1.inputs.fifo import CHUNK, Fifo
from sysvinit_py.protocol.initctl import SIZE, Bogus, Request, encode

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="init obeys only the FIFO of root")

GOOD = encode(Request(1, "3", 5))


class Kept(Fifo):
    """One that remembers what it has said."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        super().__init__(self.events_of, self.told.append, str(path))

    def events_of(self, request: Request | Bogus) -> list[Any]:
        return [request]

    def send(self, data: bytes) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)

    @property
    def disturbed(self) -> bool:
        """Whether the watch tells of a change."""
        waiting = poll()
        waiting.register(self.watch, POLLIN)
        return bool(waiting.poll(0))


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Kept]:
    fifo = Kept(tmp_path / "initctl")
    fifo.begin_watching()
    yield fifo
    fifo.shut()


def test_made_and_read(fifo: Kept) -> None:
    assert Path(fifo.path).is_fifo()
    assert Path(fifo.path).stat().st_mode & 0o777 == 0o600
    assert fifo.read() == []
    fifo.send(GOOD + GOOD)
    assert fifo.read() == [Request(1, "3", 5)] * 2
    assert fifo.read() == []
    assert not fifo.told


def test_kept_as_long_as_it_is_in_its_place(fifo: Kept) -> None:
    before = os.fstat(fifo.fd).st_ino
    fd = fifo.fd
    for _ in range(3):
        fifo.keep()
    assert (fifo.fd, os.fstat(fifo.fd).st_ino) == (fd, before)
    fifo.send(GOOD)
    fifo.read()
    assert not fifo.disturbed


@pytest.mark.parametrize("how", ["delete", "replace", "move"])
def test_made_anew(fifo: Kept, tmp_path: Path, how: str) -> None:
    path = Path(fifo.path)
    if how == "delete":
        path.unlink()
    elif how == "move":
        path.rename(tmp_path / "elsewhere")
    else:
        os.mkfifo(tmp_path / "new")
        (tmp_path / "new").rename(path)
    assert fifo.disturbed
    os.read(fifo.watch, 4096)
    fifo.keep()
    fifo.send(GOOD)
    assert fifo.read() == [Request(1, "3", 5)]
    assert not fifo.disturbed


def test_closed_and_reopened(fifo: Kept) -> None:
    fifo.shut()
    fifo.keep()
    assert (fifo.fd, fifo.watch) == (-1, -1)
    with pytest.raises(OSError, match="No such device or address"):
        fifo.send(GOOD)
    fifo.reopen()
    fifo.send(GOOD)
    assert len(fifo.read()) == 1


@pytest.mark.parametrize("kind", ["file", "directory", "socketless device"])
def test_what_is_no_fifo_is_told_once_and_watched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "initctl"
    if kind == "file":
        path.write_bytes(GOOD)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    fifo = Kept(path)
    fifo.begin_watching()
    for _ in range(3):
        fifo.keep()
    assert fifo.told == [f"{path} is not a fifo"]
    assert fifo.fd < 0
    path.rmdir() if kind == "directory" else path.unlink()
    assert fifo.disturbed
    fifo.keep()
    fifo.send(GOOD)
    assert len(fifo.read()) == 1
    fifo.shut()


@pytest.mark.parametrize("call", ["mkfifo", "open"])
def test_what_cannot_be_made_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: str
) -> None:
    def fails(path: str, *rest: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    fifo = Kept(tmp_path / "initctl")
    with monkeypatch.context() as patch:
        patch.setattr(calls, call, fails)
        fifo.keep()
        fifo.keep()
    assert fifo.told == [f"{fifo.path}: Read-only file system"]
    assert fifo.fd < 0
    fifo.keep()
    assert fifo.fd >= 0
    fifo.shut()


def test_works_without_inotify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(flags: int) -> int:
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(calls, "inotify_init1", fails)
    fifo = Kept(tmp_path / "initctl")
    fifo.keep()
    fifo.begin_watching()
    assert fifo.fd >= 0
    assert fifo.watch < 0
    Path(fifo.path).unlink()
    assert fifo.deadline is not None
    assert list(fifo.serve(set(), fifo.deadline)) == []
    fifo.send(GOOD)
    assert len(fifo.read()) == 1
    fifo.shut()


def test_the_loop_is_given_what_is_asked_for(fifo: Kept) -> None:
    """In the FIFO that is there now, if the watch tells that it is another one."""
    fifo.send(GOOD + GOOD)
    assert list(fifo.serve({fifo.watch}, 0.0)) == []
    assert list(fifo.serve({fifo.fd}, 0.0)) == [Request(1, "3", 5)] * 2
    Path(fifo.path).unlink()
    assert list(fifo.serve({fifo.watch}, 0.0)) == []
    assert fifo.wanted() == ((fifo.fd, POLLIN), (fifo.watch, POLLIN))
    fifo.send(GOOD)
    assert list(fifo.serve({fifo.fd}, 0.0)) == [Request(1, "3", 5)]


def test_bogus_bytes(fifo: Kept) -> None:
    fifo.send(b"garbage")
    assert fifo.read() == [Bogus()]
    fifo.send(b"garbage" + GOOD)
    assert fifo.read() == [Bogus(), Request(1, "3", 5)]


def test_a_flood_is_taken_in_parts(fifo: Kept) -> None:
    fifo.send(GOOD * (CHUNK // SIZE + 2))
    assert len(fifo.read()) == CHUNK // SIZE
    assert len(fifo.read()) == 2


def test_a_read_that_fails_is_followed_by_reopening(monkeypatch: pytest.MonkeyPatch, fifo: Kept) -> None:
    """Regression: it was closed until something else happened, and the request was lost."""

    def fails(fd: int, size: int) -> bytes:
        raise OSError(errno.EIO, "")

    with monkeypatch.context() as patch:
        patch.setattr(calls, "read", fails)
        fifo.send(GOOD)
        assert fifo.read() == []
    assert fifo.read() == [Request(1, "3", 5)]


def test_what_is_in_the_fifo_outlives_reopening(tmp_path: Path) -> None:
    """Regression: with the old end closed first, a request sent at that moment was lost."""
    fifo = Kept(tmp_path / "initctl")
    fifo.keep()
    fifo.send(GOOD)
    fifo.reopen()
    assert fifo.read() == [Request(1, "3", 5)]
    fifo.shut()
