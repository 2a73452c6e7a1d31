"""The loop of PID 1, with a machine that only notes what it is told, and no real signals or children."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import Source
from sysvinit_py.linux.signals import SHUTDOWN
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1 import environment, sysv
from sysvinit_py.pid1.inputs.fifo import Fifo
from sysvinit_py.pid1.inputs.mounts import Mounts
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.messages import Messages

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="init obeys only the FIFO of root")

HUP, INT, USR1, USR2, TERM, CHLD, CONT, TSTP, WINCH, PWR = 1, 2, 10, 12, 15, 17, 18, 20, 28, 30


class Machine:
    """Notes events, and wants nothing."""

    def __init__(self) -> None:
        self.told: list[ev.Event] = []
        self.running: dict[int, object] = {}
        self.deadline: float | None = None
        self.awaited: set[str] = set()
        self.wants: dict[ev.Event, list[fx.Effect]] = {}

    def steps(self, event: ev.Event, now: float) -> Iterator[None]:
        """Take in a re-read in two steps, and anything else in one."""
        if isinstance(event, ev.RereadRequested):
            yield
        self.told.append(event)

    def take_effects(self) -> list[fx.Effect]:
        return self.wants.get(self.told[-1], [])


class NoPublisher(Source):
    """Nothing is published: the machine has no jobs."""

    def write(self) -> None:
        pass

    look_again = withdraw = hand_over = take_place = write


class Pid1:
    """An Init in a kernel that does nothing: signals come from ``pending``, children from ``ended``."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pending: list[int] = []
        self.ended: list[int] = []
        self.said: list[str] = []
        self.machine = Machine()
        self.waits: list[int | None] = []
        for name in ("signal", "pthread_sigmask"):
            monkeypatch.setattr(calls, name, lambda *arguments: None)
        monkeypatch.setattr(calls, "signalfd", lambda signals, flags: 999)
        monkeypatch.setattr(calls, "read", self.read)
        monkeypatch.setattr(calls, "waitpid", self.waitpid)
        monkeypatch.setattr(calls, "poll", lambda: self)
        monkeypatch.setattr(sysv, "Machine", lambda: self.machine)
        monkeypatch.setattr(sysv, "Fifo", self.make_fifo)
        monkeypatch.setattr(sysv, "Mounts", lambda *mounted: Mounts())
        monkeypatch.setattr(sysv, "Publisher", lambda machine, pause: NoPublisher())
        monkeypatch.setattr(Messages, "report", lambda messages, text, **how: self.said.append(text))
        monkeypatch.setenv("CONSOLE", "/dev/null")
        self.folder = folder
        self.init = sysv.compose([], "/sbin/init")

    def make_fifo(self, events_of: Any, report: Any) -> Fifo:
        self.fifo = Fifo(events_of, report, str(self.folder / "initctl"))
        return self.fifo

    # The kernel's part.

    def register(self, fd: int, what: int) -> None:
        pass

    def poll(self, timeout: int | None) -> list[tuple[int, int]]:
        self.waits.append(timeout)
        return [(999, 1)] if self.pending else []

    def read(self, fd: int, size: int) -> bytes:
        assert fd == 999
        numbers, self.pending = self.pending, []
        return b"".join(struct.pack("=I124x", number) for number in numbers)

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        if not self.ended:
            raise ChildProcessError
        return self.ended.pop(0), 0

    # The test's part.

    def turn(self, *signals: int) -> list[ev.Event]:
        """One turn of the loop with these signals; return what the machine was told."""
        self.pending = list(signals)
        self.machine.told = []
        self.init.turn()
        return self.machine.told


@pytest.fixture
def pid1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pid1]:
    pid1 = Pid1(tmp_path, monkeypatch)
    yield pid1
    pid1.fifo.shut()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (HUP, [ev.RereadRequested()]),
        (INT, [ev.Called("ctrlaltdel")]),
        (WINCH, [ev.Called("kbrequest")]),
        (CHLD, []),
        (CONT, []),
    ],
)
def test_signals(pid1: Pid1, number: int, expected: list[ev.Event]) -> None:
    assert pid1.turn(number) == expected
    assert pid1.turn() == []


