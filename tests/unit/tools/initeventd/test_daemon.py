"""The daemon's loop, with devices and a clock that a test plays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from sysvinit_py.protocol.initctl import POWERFAIL, POWEROK, RESUME, TERMINALS, Request
from sysvinit_py.tools.initeventd import daemon as module
from sysvinit_py.tools.initeventd.daemon import Daemon
from sysvinit_py.tools.initeventd.power import Supply
from sysvinit_py.tools.telinit import RefusedError


class DoneError(Exception):
    """The test has nothing more to play."""


class Played:
    """Devices: each time they are read, the next step is played; it is what the daemon sees."""

    def __init__(self, steps: list[list[Any]]) -> None:
        self.steps = steps
        self.supplies: dict[str, Supply] = {}
        self.looks = 0
        self._fd, other = os.pipe()
        os.write(other, b"ready")

    def fileno(self) -> int:
        return self._fd

    def look(self) -> None:
        self.looks += 1

    def changes(self) -> Iterator[str]:
        if not self.steps:
            raise DoneError
        for change in self.steps.pop(0):
            if callable(change):
                change()
                continue
            if isinstance(change, bool):
                self.supplies["AC"] = Supply("Mains", online=change)
            yield "power_supply" if isinstance(change, bool) else change


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[int] = []
        self.said: list[str] = []
        self.saved: list[dict[str, Any]] = []
        self.asleep = 7.0
        self.refusals: list[Exception] = []  # of init, one after the other
        self.losses: list[OSError] = []  # of the disk
        self._clock, self._clock_end = os.pipe()
        monkeypatch.setattr(module, "asleep", lambda: self.asleep)
        monkeypatch.setattr(module, "TRY_AGAIN", 1)

    def send(self, request: Request) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(request.cmd)

    def save(self, told: dict[str, Any]) -> None:
        if self.losses:
            raise self.losses.pop(0)
        self.saved.append(told)

    # The clock's watch.

    def jump(self, asleep: float) -> None:
        """The machine has resumed, or somebody has set the clock."""
        self.asleep = asleep
        os.write(self._clock_end, b"!")

    def fileno(self) -> int:
        return self._clock

    def read(self) -> None:
        os.read(self._clock, 1)

    def play(self, *steps: list[Any], saved: object = None) -> Played:
        devices = Played(list(steps))
        clock: Any = self
        daemon = Daemon(devices, clock, saved, self.save, self.send, 5, self.said.append, str)  # type: ignore[arg-type]
        with pytest.raises(DoneError):
            daemon.run()
        return devices


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_each_change_of_the_power_is_told_at_once(world: World) -> None:
    world.play([False, True, False, False, True])
    assert world.sent == [TERMINALS, POWERFAIL, POWEROK, POWERFAIL, POWEROK]


def test_terminals_are_told_of_when_all_is_read(world: World) -> None:
    world.play(["tty", "tty", False, "tty"], ["tty"], [True])
    assert world.sent == [TERMINALS, POWERFAIL, TERMINALS, TERMINALS, POWEROK]


def test_told_first_saved_then(world: World) -> None:
    """At the start too, so that the next daemon knows how long the machine had slept before."""
    world.play([False])
    assert world.saved[0] == {"power": "ok", "asleep": 7.0}
    assert world.saved[-1] == {"power": "failed", "asleep": 7.0}
    assert len(world.saved) == 1 + len(world.sent)


def test_what_init_does_not_take_is_tried_again_and_said_once(world: World) -> None:
    world.refusals = [FileNotFoundError(2, "No such file", "/run/initctl")] * 3
    world.play([], [], [], [False])
    assert world.sent == [TERMINALS, POWERFAIL]
    assert world.said == [
        "init cannot be told: /run/initctl: No such file; trying on",
        "init is told again",
    ]


def test_another_reason_is_said_too(world: World) -> None:
    world.refusals = [BlockingIOError(11, "Full"), BlockingIOError(11, "Full"), RefusedError("is not a fifo")]
    world.play([], [], [], [])
    assert world.said == [
        "init cannot be told: /run/initctl: Full; trying on",
        "init cannot be told: is not a fifo; trying on",
        "init is told again",
    ]


def test_a_full_disk_stops_nothing(world: World) -> None:
    world.losses = [OSError(28, "No space", "/run/x")] * 2
    world.play([False])
    assert world.sent == [TERMINALS, POWERFAIL]
    assert world.said == [
        "what init was told cannot be saved: /run/x: No space",
        "what init was told can be saved again",
    ]


def test_resume_while_no_daemon_ran(world: World) -> None:
    world.play([], saved={"power": "ok", "asleep": 3.0})
    assert world.sent == [RESUME, TERMINALS]


def test_resume(world: World) -> None:
    devices = world.play([], [lambda: world.jump(9.5)], [], [lambda: world.jump(12.0)], [])
    assert world.sent == [TERMINALS, RESUME, RESUME]
    assert devices.looks == 2, "drivers may not report what changed in the sleep"
    assert world.saved[-1]["asleep"] == 12.0


def test_clock_step_is_no_resume(world: World) -> None:
    world.play([lambda: world.jump(7.0)], [lambda: world.jump(7.004)], [])
    assert world.sent == [TERMINALS]
