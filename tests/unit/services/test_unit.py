"""The machine of one slot: what an order, an end, or time leads to."""

from __future__ import annotations

import pytest

from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, Status
from sysvinit_py.services.unit import NEVER
from tests.unit.services.world import World


def test_a_start() -> None:
    world = World()
    assert world.told() == "control/u; run; run"
    assert world.unit.status == Status(1100 * 10**9, 1, False, "u", False, RUN)
    assert world.unit.deadline == NEVER


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        ("u", "run"),
        ("o", "run, want down"),
        ("d", "control/t; t; c; control/d; run, got TERM, want down"),
        ("x", "control/t; t; c; control/x; run, got TERM, want exit"),
        ("t", "control/t; t; run, got TERM"),
        *((letter, f"control/{letter}; {letter}; run") for letter in "haiq12kc"),
        ("p", "control/p; p; run, paused"),
        ("pc", "control/p; p; control/c; c; run"),
        ("z", "run"),
        ("\n", "run"),
        ("U", "run"),
    ],
)
def test_an_order_while_it_runs(letter: str, told: str) -> None:
    assert World().order(letter) == told


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        ("u", "control/u; run; run"),
        ("o", "control/u; run; run, want down"),
        ("d", "down"),
        ("x", "gone; down"),
        *((letter, "down") for letter in "thaiq12kc"),
        ("p", "down, paused"),
    ],
)
def test_an_order_while_it_is_down(letter: str, told: str) -> None:
    assert World(NOT_UP).order(letter) == told


@pytest.mark.parametrize(
    ("letter", "told", "then"),
    [
        ("u", "finish", "control/u; run; run"),
        ("o", "finish, want down", "down"),
        ("d", "finish, want down", "down"),
        ("x", "finish, want exit", "gone; down"),
        ("xu", "finish", "control/u; run; run"),
        ("p", "finish, paused", "control/u; run; run"),
        ("k", "finish", "control/u; run; run"),
        ("t", "finish", "control/u; run; run"),
    ],
)
def test_an_order_in_finish(letter: str, told: str, then: str) -> None:
    """None is a signal, k neither: finish is left alone."""
    world = World(missing=())
    assert world.end(7 << 8) == "finish 7 0; finish"
    assert world.unit.status.since == 1100 * 10**9, "finish keeps the time of its run"
    assert world.order(letter) == told
    assert world.end() == then


@pytest.mark.parametrize(
    ("status", "arguments"),
    [(0, "0 0"), (7 << 8, "7 0"), (15, "-1 15"), (0x8B, "-1 139"), (None, "-1 0"), (255 << 8, "255 0")],
)
def test_arguments_of_finish(status: int | None, arguments: str) -> None:
    assert World(missing=()).end(status) == f"finish {arguments}; finish"


def test_what_cannot_be_started() -> None:
    """Its cycle ends at once, and is followed by a pause."""
    world = World(missing=("run",))
    assert world.told() == "control/u; run; finish 111 0; finish"
    assert world.end(after=0.2) == "down"
    assert world.wait(0.9) == "down"
    assert world.wait(0.1) == "control/u; run; finish 111 0; finish"


def test_the_pause() -> None:
    """A cycle that took less than a second; what is ordered meanwhile is taken in at once."""
    world = World()
    assert world.end(after=0.6) == "finish 0 0; down"
    assert world.unit.deadline == pytest.approx(101.6)
    assert world.order("d") == "down"
    assert world.unit.deadline == NEVER
    assert world.order("o") == "down"
    assert world.unit.deadline == pytest.approx(101.6)
    assert world.wait(1.0) == "control/u; run; run, want down"
    assert world.end(after=1.0) == "finish 0 0; down"
    assert world.unit.deadline == NEVER
    assert world.order("u") == "control/u; run; run"
    world.end(after=0.1)
    assert world.order("x") == "gone; down"


def test_no_pause_after_a_long_finish() -> None:
    world = World(missing=())
    world.end(after=0.1)
    assert world.end(after=0.9) == "control/u; run; run"


