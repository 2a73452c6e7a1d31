"""The daemon's loop, with devices and a clock that a test plays."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from typing import Any

import pytest

from sysvinit_py.clients.telinit import RefusedError
from sysvinit_py.initeventd import daemon as module
from sysvinit_py.initeventd.daemon import Daemon
from sysvinit_py.initeventd.power import Supply
from sysvinit_py.protocol.initctl import POWERFAIL, POWERFAILNOW, POWEROK, RESUME, Request


class DoneError(Exception):
    """The test has nothing more to play."""


class KilledError(Exception):
    """The daemon has no time for anything more."""


class Played:
    """Devices: each time they are read, the next step is played; it is what the daemon sees."""

    def __init__(self, steps: list[list[Any]]) -> None:
        self.steps = steps
        self.supplies: dict[str, Supply] = {}
        self.now: dict[str, Supply] | None = None  # what a look sees, if that is something else
        self.looks = 0
        self._fd, self._other = os.pipe()
        os.write(self._other, b"!")

    def fileno(self) -> int:
        return self._fd

    def rest(self) -> None:
        """Report nothing until there was a look."""
        os.read(self._fd, 1)

    def look(self) -> dict[str, Supply]:
        self.looks += 1
        if not select.select([self._fd], [], [], 0)[0]:
            os.write(self._other, b"!")
        return self.supplies if self.now is None else self.now

    def changes(self) -> Iterator[None]:
        if not self.steps:
            raise DoneError
        for change in self.steps.pop(0):
            if callable(change):
                change()
                continue
            if isinstance(change, bool):
                self.supplies["AC"] = Supply("Mains", online=change)
            elif isinstance(change, int):
                self.supplies["BAT0"] = Supply("Battery", capacity=change)
            yield


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[int] = []
        self.said: list[str] = []
        self.saved: list[dict[str, Any]] = []
        self.asleep = 7.0
        self.refusals: list[Exception] = []  # of init, one after the other
        self.losses: list[OSError] = []  # of the disk
        self.killed_by: int | None = None  # the request after which the daemon is no more
        self._clock, self._clock_end = os.pipe()
        monkeypatch.setattr(module, "asleep", lambda: self.asleep)
        monkeypatch.setattr(module, "TRY_AGAIN", 1)

    def send(self, request: Request) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(request.cmd)
        if request.cmd == self.killed_by:
            self.killed_by = None
            raise KilledError

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

    def play(self, *steps: list[Any], saved: object = None, devices: Played | None = None) -> Played:
        devices = devices or Played([])
        devices.steps += steps
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
    assert world.sent == [POWERFAIL, POWEROK, POWERFAIL, POWEROK]


def test_what_init_is_told_is_saved_before_and_after(world: World) -> None:
    """At the start too, so that the next daemon knows how long the machine had slept before."""
    world.play([False])
    assert [saved["power"] for saved in world.saved] == [["ok"], ["ok", "failed"], ["failed"]]
    assert world.saved[-1]["asleep"] == 7.0


def test_killed_while_it_was_telling(world: World) -> None:
    """Init has heard that the power fails, and nobody else knows that it has."""
    world.killed_by = POWERFAIL
    with pytest.raises(KilledError):
        world.play([False])
    assert world.sent == [POWERFAIL]
    world.play([True], saved=world.saved[-1])
    assert world.sent == [POWERFAIL, POWEROK]


OFF = Supply("Mains", online=False)
EMPTY, FULL = Supply("Battery", capacity=4), Supply("Battery", capacity=50)


def test_the_power_is_low(world: World) -> None:
    world.play([True, 4, False, 3, 2, 6, 4, True])
    assert world.sent == [POWERFAIL, POWERFAILNOW, POWEROK]


def test_it_is_not_low_because_the_battery_once_was(world: World) -> None:
    """The battery was charged, but of the two events the one that the mains are gone comes first."""
    devices = Played([])
    devices.now = {"AC": OFF, "BAT0": FULL}
    world.play([4, False, 50, True], devices=devices)
    assert world.sent == [POWERFAIL, POWEROK]


def test_it_is_low_though_it_was_not_at_the_first_event(world: World) -> None:
    devices = Played([])
    devices.now = {"AC": OFF, "BAT0": FULL}

    def used_up() -> None:
        devices.now = {"AC": OFF, "BAT0": EMPTY}

    world.play([4, False, used_up, 4, 3], devices=devices)
    assert world.sent == [POWERFAIL, POWERFAILNOW]


def test_each_failure_of_many_is_told_though_the_power_is_back(world: World) -> None:
    """What is now does not overtake what is still to be heard."""
    devices = Played([])
    devices.now = {"AC": Supply("Mains", online=True), "BAT0": EMPTY}
    world.play([4, *[False, True] * 500], devices=devices)
    assert world.sent == [*[POWERFAIL, POWEROK] * 500]


def test_on_battery_it_looks_again_though_nothing_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN", 1)
    devices = Played([])
    devices.now = {"AC": OFF, "BAT0": EMPTY}
    world.play([50, False, devices.rest], [], devices=devices)
    assert world.sent == [POWERFAIL, POWERFAILNOW]


def test_what_init_does_not_take_is_tried_again_and_said_once(world: World) -> None:
    world.refusals = [FileNotFoundError(2, "No such file", "/run/initctl")] * 3
    world.play([False], [], [], [])
    assert world.sent == [POWERFAIL]
    assert world.said == [
        "init cannot be told: /run/initctl: No such file; trying on",
        "init is told again",
    ]


def test_another_reason_is_said_too(world: World) -> None:
    world.refusals = [BlockingIOError(11, "Full"), BlockingIOError(11, "Full"), RefusedError("is not a fifo")]
    world.play([False], [], [], [])
    assert world.said == [
        "init cannot be told: /run/initctl: Full; trying on",
        "init cannot be told: is not a fifo; trying on",
        "init is told again",
    ]


def test_a_full_disk_stops_nothing(world: World) -> None:
    world.losses = [OSError(28, "No space", "/run/x")] * 2
    world.play([False])
    assert world.sent == [POWERFAIL]
    assert world.said == [
        "what init was told cannot be saved: /run/x: No space",
        "what init was told can be saved again",
    ]


def test_resume_while_no_daemon_ran(world: World) -> None:
    world.play([], saved={"power": "ok", "asleep": 3.0})
    assert world.sent == [RESUME]


def test_resume(world: World) -> None:
    devices = world.play([], [lambda: world.jump(9.5)], [], [lambda: world.jump(12.0)], [])
    assert world.sent == [RESUME, RESUME]
    assert devices.looks == 2, "drivers may not report what changed in the sleep"
    assert world.saved[-1]["asleep"] == 12.0


def test_clock_step_is_no_resume(world: World) -> None:
    world.play([lambda: world.jump(7.0)], [lambda: world.jump(7.004)], [])
    assert world.sent == []
