"""runit's three stages, without a process: what follows from each event."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.runit import stages
from sysvinit_py.pid1.runit.stages import (
    CTRL_ALT_DEL,
    LAST_STEP,
    REBOOT,
    STOP_IT,
    End,
    KillAll,
    Look,
    Looked,
    Say,
    Signal,
    Signalled,
    Stages,
    Standing,
    Start,
    TakeBack,
)
from sysvinit_py.value import Value

PATHS = [f"/etc/runit/{number}" for number in range(4)]


class World:
    """The machine, and who does what it asks for: each program that it starts gets the next pid."""

    def __init__(self, *, in_container: bool = False, standing: Standing | None = None) -> None:
        self.machine = Stages(standing or Standing(), in_container=in_container)
        self.now, self.pid = 100.0, 10

    def feed(self, event: ev.Event) -> list[Value]:
        """Return what follows, but for messages about stages."""
        for _ in self.machine.steps(event, self.now):
            pass
        effects = self.machine.take_effects()
        for effect in effects:
            if isinstance(effect, Start):
                self.pid += 1
                assert self.feed(ev.Started((effect.key, "", 0), self.pid)) == []
        return [e for e in effects if not (isinstance(e, Say) and "stage: " in e.text)]

    def end(self, status: int = 0) -> list[Value]:
        """Have the program of the stage end."""
        return self.feed(ev.ChildExited(self.machine.standing.pid, status))

    def tick(self, seconds: float) -> list[Value]:
        self.now += seconds
        return self.feed(ev.Tick())

    def serves(self) -> World:
        """Be in the second stage."""
        self.feed(ev.Booted())
        assert self.end() == [Start(PATHS[2], True)]
        return self

    @property
    def at(self) -> Standing:
        return self.machine.standing


def said(*texts: str) -> list[Say]:
    return [Say(text) for text in texts]


def test_from_boot_to_the_end() -> None:
    world = World()
    assert world.feed(ev.Booted()) == [Start(PATHS[1], False)], "on the console, which is its terminal"
    assert world.machine.running == {11: PATHS[1]}
    assert world.end() == [Start(PATHS[2], True)]
    assert world.end() == [Start(PATHS[3], True)]
    assert world.end() == [*said("sending KILL signal to all processes..."), KillAll(), Look(REBOOT)]
    assert world.feed(Looked(REBOOT, False)) == [*said("power off..."), End(False, 0)]
    assert world.machine.running == {}
    assert world.machine.deadline is None


def test_each_stage_is_told_of() -> None:
    machine = Stages(Standing(), in_container=False)
    machine.steps(ev.Booted(), 0.0)
    assert machine.take_effects() == [*said("enter stage: /etc/runit/1"), Start(PATHS[1], False)]
    machine.adopt_child(ev.Started((PATHS[1], "", 0), 7))
    machine.steps(ev.ChildExited(7, 0), 0.0)
    assert machine.take_effects()[:2] == said("leave stage: /etc/runit/1", "enter stage: /etc/runit/2")


@pytest.mark.parametrize(("executable", "text"), [(True, "system reboot."), (False, "power off...")])
def test_reboot_or_power_off(executable: bool, text: str) -> None:
    world = World(standing=Standing(stages.OVER))
    status = 129 if executable else 0
    assert world.feed(Looked(REBOOT, executable)) == [*said(text), End(executable, status)]


@pytest.mark.parametrize(
    ("status", "following"),
    [(0, 2), (7 << 8, 2), (111 << 8, 2), (100 << 8, 3), (9, 3), (15, 3)],
    ids=["0", "7", "111", "100", "killed", "ended by TERM"],
)
def test_the_end_of_stage_1(status: int, following: int) -> None:
    """As documented: a crash is as 100."""
    world = World()
    world.feed(ev.Booted())
    effects = world.end(status)
    assert effects[-1] == Start(PATHS[following], True)
    assert (Say("warning: skipping stage 2...") in effects) is (following == 3)
    how = "crashed" if status in (9, 15) else "failed"
    assert (Say(f"warning: child {how}: {PATHS[1]}") in effects) is (status != 0)


@pytest.mark.parametrize("status", [111 << 8, 9])
def test_stage_2_starts_again(status: int) -> None:
    """After a rest; what is left of it is killed."""
    world = World().serves()
    pid = world.at.pid
    assert world.end(status)[-1] == Signal(pid, signal.SIGKILL, group=True)
    assert world.machine.deadline == 105.0
    assert world.tick(4.9) == []
    assert world.tick(0.1) == [*said("warning: restarting."), Start(PATHS[2], True)]
    assert world.at.status == 0, "it has not failed for good"


def test_the_first_failure_is_the_status() -> None:
    world = World(in_container=True)
    world.feed(ev.Booted())
    world.end(3 << 8)
    world.end(4 << 8)
    world.end(5 << 8)
    assert world.feed(Looked(REBOOT, False))[-1] == End(False, 3)


def test_a_stage_that_crashes_is_as_a_shell_has_it() -> None:
    world = World(standing=Standing(stages.SHUT_DOWN, ((5, PATHS[3]),)))
    world.end(signal.SIGSEGV)
    assert world.at.status == 139


STOPS: list[tuple[Any, bool]] = [(signal.SIGPWR, False), (signal.SIGALRM, False), (signal.SIGTERM, True)]


@pytest.mark.parametrize(("number", "in_container"), STOPS)
def test_signals_that_stop(number: int, in_container: bool) -> None:
    world = World(in_container=in_container).serves()
    pid = world.at.pid
    assert world.feed(Signalled(number))[-1] == Signal(pid, signal.SIGTERM)
    assert world.feed(Signalled(number)) in ([], said("warning: signals only work in stage 2."))
    assert world.end(signal.SIGTERM)[-1] == Start(PATHS[3], True)
    assert world.at.status == 0, "it was told to end"


def test_who_does_not_end_is_killed_once() -> None:
    world = World().serves()
    world.feed(Signalled(signal.SIGALRM))
    pid = world.at.pid
    assert world.tick(4.9) == []
    warning = said("warning: stage 2 not terminated, sending sigkill...")
    assert world.tick(0.1) == [*warning, Signal(pid, signal.SIGKILL)]
    assert world.tick(10) == []
    assert world.end(signal.SIGKILL)[-1] == Start(PATHS[3], True)


def test_failing_power_is_never_a_reboot() -> None:
    world = World().serves()
    assert world.feed(Signalled(signal.SIGPWR))[0] == TakeBack()
    world.end()
    world.end()
    assert world.feed(Looked(REBOOT, True))[-1] == End(False, 0)


def test_cont_looks_for_the_file_that_stops() -> None:
    world = World().serves()
    assert world.feed(Signalled(signal.SIGCONT)) == [Look(STOP_IT)]
    assert world.feed(Looked(STOP_IT, False)) == []
    assert world.feed(Looked(STOP_IT, True)) == [TakeBack(), Signal(world.at.pid, signal.SIGTERM)]
    assert world.feed(Looked(STOP_IT, True)) == [], "a second answer"


def test_ctrl_alt_del() -> None:
    """Its program is executed once at a time; then it is as after CONT."""
    world = World().serves()
    assert world.feed(Signalled(signal.SIGINT)) == [Look(CTRL_ALT_DEL)]
    assert world.feed(Looked(CTRL_ALT_DEL, True)) == [
        *said("ctrl-alt-del request..."), Start(CTRL_ALT_DEL, True),
    ]  # fmt: skip
    assert world.feed(Looked(CTRL_ALT_DEL, True)) == []
    assert world.feed(ev.ChildExited(world.pid, 0)) == [Look(STOP_IT)]
    assert world.at.stage == stages.SERVE


@pytest.mark.parametrize("stage", [stages.SET_UP, stages.SHUT_DOWN])
@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGINT, signal.SIGPWR, signal.SIGALRM])
def test_signals_in_other_stages(stage: int, number: int) -> None:
    standing = Standing(stage, ((5, PATHS[stage]),))
    world = World(standing=standing)
    assert world.feed(Signalled(number)) == said("warning: signals only work in stage 2.")
    assert world.at == standing


def test_term_in_stage_1_of_a_container() -> None:
    world = World(in_container=True)
    world.feed(ev.Booted())
    assert world.feed(Signalled(signal.SIGTERM)) == [Signal(world.at.pid, signal.SIGTERM)]
    assert world.end(signal.SIGTERM)[-1] == Start(PATHS[3], True)


def test_an_order_in_the_rest_of_stage_2() -> None:
    """There is no process to wait for."""
    world = World().serves()
    world.end(111 << 8)
    assert world.feed(Signalled(signal.SIGALRM)) == [Start(PATHS[3], True)]
    assert world.machine.deadline is None


def test_what_cannot_be_executed_has_ended() -> None:
    world = World()
    world.feed(ev.Booted())
    world = World(standing=Standing(stages.SET_UP))
    event = ev.CannotExecute((PATHS[1], "", 0), PATHS[1], "file does not exist")
    assert world.feed(event) == [
        *said(f"fatal: unable to start child: {PATHS[1]}: file does not exist"), Start(PATHS[2], True),
    ]  # fmt: skip


def test_no_process_is_to_be_had() -> None:
    """It is tried again, each second; and whether to reboot is asked again then."""
    world = World(standing=Standing(stages.SERVE))
    assert world.feed(ev.CannotFork((PATHS[2], "", 0))) == []
    assert world.tick(1.0)[-1] == Start(PATHS[2], True)
    world = World(standing=Standing(stages.OVER))
    world.feed(ev.CannotFork((LAST_STEP, "", 0)))
    assert world.tick(1.0) == [Look(REBOOT)]
    world.feed(ev.CannotFork(("/another", "", 0)))
    assert world.machine.deadline is None


@pytest.mark.parametrize("in_container", [False, True])
def test_reboot_2_is_refused(in_container: bool) -> None:
    """A machine stays as it is, and reaps; a container ends, with what asks for another start."""
    world = World(in_container=in_container, standing=Standing(stages.OVER, ((5, LAST_STEP),)))
    end = [End(False, 129)] if in_container else []
    assert world.feed(ev.ChildExited(5, 1 << 8)) == [Say("system halt."), *end]


def test_others_that_end() -> None:
    world = World().serves()
    before = world.at
    assert world.feed(ev.ChildExited(4711, 0)) == []
    assert world.at == before


def test_an_error_of_ours_changes_nothing_that_is_not_done() -> None:
    """The effects of an event that was taken in are not lost, nor is the event taken in twice."""
    machine = Stages(Standing(), in_container=False)
    event = ev.Booted()
    machine.steps(event, 0.0)
    machine.steps(event, 0.0)
    assert machine.take_effects() == [*said("enter stage: /etc/runit/1"), Start(PATHS[1], False)]


def test_a_stage_that_is_lost_is_started() -> None:
    machine = Stages(Standing(stages.SERVE), in_container=False)
    machine.repair_after_error()
    assert machine.deadline == 0.0
    machine = Stages(Standing(stages.SERVE, ((5, PATHS[2]),)), in_container=False)
    machine.repair_after_error()
    assert machine.deadline is None
