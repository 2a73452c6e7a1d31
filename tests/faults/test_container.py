"""A container's init, when calls fail and functions raise: no child is lost, and it ends as it should."""

from __future__ import annotations

import errno
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import sysvinit_py.pid1.container
from tests.faults import container, fake, test_barrier
from tests.faults.container import OWN_ERROR
from tests.faults.errors import ERRORS, IN_CHILDREN
from tests.faults.test_barrier import Traps, survives
from tests.faults.test_faults import some_of

Make = Callable[[], fake.Kernel]


def functions() -> dict[str, tuple[Any, str]]:
    """Where each function and method of the container's init is found, by its name."""
    package = sysvinit_py.pid1.container
    found: dict[str, tuple[Any, str]] = {}
    names = [item.name for item in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    for module in map(importlib.import_module, [*names, "sysvinit_py.linux.handled_signals"]):
        short = f"container.{module.__name__.rpartition('.')[2]}"
        places: list[tuple[str, Any]] = [(short, module)]
        places += [(f"{short}.{name}", it) for name, it in vars(module).items() if inspect.isclass(it)]
        for prefix, place in places:
            for name, thing in vars(place).items():
                if inspect.isfunction(thing) and thing.__module__ == module.__name__:
                    found[f"{prefix}.{name}"] = place, name
    return found


FUNCTIONS = functions()
#: Before there is a child, or after the last one; or for an inittab that is refused.
ELSEWHERE = (
    "container.front.", "container.arguments.", "container.policy.fault", "container.policy._meant",
    "container.main.main", "container.main._refuse", "container.main._answer",
    "container.handled_signals.HandledSignals.again", "container.init._Alarm.serve", "container.init.live",
)  # fmt: skip
#: What is called after an error that nothing has healed.
AFTER_ERRORS = ("container.init.write_error", "container.init._end_all", "container.init._signal_all")


def setting(traps: Traps, names: Iterable[str]) -> Callable[[fake.Kernel], None]:
    """What sets the traps in these functions of the container's init."""
    test_barrier.FUNCTIONS.update(FUNCTIONS)
    places = [place for place, _ in FUNCTIONS.values()]
    test_barrier.MODULES.update(p.__module__ if inspect.isclass(p) else p.__name__ for p in places)
    return lambda kernel: traps.set([*names])


def failing(name: str, place: int, number: int) -> Callable[[fake.Kernel], None]:
    """What lets a call fail."""
    return lambda kernel: kernel.faults.update({(name, place): number})


@pytest.fixture(scope="session")
def peace() -> dict[Make, dict[str, Any]]:
    """What is called in lives in which nothing fails."""

    def life(make: Make) -> dict[str, Any]:
        traps = Traps()
        after = fake.live(
            make,
            setting(traps, FUNCTIONS),
            lambda kernel: {**container.judge(kernel), "functions": dict(traps.calls)},
        )
        assert not after["problems"]
        assert after["status"] != OWN_ERROR
        return after

    return {make: life(make) for make in container.LIVES}


@pytest.mark.parametrize("name", [name for name in ERRORS if ERRORS[name] and name not in IN_CHILDREN])
def test_a_call_fails(
    name: str, peace: dict[Make, dict[str, Any]], faults_row: Callable[[str], list[int]]
) -> None:
    row = faults_row(name)
    bad = []
    seen: set[str] = set()
    for make, life in peace.items():
        lines = {line: made for line, made in life["places"].get(name, {}).items() if line not in seen}
        seen.update(lines)
        for place in some_of(lines):
            for number in ERRORS[name]:
                after = fake.live(make, failing(name, place, number), container.judge)
                row[0] += 1
                row[1] += not after["problems"]
                row[2] += after.get("lost", 1)
                if after["problems"]:
                    bad.append((make.__name__, place, errno.errorcode[number], after["problems"]))
    assert not bad, f"{len(bad)}: " + "\n".join(map(str, bad[:20]))


@pytest.mark.parametrize(
    "name", [name for name in FUNCTIONS if not name.startswith((*ELSEWHERE, *AFTER_ERRORS))]
)
def test_a_function_raises(
    name: str, peace: dict[Make, dict[str, Any]], faults_row: Callable[[str], list[int]]
) -> None:
    lives = ((make, life["functions"][name]) for make, life in peace.items() if name in life["functions"])
    make, count = next(lives, (None, 0))
    assert make, "no life calls it"

    def die(place: int, kind: type[BaseException]) -> dict[str, Any]:
        return fake.live(make, setting(Traps({(name, place): kind}), [name]), container.judge)

    survives(count, die, faults_row("(functions that raise)"))


def test_an_error_that_repeats_itself() -> None:
    """All are told to end, and the status says that it was our own fault."""
    traps = Traps({("container.relay.Relay.wanted", 0): RuntimeError})
    after = fake.live(container.make, setting(traps, ["container.relay.Relay.wanted"]), container.judge)
    assert (after["problems"], after["status"]) == ([], container.OWN_ERROR)
    assert b"error in init: RuntimeError: trap in container.relay.Relay.wanted at " in after["out"]


@pytest.mark.parametrize("name", AFTER_ERRORS)
def test_errors_after_errors(name: str) -> None:
    """The exit status is the same, whatever else fails."""
    traps = Traps({("container.relay.Relay.wanted", 0): RuntimeError, (name, 1): SystemExit})
    after = fake.live(container.make, setting(traps, ["container.relay.Relay.wanted", name]), container.judge)
    assert after["status"] == container.OWN_ERROR
