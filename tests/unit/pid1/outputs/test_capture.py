"""The pipes of entries that have logs, and the process that reads them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from errno import EAGAIN, EIO, EMFILE
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry, EntryOptions, FileOptions
from sysvinit_py.linux import calls
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine.limits import REST, STARTS_ALLOWED
from sysvinit_py.pid1.outputs import capture as module
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.capture import Capture
from sysvinit_py.pid1.outputs.console import Console
from sysvinit_py.pid1.outputs.spawn import CONSOLE
from sysvinit_py.report import pipes
from sysvinit_py.simulator.world import World
from tests.unit.machine.machine_world import do

#: Where it is no matter which descriptors the tests have open.
FD = 263
FILES = (("inittab", FileOptions("log-to=/x", log_to="/x")),)
LOGGED = EntryOptions("log", log=True)


def entry(name: str = "web", options: EntryOptions = LOGGED) -> Entry:
    return Entry(name, "2", "respawn", "x", "inittab", 1, options=options)


class Captured:
    """A Capture, and what it has done."""

    def __init__(self) -> None:
        self.world = World("id:2:initdefault:\nweb:2:respawn:x\n")
        self.world.boot()
        self.said: list[str] = []
        self.started: list[list[str]] = []
        self.signals: list[tuple[int, int]] = []
        self.error: Exception | None = None
        self.files: tuple[tuple[str, FileOptions], ...] | None = FILES
        self.capture = self.made()

    def made(self) -> Capture:
        return Capture(
            "/sbin/init", lambda: self.world.machine, {}, Console({}), self.said.append, lambda: self.files
        )

    def run(self, argv: list[str], environment: dict[str, str], console: Console) -> int:
        if self.error:
            raise self.error
        self.started.append(argv)
        return 4000 + len(self.started)

    def output(self, name: str = "web", stage: str = "2", owns: bool = False, **fields: Any) -> int:
        order = fx.Start((name, "respawn", 0), entry(name, **fields), stage, owns, stage, "N", ())
        return self.capture.output(order)

    def serve(self, now: float = 100.0) -> None:
        self.capture.serve(set(), now)

    def kept(self) -> list[pipes.Pipe]:
        return list(self.capture._pipes.values())

    def due(self) -> float | None:
        return self.capture.deadline

    def table(self) -> pipes.Table:
        return pipes.decode(os.pread(FD, 1 << 20, 0))

    def reread(self, *entries: Entry) -> None:
        """Another inittab is read, and init's turn ends."""
        self.world.inittab = entries
        do(self.world, "telinit q")
        self.capture.write()


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Captured]:
    monkeypatch.setattr(pipes, "FD", FD)
    captured = Captured()
    monkeypatch.setattr(spawn, "run", captured.run)
    monkeypatch.setattr(calls, "kill", lambda pid, number: captured.signals.append((pid, number)))
    before = set(os.listdir("/proc/self/fd"))
    yield captured
    for fd in set(os.listdir("/proc/self/fd")) - before:
        calls.close(int(fd))


