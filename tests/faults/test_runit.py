"""runit as PID 1, when calls fail and functions raise: it never ends, and comes to its last stage."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from sysvinit_py.pid1.runit import main, stages
from tests.faults import fake, runit, test_barrier
from tests.faults.errors import ERRORS, IN_CHILDREN
from tests.faults.test_barrier import Traps, survives
from tests.faults.test_faults import some_of

Make = Callable[[], fake.Kernel]


def functions() -> dict[str, tuple[Any, str]]:
    """Where each function and method of runit is found, by its name."""
    found: dict[str, tuple[Any, str]] = {}
    for module in (main, stages):
        short = f"runit.{module.__name__.rpartition('.')[2]}"
        places: list[tuple[str, Any]] = [(short, module)]
        places += [(f"{short}.{name}", it) for name, it in vars(module).items() if inspect.isclass(it)]
        for prefix, place in places:
            for name, thing in vars(place).items():
                if inspect.isfunction(thing) and thing.__module__ == module.__name__:
                    found[f"{prefix}.{name}"] = place, name
    return found


FUNCTIONS = functions()
#: Before there is a child; in children; or the barrier itself, and what is called after errors.
ELSEWHERE = (
    "runit.main.main", "runit.main.live", "runit.main._tells", "runit.main._exists", "runit.main._standing",
    "runit.main.Runit.__init__", "runit.main.Runit.run", "runit.main.Runit._guarded",
    "runit.main.Runit.rescue", "runit.stages.Stages.__init__", "runit.stages.Stages.adopt_child",
    "runit.stages.Stages.repair_after_error", "runit.stages.Stages.recompute_run_queue",
    "runit.stages.Stages._cannotfork", "runit.stages.Stages._cannotexecute",
    "runit.stages.Stages._could_not_end", "runit.stages.Stages._tick", "runit.stages._is_to_start_again",
)  # fmt: skip


def setting(traps: Traps, names: list[str]) -> Callable[[fake.Kernel], None]:
    """What sets the traps in these functions."""
    test_barrier.FUNCTIONS.update(FUNCTIONS)
    test_barrier.MODULES.update((main.__name__, stages.__name__))
    return lambda kernel: traps.set(names)


def failing(name: str, place: int, number: int) -> Callable[[fake.Kernel], None]:
    """What lets a call fail; place 0: each of them."""
    return lambda kernel: kernel.faults.update({(name, place): number})


@pytest.fixture(scope="module")
def peace() -> dict[Make, dict[str, Any]]:
    """What is called in lives in which nothing fails."""

    def life(make: Make) -> dict[str, Any]:
        traps = Traps()
        after = fake.live(
            make,
            setting(traps, [*FUNCTIONS]),
            lambda kernel: {**runit.judge(kernel), "functions": dict(traps.calls)},
        )
        assert not after["problems"]
        return after

    return {make: life(make) for make in runit.LIVES}


@pytest.mark.parametrize("name", [name for name in ERRORS if ERRORS[name] and name not in IN_CHILDREN])
def test_a_call_fails(
    name: str, peace: dict[Make, dict[str, Any]], faults_row: Callable[[str], list[int]]
) -> None:
    row, bad, seen = faults_row(name), [], set[str]()
    for make, life in peace.items():
        lines = {line: made for line, made in life["places"].get(name, {}).items() if line not in seen}
        seen.update(lines)
        for place in some_of(lines):
            for number in ERRORS[name]:
                after = fake.live(make, failing(name, place, number), runit.judge)
                row[0] += 1
                row[1] += not after["problems"]
                if after["problems"]:
                    bad.append((make.__name__, place, errno.errorcode[number], after["problems"]))
    assert not bad, f"{len(bad)}: " + "\n".join(map(str, bad[:20]))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ELSEWHERE])
def test_a_function_raises(
    name: str, peace: dict[Make, dict[str, Any]], faults_row: Callable[[str], list[int]]
) -> None:
    lives = ((make, life["functions"][name]) for make, life in peace.items() if name in life["functions"])
    make, count = next(lives, (None, 0))
    assert make, "no life calls it"

    def die(place: int, kind: type[BaseException]) -> dict[str, Any]:
        return fake.live(make, setting(Traps({(name, place): kind}), [name]), runit.judge)

    survives(count, die, faults_row("(functions that raise)"))


def test_an_error_that_repeats_itself() -> None:
    """Neither going on nor a new process image helps: the last resort reaps, and does not end."""
    name = "runit.stages.Stages.take_effects"
    after = fake.live(runit.make, setting(Traps({(name, 0): RuntimeError}), [name]), runit.judge)
    assert after.get("calls"), after["problems"]
    assert b"error in init: RuntimeError" in after["console"]
