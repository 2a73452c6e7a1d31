"""Handing over and taking over, without an exec: the pipe is real, and so are the processes that write."""

from __future__ import annotations

import errno
import marshal
import os
from binascii import b2a_base64, crc32
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sysvinit_py.inittab.entry import NO_OPTIONS, Entry, EntryOptions
from sysvinit_py.linux import calls
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import save
from sysvinit_py.pid1.survival import handover
from sysvinit_py.protocol.state import FD, SIGNATURE, decode

ENTRIES = (
    Entry("id", "2", "initdefault", ""),
    Entry("si", "", "sysinit", "/sysinit"),
    Entry("bo", "", "boot", "/boot"),
    Entry("re", "23", "respawn", "/respawn"),
    Entry("on", "2", "once", "+/once"),
    Entry("od", "a", "ondemand", "/demand"),
    Entry("pf", "", "powerfail", "/power"),
    Entry("wa", "2", "wait", "/wait"),
)


class World:
    """Carries out what a machine wants."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.entries: tuple[Entry, ...] = ENTRIES
        self.last_pid = 100
        self.pids: dict[str, int] = {}

    def feed(self, event: ev.Event, now: float = 10.0) -> list[fx.Effect]:
        effects = self.machine.handle(event, now)
        for effect in list(effects):
            if isinstance(effect, fx.ReadInittab):
                effects += self.feed(ev.InittabRead(self.entries), now)
            if isinstance(effect, fx.Start):
                self.last_pid += 1
                self.pids[effect.entry.id] = self.last_pid
                effects += self.feed(ev.Started(effect.key, self.last_pid), now)
        return effects

    def ends(self, id: str) -> list[fx.Effect]:
        return self.feed(ev.ChildExited(self.pids.pop(id), 0))


@pytest.fixture
def world() -> World:
    """In level 2, all running."""
    world = World()
    world.feed(ev.Booted())
    world.ends("si")
    world.feed(ev.LevelRequested("a", 7))
    return world


def serialized(machine: Machine, signals: tuple[int, ...] = ()) -> bytes:
    return handover.serialized(machine, signals, True, True)


def test_between_two_of_ours_nothing_is_lost(world: World) -> None:
    saved = decode(serialized(world.machine, (1, 17)))
    assert (saved.signals, saved.wait_time) == (1 << 1 | 1 << 17, 7)
    assert save(handover.machine_from_saved(saved, {})) == save(world.machine)


def test_by_way_of_c_all_that_c_knows_is_kept(world: World) -> None:
    saved = decode(serialized(world.machine)).replace(ours="")
    machine = handover.machine_from_saved(saved, {"INIT_X": "1", "INIT_VERSION": "c", "PATH": "p"})
    assert machine.position.variables == {"INIT_X": "1"}
    assert (machine.position.stage, machine.position.prevlevel, machine.wait_time) == ("2", "N", 7)
    assert {pid: job.entry.id for pid, job in machine.running.items()} == {
        pid: id for id, pid in world.pids.items()
    }
    before = {id: world.machine.processes.jobs[id, action, 0] for id, action in KEYS}
    after = {id: machine.processes.jobs[id, action, 0] for id, action in KEYS}
    for id, job in before.items():
        for mark in ("pid", "has_run", "pending_event", "on_demand", "rests_until"):
            assert getattr(after[id], mark) == getattr(job, mark), (id, mark)
        assert (after[id].throttle.opened, after[id].throttle.starts) == (
            job.throttle.opened,
            job.throttle.starts,
        )


KEYS = [(entry.id, entry.action) for entry in ENTRIES if entry.action != "initdefault"]


def test_options_of_comments_are_kept_and_nothing_of_them_is_for_c() -> None:
    """Init does not read the inittab when it goes on, and stop= and grace= have to count."""
    states = []
    for options in (NO_OPTIONS, EntryOptions("stop=QUIT", stop=3)):
        world = World()
        world.entries = tuple(entry.replace(options=options) for entry in ENTRIES)
        world.feed(ev.Booted())
        states.append(decode(serialized(world.machine)))
        assert handover.machine_from_saved(states[-1], {}).entries[1].options == options
    assert states[0].replace(ours="") == states[1].replace(ours="")


@pytest.mark.parametrize(
    "ours",
    ["x", "1 ", "0 AAAA", "12 !!!", "99999999999999999999 AAAA", "1 é", " ", "1"],
)
def test_what_is_not_ours_is_left_alone(ours: str, world: World) -> None:
    machine = handover.machine_from_saved(decode(serialized(world.machine)).replace(ours=ours), {})
    assert machine.running.keys() == world.machine.running.keys()


@pytest.mark.parametrize("change", [{}, {"jobs": None}, {"running": [[5, 99]]}, {"machine": {"x": 1}}])
def test_the_state_of_another_version_of_ours(change: dict[str, Any], world: World) -> None:
    """Whatever is not understood of it: C's form will do."""

    state = {**save(world.machine), **change} if change else {}
    whole = marshal.dumps(state, 2)
    ours = f"{crc32(whole)} {b2a_base64(whole, newline=False).decode()}"
    machine = handover.machine_from_saved(decode(serialized(world.machine)).replace(ours=ours), {})
    assert machine.running.keys() == world.machine.running.keys()