def test_a_pipe_that_init_holds_both_ends_of(captured: Captured) -> None:
    fd = captured.output()
    os.write(fd, b"kept")
    status = os.fstat(fd)
    assert stat.S_ISFIFO(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o622  # who runs as another user opens /dev/stdout
    assert not os.get_inheritable(fd)
    assert not os.get_inheritable(FD)
    assert captured.table() == pipes.Table((pipes.Pipe(entry(), fd, status.st_ino),), FILES, 0)
    assert captured.output() == fd
    assert captured.output("db") not in (fd, CONSOLE)


def test_who_has_the_console(captured: Captured) -> None:
    """Without the option, as leader of the console's session, and in levels in which all is ended."""
    assert captured.output(options=EntryOptions()) == CONSOLE
    assert captured.output(owns=True, stage="S") == CONSOLE
    assert captured.output(stage="6") == CONSOLE
    assert captured.due() is None
    assert captured.kept() == []


def test_the_logger_is_started_with_the_first_pipe_and_again(captured: Captured) -> None:
    captured.output()
    assert captured.due() == 0.0
    captured.serve()
    assert captured.started == [["/sbin/init", "--logger"]]
    assert captured.table().logger == 4001
    captured.output("db")
    assert captured.signals[-1] == (4001, calls.SIGWINCH)
    assert captured.due() is None
    captured.capture.child_exited(17)
    assert captured.due() is None
    captured.capture.child_exited(4001)
    assert captured.due() == 0.0
    captured.serve()
    assert captured.table().logger == 4002
    captured.serve()
    assert len(captured.started) == 2


def test_a_logger_that_ends_again_and_again_rests(captured: Captured) -> None:
    """What is started meanwhile has the console, as nobody would read the pipe."""
    captured.output()
    for number in range(STARTS_ALLOWED):
        captured.serve()
        captured.capture.child_exited(4001 + number)
    captured.serve(110.0)
    assert len(captured.started) == STARTS_ALLOWED
    assert captured.due() == 110.0 + REST
    assert captured.output() == CONSOLE
    assert len(captured.said) == 1
    captured.serve(110.0 + REST)
    assert len(captured.started) == STARTS_ALLOWED + 1
    assert captured.output() != CONSOLE


def test_no_logger_in_a_level_in_which_all_is_ended(captured: Captured) -> None:
    """It would keep /var from being unmounted."""
    captured.output()
    do(captured.world, "telinit 0")
    captured.serve()
    assert captured.started == []
    do(captured.world, "telinit 2")
    captured.output()
    captured.serve()
    assert len(captured.started) == 1


def test_a_logger_that_cannot_be_started_is_tried_again(captured: Captured) -> None:
    captured.output()
    captured.error = OSError(EAGAIN, "no process")
    captured.serve(5.0)
    captured.serve(6.0)
    assert captured.due() == 7.0
    assert captured.said == ["cannot start the logger: [Errno 11] no process"]


@pytest.mark.parametrize("call", ["pipe2", "open", "fchmod", "fstat", "pwrite", "memfd_create", "dup2"])
def test_who_cannot_have_a_pipe_has_the_console(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = os.listdir("/proc/self/fd")

    def refused(*_: object, **__: object) -> int:
        raise OSError(EMFILE, "refused")

    with monkeypatch.context() as patch:
        patch.setattr(calls, call, refused)
        assert captured.output() == CONSOLE
        assert captured.output() == CONSOLE
    assert captured.said == ['Id "web" has no log: refused']
    assert captured.kept() == []
    assert len(set(os.listdir("/proc/self/fd")) - {str(FD)}) <= len(before)
    assert captured.output() != CONSOLE


def test_a_table_that_is_not_written_whole_is_none(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "pwrite", lambda fd, data, at: len(data) - 1)
    assert captured.output() == CONSOLE


def test_not_more_than_so_many(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    captured.output()
    assert captured.output("db") == CONSOLE
    assert captured.said == ['Id "db" has no log: 1 entries have one already']


def test_a_new_inittab(captured: Captured) -> None:
    """Options count at once; the pipe of an entry that is gone is closed when it is empty, and not before."""
    captured.capture.write()
    fd = captured.output()
    do(captured.world, "telinit q")
    sized = EntryOptions("log size=1K", log=True, size=1024)
    captured.reread(entry(options=sized))
    assert captured.table().pipes[0].entry.options == sized
    captured.files = None
    os.write(fd, b"not read yet")
    captured.reread(entry("db"))
    captured.capture.write()
    assert len(captured.table().pipes) == 1
    assert captured.table().files == FILES
    os.read(fd, 100)
    captured.capture.write()
    assert captured.table().pipes == ()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def test_a_table_that_cannot_be_brought_up_to_date(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.output()

    def refused(*_: object) -> int:
        raise OSError(EIO, "refused")

    monkeypatch.setattr(calls, "pwrite", refused)
    captured.reread(entry(options=EntryOptions("log keep=3", log=True, keep=3)))
    assert captured.said == ["the logger is not told of a new inittab: refused"]


def test_a_logger_that_ends_just_now(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(spawn, "run", captured.run)
    monkeypatch.setattr(calls, "kill", gone)
    captured.output()
    captured.serve()
    assert captured.output("db") != CONSOLE


@pytest.mark.parametrize("is_child", [True, False])
def test_the_next_init_goes_on(captured: Captured, monkeypatch: pytest.MonkeyPatch, is_child: bool) -> None:
    monkeypatch.setattr(module, "is_child", lambda pid: is_child)
    fds = [captured.output(), captured.output("db")]
    captured.serve()
    captured.capture.set_flags(0)
    assert all(map(os.get_inheritable, (FD, *fds)))
    os.close(fds[1])
    captured.capture = captured.made()
    captured.files = None
    captured.capture.resume()
    assert [pipe.fd for pipe in captured.kept()] == [fds[0]]
    assert not any(map(os.get_inheritable, (FD, fds[0])))
    assert captured.output() == fds[0]
    assert captured.due() == (None if is_child else 0.0)


@pytest.mark.parametrize("put", [lambda: None, lambda: os.dup2(0, FD), lambda: _pipe_at(FD)])
def test_nothing_is_left_by_another_init(captured: Captured, put: Callable[[], object]) -> None:
    put()
    captured.capture.resume()
    assert captured.kept() == []
    assert captured.output() != CONSOLE


def _pipe_at(fd: int) -> None:
    for end in (ends := os.pipe()):
        os.dup2(end, fd)
    for end in ends:
        os.close(end)


def test_a_descriptor_that_became_another_one(captured: Captured, tmp_path: Path) -> None:
    """Guards against an entry that writes to what has the number now."""
    fd = captured.output()
    other = os.open(tmp_path, os.O_RDONLY)
    os.dup2(other, fd)
    os.close(other)
    captured.capture = captured.made()
    captured.capture.resume()
    assert captured.kept() == []
