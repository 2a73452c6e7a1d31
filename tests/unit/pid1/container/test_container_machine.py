"""The machine of a container: when it ends, and with which status. Effects are answered at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.driver import Driver
from sysvinit_py.pid1.container import machine as container
from sysvinit_py.pid1.container.machine import OTHERS, ContainerMachine, Forward, Forwarded, StopRequested


class World:
    """Processes that end when they are told, but for deaf ones; time that a test lets pass."""

    def __init__(self, inittab: str, *, grace: float = 8.0, missing: Mapping[str, str] | None = None) -> None:
        self.now = 100.0
        self.inittab = inittab
        self.pids: dict[str, int] = {}
        self.started: list[str] = []
        self.said: list[str] = []
        self.forwarded: list[tuple[int, int]] = []
        self.deaf: set[str] = set()
        self.slow: set[str] = set()
        self.forks = True  # processes can be made
        self.missing = missing or {}  # what cannot be executed, and why
        self.others = False
        self.machine = ContainerMachine(grace)
        self.driver = Driver(self.machine, self.perform, lambda: self.now)
        self.driver.feed(ev.Booted("2"))

    def perform(self, effect: fx.Effect) -> ev.Event | None:
        if isinstance(effect, fx.ReadInittab):
            reading = interpret((Source("t", self.inittab.encode()),))
            return ev.InittabRead(reading.entries, reading.problems, reading.complete)
        if isinstance(effect, fx.Start):
            name = effect.entry.id
            if not self.forks:
                return ev.CannotFork(effect.key)
            if name in self.missing:
                return ev.CannotExecute(effect.key, "x", self.missing[name])
            self.started.append(name)
            self.pids[name] = 1000 + len(self.started)
            return ev.Started(effect.key, self.pids[name])
        if isinstance(effect, fx.Signal):
            self.signal(effect)
        elif isinstance(effect, fx.Probe):
            if effect.group == OTHERS:
                return container.OthersLeft() if self.others else ev.GroupGone(OTHERS)
            return ev.GroupGone(effect.group)
        elif isinstance(effect, container.LookForOthers):
            return None if self.others else container.OthersGone()
        elif isinstance(effect, Forward):
            self.forwarded.append((effect.pid, effect.number))
        elif isinstance(effect, fx.Say) and effect.console and effect.log:
            self.said.append(effect.text)
        return None

    def signal(self, effect: fx.Signal) -> None:
        number = 9 if effect.name == "KILL" else 15
        for name, pid in self.pids.items():
            if pid == effect.group and (number == 9 or name not in self.deaf | self.slow):
                self.driver.add(ev.ChildExited(pid, number), container.Reaped())
        if effect.group == OTHERS and number == 9:
            self.others = False

    def end(self, name: str, status: int = 0) -> None:
        self.driver.feed(ev.ChildExited(self.pids[name], status), container.Reaped())

    def stop(self) -> None:
        self.driver.feed(StopRequested("TERM"))

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (deadline := self.machine.deadline) is not None and deadline <= until:
            self.now = max(deadline, self.now)
            self.driver.feed(ev.Tick())
        self.now = until

    @property
    def status(self) -> int | None:
        return self.machine.status

    @property
    def runs(self) -> bool:
        return self.machine.status is None


SERVICES = "id:2:initdefault:\na:2:respawn:x\nb:2:respawn:x\n"


def test_asked_to_stop() -> None:
    world = World(SERVICES)
    assert world.runs
    world.stop()
    assert (world.status, world.said) == (0, ["stopped by TERM"])


def test_the_grace_is_never_slept() -> None:
    world = World(SERVICES)
    world.slow = {"a"}
    world.stop()
    world.wait(1)
    assert world.runs
    world.end("a", 15)
    assert (world.status, world.now) == (0, 101.0)


def test_deaf() -> None:
    world = World(SERVICES)
    world.deaf = {"b"}
    world.stop()
    world.wait(7.99)
    assert world.runs
    world.wait(0.1)
    assert world.status == 137
    assert world.said[-1] == "b: killed after 8.0 s"


def test_asked_twice() -> None:
    world = World(SERVICES)
    world.deaf = {"b"}
    world.stop()
    world.wait(1)
    world.stop()
    assert (world.status, world.now) == (137, 101.0)


@pytest.mark.parametrize(("status", "expected"), [(0, 0), (3 << 8, 3), (9, 137), (15, 143)])
def test_the_end_of_main(status: int, expected: int) -> None:
    world = World(SERVICES + "# inittab: main\nm:2:respawn:x\n")
    world.end("m", status)
    assert (world.status, world.started) == (expected, ["a", "b", "m"])


@pytest.mark.parametrize(
    ("status", "expected"), [(0, 0), (15, 0), (143 << 8, 0), (3 << 8, 3), (9, 137), (131 << 8, 131)]
)
def test_the_end_of_main_that_was_asked(status: int, expected: int) -> None:
    world = World(SERVICES + "# inittab: main\nm:2:respawn:x\n")
    world.slow = {"m"}
    world.stop()
    world.end("m", status)
    assert world.status == expected


def test_set_up_that_fails() -> None:
    world = World("id:2:initdefault:\ns:2:wait:x\na:2:respawn:x\nc:0:wait:x\n")
    world.end("s", 4 << 8)
    assert world.started == ["s", "c"]
    world.end("c")
    assert (world.status, world.said) == (4, ["s: set-up failed, the container ends with code 4"])


@pytest.mark.parametrize(("reason", "code"), [("No such file or directory", 127), ("Permission denied", 126)])
@pytest.mark.parametrize("line", ["s:2:wait:x", "# inittab: main\ns:2:once:x"])
def test_what_cannot_be_executed(reason: str, code: int, line: str) -> None:
    world = World(f"{SERVICES}{line}\n", missing={"s": reason})
    assert world.status == code


def test_a_service_that_cannot_be_executed() -> None:
    """It is said once, and not ten times."""
    world = World(f"{SERVICES}s:2:respawn:x\n", missing={"s": "Permission denied"})
    assert world.status == 127
    assert [line for line in world.said if "cannot execute" in line] == [
        'cannot execute "x": Permission denied (id s, t[4])'
    ]


def test_throttled() -> None:
    world = World(SERVICES)
    for _ in range(10):
        world.end("b", 7 << 8)
    assert (world.status, world.started.count("b")) == (7, 10)
    assert world.said[-1] == "b: throttled, the container ends with code 7"
    assert world.said.count("b: restarted after code 7") == 1


def test_throttled_with_code_0() -> None:
    world = World(SERVICES)
    for _ in range(10):
        world.end("b", 0)
    assert world.status == 1


def test_nothing_is_left() -> None:
    world = World("id:2:initdefault:\na:2:once:x\nb:2:once:x\n")
    world.end("b", 6 << 8)
    assert world.runs
    world.end("a", 5 << 8)
    assert world.status == 5


def test_to_stop_does_not_wait_for_a_fork() -> None:
    world = World(SERVICES + "c:0:wait:x\n", grace=7.5)
    world.forks = False
    world.end("b")
    world.stop()
    assert world.runs  # the clean-up cannot be started, either, and is tried again
    world.wait(7.6)
    assert world.status == 0
    world = World(SERVICES)
    world.forks = False
    world.end("b")
    world.stop()
    assert world.status == 0


def test_a_service_that_was_stopped_by_request_is_left() -> None:
    """It can be started again; the container would have ended with 143."""
    world = World("id:2:initdefault:\na:2:respawn:x\n")
    world.driver.feed(ev.EntryRequested("1", "stop", "a", "0"))
    assert world.runs
    world.driver.feed(ev.EntryRequested("2", "start", "a", "0"))
    assert world.started == ["a", "a"]
    world.driver.feed(ev.EntryRequested("3", "stop", "a", "0"))
    world.stop()
    assert world.status == 0


def test_a_job_that_was_stopped_by_request_is_not() -> None:
    world = World("id:2:initdefault:\na:2:once:x\n")
    world.driver.feed(ev.EntryRequested("1", "stop", "a", "0"))
    assert world.status == 143


def test_what_has_daemonized_is_left() -> None:
    world = World("id:2:initdefault:\na:2:once:x\n")
    world.others = True
    world.end("a")
    assert world.runs
    world.others = False
    world.driver.feed(container.Reaped())
    assert world.status == 0


def test_others_are_waited_for_and_killed() -> None:
    world = World(SERVICES, grace=3.0)
    world.others = True
    world.stop()
    world.wait(2.9)
    assert world.runs
    world.wait(0.2)
    assert world.status == 137
    assert world.said[-1] == "processes that left their entry: killed after 3.0 s"


def test_clean_up() -> None:
    """After all others; what takes too long is killed, and the next one is not started."""
    inittab = SERVICES + "c1:0:wait:x\nh:0:wait:/sbin/halt\nc6:6:wait:x\nc2:0:wait:x\n"
    world = World(inittab)
    world.slow = {"a"}
    world.stop()
    assert world.started == ["a", "b"]
    world.end("a", 15)
    assert world.started[2:] == ["c1"]
    world.end("c1", 9 << 8)
    assert world.started[2:] == ["c1", "c2"]
    world.end("c2")
    assert world.status == 0
    world = World(inittab)
    world.stop()
    world.wait(8.1)
    assert (world.status, world.started[2:]) == (137, ["c1"])


@pytest.mark.parametrize("text", ["not an inittab\n", "id:2:initdefault:\na:2:respwan:x\n"])
def test_an_inittab_with_a_fault_changes_nothing(text: str) -> None:
    world = World(SERVICES)
    world.inittab = text
    world.driver.feed(ev.RereadRequested())
    assert set(world.pids) == {"a", "b"}
    assert not world.machine.processes.endings
    assert world.said[-1].startswith("t:")
    world.driver.feed(ev.InittabNotRead("why"))
    assert world.said[-1] == "why"
    world.stop()
    world.driver.feed(ev.InittabRead((Entry("z", "2", "once", "x"),)))
    assert world.started == ["a", "b"]


def test_read_again() -> None:
    world = World(SERVICES)
    world.inittab = "id:2:initdefault:\nb:2:respawn:x\nc:2:respawn:x\n"
    world.driver.feed(ev.RereadRequested())
    assert world.started == ["a", "b", "c"]
    assert world.runs


def test_requests() -> None:
    world = World(SERVICES + "# inittab: main\nm:2:respawn:x\nn:3:respawn:x\n# inittab: main\nk:3:once:x\n")
    for level in "uSs":
        world.driver.feed(ev.LevelRequested(level, 5))
        assert world.said[-1] == f"telinit {level} has no meaning in a container"
    world.driver.feed(Forwarded(10))
    assert world.forwarded == [(world.pids["m"], 10)]
    world.driver.feed(ev.LevelRequested("6", 5))
    assert (world.status, world.machine.position.stage) == (0, "6")
    world.driver.feed(ev.LevelRequested("3", 5))
    assert world.machine.position.stage == "6"


def test_another_level() -> None:
    world = World(SERVICES + "n:3:respawn:x\n")
    world.driver.feed(ev.LevelRequested("3", 5))
    assert world.started == ["a", "b", "n"]
    assert world.runs


def test_a_shorter_grace_of_its_own() -> None:
    world = World("id:2:initdefault:\n# inittab: grace=1\na:2:respawn:x\nb:2:respawn:x\n")
    world.deaf = {"a"}
    world.slow = {"b"}
    world.stop()
    world.wait(1.1)
    assert world.said[-1] == "a: killed after 1.0 s"
    world.end("b", 15)
    assert world.status == 137