@pytest.mark.parametrize(
    ("order", "code", "told"),
    [
        ("t", 0, "run"),
        ("t", 1, "t; run, got TERM"),
        ("t", None, "t; run, got TERM"),
        ("d", 0, "c; control/d; run, want down"),
        ("x", 1, "t; c; control/x; run, got TERM, want exit"),
    ],
)
def test_programs_in_control(order: str, code: int | None, told: str) -> None:
    world = World(programs="t")
    assert world.order(order).startswith("control/t; run")
    assert world.unit.busy
    assert world.answer(code) == told
    assert not world.unit.busy


def test_a_program_before_a_start() -> None:
    """Nothing is due while it runs, and its exit code does not matter."""
    world = World(programs="u")
    assert world.told() == "control/u; down"
    assert world.unit.deadline == NEVER
    assert world.answer(1) == "run; run"


@pytest.mark.parametrize(
    ("letter", "told"),
    [("x", "run"), ("d", "t; c; run, got TERM, want down"), ("p", "p; run, paused"), ("o", "run, want down")],
)
def test_a_logger(letter: str, told: str) -> None:
    """No programs in control/, and no order to exit."""
    assert World(is_log=True).order(letter) == told


def test_a_logger_has_no_finish() -> None:
    assert World(is_log=True, missing=()).end() == "run; run"


def test_a_logger_at_the_end() -> None:
    """It is not started again, and no order changes that."""
    world = World(is_log=True)
    world.unit.leave()
    assert world.stat == "run, want exit"
    assert world.order("du") == "t; c; run, got TERM, want exit"
    assert world.end() == "gone; down"


def test_no_process_can_be_made() -> None:
    """It is tried again after a pause; for finish its owner does that."""
    world = World(NOT_UP)
    world.no_process = True
    assert world.order("u") == "control/u; down"
    assert world.unit.deadline == pytest.approx(world.clock + 1)
    world.no_process = False
    assert world.wait(1) == "control/u; run; run"
    world.unit.postpone(world.now)
    assert world.unit.deadline == NEVER


@pytest.mark.parametrize("state", [RUN, FINISH])
def test_adoption(state: int) -> None:
    """It goes on as it was, the length of the cycle included."""
    world = World(NOT_UP)
    world.unit.adopt(Status(int(1099.5 * 10**9), 7, True, "u", True, state), world.now)
    assert world.unit.status == Status(int(1099.5 * 10**9), 7, True, "u", True, state)
    world.end(after=0.1)
    assert world.unit.state == DOWN
    assert world.wait(0.5) == "down, paused"
    assert world.wait(0.5) == "control/u; run; run"


def test_adoption_of_what_is_down() -> None:
    world = World(NOT_UP)
    world.unit.adopt(Status(5, 0, False, "u", False, DOWN), world.now)
    assert world.wait(0) == "control/u; run; run"
    world = World(NOT_UP)
    world.unit.adopt(Status(5, 0, False, "d", False, DOWN), world.now)
    assert world.wait(9) == "down"


# The pause that grows.


def test_backoff() -> None:
    """It doubles up to the longest, and is told of the second, fourth, eighth time."""
    world = World(longest=10)
    told = []
    for _ in range(9):
        told.append(world.end(after=0.5))
        pause = world.unit.deadline - world.clock
        told.append(f"{pause:g}")
        assert world.wait(pause - 0.1) == told[-2].split("; ")[-1], "not before"
        assert world.wait(0.1) == "control/u; run; run"
    often = "finish 0 0; {} times in a row: next start in {} s; down, pausing {}s"
    assert told[:6] == [
        "finish 0 0; down", "1", often.format(2, 2, 2), "2", "finish 0 0; down, pausing 4s", "4",
    ]  # fmt: skip
    assert told[6:10] == [often.format(4, 8, 8), "8", "finish 0 0; down, pausing 10s", "10"]
    assert told[14:16] == [often.format(8, 10, 10), "10"]
    assert world.end(after=1.0) == "finish 0 0; control/u; run; run", "one that lived so long is not held up"
    assert world.end(after=0.5) == "finish 0 0; down"
    assert world.unit.deadline == pytest.approx(world.clock + 1)