def test_a_bare_state_says_the_level_and_to_read_the_inittab(world: World) -> None:
    saved = decode(handover.minimal_state(world.machine, 1))
    assert (saved.this_level, saved.previous_level, saved.signals, saved.entries) == ("2", "N", 2, ())


# The pipe.


class ExecutedError(Exception):
    pass


@pytest.fixture
def place() -> Iterator[None]:
    """Descriptor 11 is nobody's during the test."""
    try:
        kept = os.dup(FD)
    except OSError:
        kept = -1
    handover.keep_place()
    yield
    if kept >= 0:
        os.dup2(kept, FD)
        os.close(kept)
    else:
        os.closerange(FD, FD + 1)


@pytest.fixture
def executed(place: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Exec only notes what it was given; what would be executed starts."""
    given: list[Any] = []
    monkeypatch.setattr(handover, "PROGRAM", "/bin/true")

    def execve(path: str, argv: list[str], environment: dict[str, str]) -> NoReturn:
        given.append((path, argv, environment, os.get_inheritable(FD), handover.take_over()))
        raise OSError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(calls, "execve", execve)
    before = set(os.listdir("/proc/self/fd"))
    yield given
    assert os.path.samefile(f"/proc/self/fd/{FD}", "/dev/null")
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("size", [0, 1000, 1_000_000], ids=["small", "middle", "more than a pipe holds"])
def test_what_is_handed_over_is_taken_over(size: int, executed: list[Any]) -> None:
    state = SIGNATURE + b"x" * size + b"\nEND\n"
    with pytest.raises(FileNotFoundError):
        handover.hand_over(state, {"A": "b"}, "--more")
    assert executed == [("/bin/true", ["/bin/true", "--init", "--more"], {"A": "b"}, True, state)]
    assert os.WEXITSTATUS(os.wait()[1]) == 0  # its writer


@pytest.mark.parametrize("looks", [4000, 1], ids=["fails", "never ends"])
def test_what_does_not_start_is_not_executed(
    looks: int, monkeypatch: pytest.MonkeyPatch, executed: list[Any], tmp_path: Path
) -> None:
    program = tmp_path / "init"
    program.write_text("#!/bin/sh\nsleep 0.1\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(handover, "PROGRAM", str(program))
    monkeypatch.setattr(handover, "_TEST_LOOKS", looks)
    with pytest.raises(OSError, match="init does not start"):
        handover.hand_over(b"state", {})
    assert not executed
    if looks == 1:
        assert os.WTERMSIG(os.wait()[1]) == 9


def test_a_binary_is_not_tried_out(monkeypatch: pytest.MonkeyPatch, executed: list[Any]) -> None:
    """It cannot fail once the kernel has it; and not every C init knows an option to be tried with."""
    monkeypatch.setattr(handover, "PROGRAM", os.path.realpath("/bin/false"))
    with pytest.raises(FileNotFoundError):
        handover.hand_over(SIGNATURE + b"\nEND\n", {})
    assert executed
    os.wait()  # for the writer


def test_a_state_that_was_not_read_is_passed_on(executed: list[Any]) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, SIGNATURE + b"\nEND\n")
    os.dup2(read_end, FD, inheritable=False)
    os.close(read_end)
    with pytest.raises(FileNotFoundError):
        handover.hand_over(b"", {})
    os.close(write_end)
    assert executed[0][3:] == (True, SIGNATURE + b"\nEND\n")
    handover.keep_place()


def test_the_place_is_kept_even_if_nothing_can_be_opened(
    place: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.dup2(read_end, FD)

    def fails(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(calls, "open", fails)
    handover.keep_place()
    os.close(read_end)
    os.close(write_end)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(FD)


def test_a_reading_that_fails_is_tried_again(executed: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [errno.EIO, errno.ENOMEM]
    read = os.read

    def fails_at_first(fd: int, size: int) -> bytes:
        if failures and fd == FD:
            raise OSError(failures.pop(), "fails")
        return read(fd, 4)  # and in small pieces

    monkeypatch.setattr(calls, "read", fails_at_first)
    monkeypatch.setattr(calls, "sleep", lambda _: None)
    state = SIGNATURE + b"VER\nEND\n"
    with pytest.raises(FileNotFoundError):
        handover.hand_over(state, {})
    assert executed[0][4] == state
    os.wait()