def test_power(pid1: Pid1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "power", lambda say: "power low")
    assert pid1.turn(PWR) == [ev.Called("power low")]


def test_shutdown(pid1: Pid1, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(spawn, "run", lambda argv, *rest: ran.append(argv))
    pid1.turn(SHUTDOWN)
    assert ran == [["/sbin/shutdown", "-hP", "now"]]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (spawn.CannotExecuteError("/sbin/shutdown", "Permission denied"), ": Permission denied"),
        (spawn.CannotForkError(), ""),
    ],
)
def test_no_shutdown(pid1: Pid1, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(spawn, "run", fails)
    pid1.turn(SHUTDOWN)
    assert pid1.said == [f'cannot execute "/sbin/shutdown"{reason}']


@needs_root
@pytest.mark.parametrize("order", [(USR1, USR2), (USR2, USR1)])
def test_usr1_wins_over_usr2(pid1: Pid1, monkeypatch: pytest.MonkeyPatch, order: tuple[int, int]) -> None:
    pid1.turn(*order)
    assert pid1.fifo.fd >= 0
    pid1.turn(USR2)
    assert pid1.fifo.fd < 0


# The pause.


def test_paused_until_cont(pid1: Pid1) -> None:
    assert pid1.turn(TSTP) == []
    assert pid1.turn(HUP) == []
    assert pid1.turn(INT, HUP) == []
    pid1.waits.clear()
    assert pid1.turn() == []
    assert pid1.waits == [None], "it would spin"
    assert sorted(map(str, pid1.turn(CONT))) == sorted(
        map(str, [ev.RereadRequested(), ev.Called("ctrlaltdel")])
    )
    assert pid1.turn() == []


# Time.


def test_how_long_it_waits(pid1: Pid1, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "clock_gettime", lambda clock: 100.0)
    pid1.turn()  # the first one does not wait, for mounts
    for deadline, wait in ((None, None), (100.5, 501), (99.0, 0), (100 + 2**31, 2**31 - 1)):
        pid1.machine.deadline = deadline
        pid1.waits.clear()
        told = pid1.turn()
        assert pid1.waits == [wait]
        assert told == ([ev.Tick()] if deadline == 99.0 else [])


# Children.


def test_children_and_orphans(pid1: Pid1) -> None:
    pid1.machine.running = {5: None, 7: None}
    pid1.ended = [5, 6, 7]
    assert pid1.turn(CHLD) == [ev.ChildExited(5, 0), ev.ChildExited(7, 0)]


def test_children_that_end_in_the_midst_of_long_work(pid1: Pid1) -> None:
    """They are reaped at once, and the machine is told when it has done that work."""
    pid1.machine.running = {5: None}
    pid1.ended = [5, 6]
    assert pid1.turn(HUP) == [ev.RereadRequested(), ev.ChildExited(5, 0)]
    assert pid1.ended == []


def test_a_start_is_answered_before_the_next_end_is_told(pid1: Pid1, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the machine relies on: who is told to start is nobody until then."""
    first, entry = ev.ChildExited(5, 0), Entry("a", "2", "respawn", "/a")
    start = fx.Start(("a", "respawn", 0), entry, "2", False, "2", "N", ())
    monkeypatch.setattr(spawn, "start", lambda *arguments: 50)
    pid1.machine.wants[first] = [start]
    pid1.machine.running = {5: None, 7: None}
    pid1.ended = [5, 7]
    assert pid1.turn(CHLD) == [first, ev.Started(start.key, 50), ev.ChildExited(7, 0)]


def test_a_flood_of_orphans_leaves_time_for_others(pid1: Pid1) -> None:
    pid1.ended = list(range(10, 10 + 2500))
    pid1.turn(CHLD)
    assert 0 < len(pid1.ended) < 2500
    pid1.waits.clear()
    for _ in range(5):
        pid1.turn()
    assert pid1.ended == []
    assert pid1.waits[0] == 0, "it goes on at once"
    assert pid1.waits[-1] is None