@pytest.mark.parametrize("longest", [0, 1, -5])
def test_no_pause_is_shorter_than_a_second(longest: float) -> None:
    world = World(longest=longest)
    for _ in range(5):
        assert world.end(after=0.5) == "finish 0 0; down"
        assert world.wait(0.9) == "down"
        assert world.wait(0.1) == "control/u; run; run"


def test_a_very_long_pause() -> None:
    world = World(longest=1e9)
    for _ in range(100):
        world.end(after=0.5)
        world.wait(world.unit.deadline - world.clock)
    assert world.end(after=0.5) == "finish 0 0; down, pausing 1000000000s"


@pytest.mark.parametrize("orders", ["u", "o", "du"])
def test_a_person_does_not_wait_for_a_long_pause(orders: str) -> None:
    """But for C's second; and what comes after that begins anew."""
    world = World(longest=100)
    for _ in range(5):
        world.end(after=0.5)
        world.wait(world.unit.deadline - world.clock)
    world.end(after=0.5)
    assert world.unit.deadline == pytest.approx(world.clock + 32)
    world.wait(0.4)
    world.order(orders)
    assert world.unit.deadline == pytest.approx(world.clock + 0.6)
    assert world.wait(0.7).startswith("control/u; run; run")
    world.order("u")
    assert world.end(after=0.5) == "finish 0 0; down"
    assert world.unit.deadline == pytest.approx(world.clock + 1)


def test_a_logger_has_a_pause_that_grows_too() -> None:
    world = World(is_log=True, longest=4)
    assert [world.end(after=0.1), world.wait(1), world.end(after=0.1)] == [
        "down", "run; run", "2 times in a row: next start in 2 s; down, pausing 2s",
    ]  # fmt: skip


# What is needed.


def test_a_start_is_held() -> None:
    """Until what it needs is up; control/u is executed once, with the start."""
    world = World(needs="db")
    assert world.told() == "down, needs db"
    assert world.unit.deadline == pytest.approx(world.clock + 1)
    world.needs = "cache"
    assert world.wait(1) == "down, needs cache"
    world.needs = ""
    assert world.wait(0.9) == "down, needs cache"
    assert world.wait(0.1) == "control/u; run; run"
    world.needs = "db"
    assert world.end() == "finish 0 0; down, needs db", "each start, not the first alone"


def test_what_is_held_is_woken() -> None:
    world = World(needs="db")
    assert world.wake() == "down, needs db"
    world.needs = ""
    assert world.wake() == "control/u; run; run"
    assert world.wake() == "run"
    assert world.end(after=0.1) == "finish 0 0; down"
    assert world.wake() == "down", "the pause of a second is kept"


@pytest.mark.parametrize(
    ("orders", "held", "then"),
    [
        ("d", "down", "down"),
        ("du", "down, needs db", "control/u; run; run"),
        ("o", "down, needs db", "control/u; run; run, want down"),
        ("x", "gone; down", "down"),
        ("t", "down, needs db", "control/u; run; run"),
    ],
)
def test_an_order_while_it_is_held(orders: str, held: str, then: str) -> None:
    """What is not wanted up stays down."""
    world = World(needs="db")
    assert world.order(orders) == held
    world.needs = ""
    assert world.wait(1) == then


def test_an_order_while_a_check_runs() -> None:
    """It is not waited for, and its answer comes in time all the same."""
    world = World(needs=None)
    assert world.told() == "down"
    assert world.asked
    assert world.unit.deadline == NEVER
    assert world.order("du") == "down"
    assert world.order("d") == "down"
    assert world.find("") == "down"
    assert world.order("u") == "down"
    assert world.find("db") == "down, needs db"
    assert world.wait(1) == "down, needs db"
    assert world.asked
    assert world.wake() == "down, needs db", "it is asked already"
    assert world.find("") == "control/u; run; run"
    world.order("x")
    assert world.end() == "finish 0 0; gone; down"
