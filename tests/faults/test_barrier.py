"""Every function of PID 1 raises an error in turn: init goes on, and has lost nothing."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from errno import EIO
from typing import Any

import pytest

import sysvinit_py.machine
import sysvinit_py.pid1
from sysvinit_py.linux import calls
from tests.faults import fake, life, other_lives

#: What may be raised in any line of Python.
KINDS = (RuntimeError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit)
#: For reports, tests and simulators; PID 1 itself calls none of them.
NOT_IN_INIT = (
    "machine.Machine.handle", "ending.Ending.hurry", "ending.Endings.hurry", "status.state",
    "status.held_back_by", "status.waits_for", "rules.starts_again",
)  # fmt: skip
#: Have lives of their own: test_container, test_runit.
OTHER_INITS = ("sysvinit_py.pid1.container", "sysvinit_py.pid1.runit")
#: In the process of a leader, and not in init's.
IN_CHILDREN = ("spawn._leader", "spawn._insist", "spawn._take_terminal", "console.Console.forget_backlog")


def functions() -> Iterator[tuple[str, Any, str]]:
    """Name, where it is found, and by what name, of every function and method of PID 1 and the machine."""
    for package in (sysvinit_py.pid1, sysvinit_py.machine):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(found.name)
            if module is not calls and not found.name.startswith(OTHER_INITS):
                short = found.name.rpartition(".")[2]
                yield from _of(module, module.__name__, short)
                for name, thing in vars(module).items():
                    if inspect.isclass(thing) and thing.__module__ == module.__name__:
                        yield from _of(thing, module.__name__, f"{short}.{name}")


def _of(place: Any, module: str, prefix: str) -> Iterator[tuple[str, Any, str]]:
    for name, thing in vars(place).items():
        if inspect.isfunction(thing) and thing.__module__ == module:
            yield f"{prefix}.{name}", place, name


#: The barrier itself: if that fails all there is left is the last resort.
BARRIER = ("barrier.best_effort", "init.Init.run", "init.Init._guarded")

FUNCTIONS = {
    name: (place, attribute)
    for name, place, attribute in functions()
    if name not in (*IN_CHILDREN, *NOT_IN_INIT, "init.live", "sysv.main", "probe.main")
}


#: What is called after an error only → in which functions that one is.
AFTER_ERRORS = {
    name: {
        "handover._pass_on": ("init.Init.__init__",),
        "handover.minimal_state": ("fifo.Fifo.read", "handover.serialized"),
        **dict.fromkeys(
            (
                "driver.Driver._give_up_first", "machine.Machine.adopt_child",
                "processes.Processes.adopt_child", "job.Job.adopt_child",
            ),
            ("processes.Processes.started",),
        ),
    }.get(name, ("fifo.Fifo.read",))
    for name in FUNCTIONS
    if (name.startswith(("barrier.", "last_resort.")) and name not in BARRIER)
    or name in (
        "handover._pass_on", "handover.minimal_state", "driver.Driver.recover",
        "driver.Driver._give_up_first", "machine.Machine.recompute_run_queue", "machine.Machine.adopt_child",
        "machine.Machine.repair_after_error", "processes.Processes.adopt_child",
        "processes.Processes.repair", "job.Job.adopt_child", "job.Job.repair",
        "rules.ways_out", "init.Init._after_error", "init.Init.rescue", "succession.Succession.rescue",
    )
}  # fmt: skip

MODULES = {place.__module__ if inspect.isclass(place) else place.__name__ for place, _ in FUNCTIONS.values()}
Make = Callable[[], fake.Kernel]


class Traps:
    """Counts the calls of every function, and lets some raise."""

    def __init__(self, at: dict[tuple[str, int], type[BaseException]] | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._at = at or {}

    def set(self, names: list[str]) -> None:
        for name in names:
            place, attribute = FUNCTIONS[name]
            function = getattr(place, attribute)
            trapped = self._trapped(name, function)
            setattr(place, attribute, trapped)
            for names_of_module in [vars(module) for key, module in sys.modules.items() if key in MODULES]:
                _replace(names_of_module, function, trapped)
                for table in [value for value in names_of_module.values() if isinstance(value, dict)]:
                    _replace(table, function, trapped)

    def _trapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            error = self._at.get((name, self.calls[name])) or self._at.get((name, 0))
            if error:
                raise error(f"trap in {name}")
            return function(*arguments, **named)

        return trapped

    def judge(self, kernel: fake.Kernel) -> dict[str, Any]:
        """Judge the life; this uses functions of the machine, too, so none raises any more."""
        functions = dict(self.calls)
        self._at = {}
        return {**life.judge(kernel), "functions": functions}


def _replace(names: dict[Any, Any], function: Any, trapped: Any) -> None:
    """Wherever it was imported to, or stands in a table."""
    names.update({name: trapped for name, thing in names.items() if thing is function})


def calls_of(make: Make, traps: Traps, names: Iterable[str] = FUNCTIONS) -> dict[str, Any]:
    """Live it, and say how often each of these functions was called."""
    return fake.live(make, lambda calls: traps.set(list(names)), traps.judge)


LIVES: tuple[Make, ...] = (life.make, other_lives.odd, other_lives.from_c)


@pytest.fixture(scope="module")
def undisturbed() -> dict[Make, dict[str, int]]:
    """How often each function is called in lives in which nothing fails."""
    lives = {make: calls_of(make, Traps()) for make in LIVES}
    assert [after["problems"] for after in lives.values()] == [[], [], []]
    return {make: after["functions"] for make, after in lives.items()}


def die_at(name: str, place: int, kind: type[BaseException], make: Make = life.make) -> dict[str, Any]:
    traps = Traps({(name, place): kind})
    return fake.live(make, lambda calls: traps.set([name]), traps.judge)


def places_and_kinds(count: int) -> list[tuple[int, type[BaseException]]]:
    """At which of so many calls a function raises, and what."""
    places = sorted({1, 2, (count + 1) // 2, count} & set(range(1, count + 1)))
    return [*((place, RuntimeError) for place in places), *((1, kind) for kind in KINDS[1:])]


def survives(count: int, die: Callable[[int, type[BaseException]], dict[str, Any]], row: list[int]) -> None:
    """It raises at each of these, one life after the other, and nothing is wrong at the end of any."""
    bad = []
    for place, kind in places_and_kinds(count):
        after = die(place, kind)
        row[0] += 1
        row[1] += not after["problems"]
        row[2] += after.get("lost", 1)
        if after["problems"]:
            bad.append((place, kind.__name__, after["problems"], after.get("log", [])[-4:]))
    assert not bad, f"{len(bad)} of {count}: " + "\n".join(map(str, bad))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in AFTER_ERRORS])
def test_a_function_raises(
    name: str, undisturbed: dict[Make, dict[str, int]], faults_row: Callable[[str], list[int]]
) -> None:
    make, count = next(
        ((make, calls[name]) for make, calls in undisturbed.items() if name in calls), (None, 0)
    )
    assert make, "no life calls it"
    row = faults_row("(functions that raise)")
    if name not in BARRIER:
        survives(count, lambda place, kind: die_at(name, place, kind, make), row)
        return
    for place, kind in places_and_kinds(count):
        after = die_at(name, place, kind, make)
        assert after.get("calls"), after["problems"]  # it has not ended


def test_what_fails_is_said_with_its_place() -> None:
    after = die_at("fifo.Fifo.read", 1, RuntimeError)
    (said,) = (line for line in after["log"] if "error in init" in line)
    assert said.startswith("error in init: RuntimeError: trap in fifo.Fifo.read at ")
    assert "INIT: error in init: RuntimeError" in after["console"].decode()
    assert b"init: error in init" in after["kmsg"]
    assert after["executions"] == 3  # the two that were asked for, and one for the error


def failing() -> fake.Kernel:
    """A life in which there are errors, until the last resort obeys what is asked for."""
    script = [
        (2, life.kill("/w TWO stay")), (3, life.level("3")), (10, life.orphan),
        (49, lambda calls: calls.faults.update({("read", 0): EIO})), (50, life.level("4")),
        (52, lambda calls: calls.faults.clear()), (60, life.level("u")), (70, life.level("3")),
        (90, life.orphan), (110, life.level("0")),
    ]  # fmt: skip
    return fake.Kernel(life.INITTAB + b"l0:0:wait:/w HALT 5\n", [*script, (life.END, life.finish)])


@pytest.mark.parametrize("name", AFTER_ERRORS)
def test_errors_after_errors(name: str) -> None:
    """What is there for errors raises one itself. Once, and all is reaped; always, and PID 1 does not end."""
    first: Any = {(function, 0): RuntimeError for function in AFTER_ERRORS[name]}
    names = {*AFTER_ERRORS[name], name}
    for kind in KINDS:
        after = calls_of(failing, Traps({**first, (name, 1): kind}), names)
        assert after.get("calls"), (kind, after["problems"])
        assert name in after["functions"]
        assert not [problem for problem in after["problems"] if problem.startswith("zombies")]
    after = calls_of(failing, Traps({**first, (name, 0): RuntimeError}), names)
    assert after.get("calls"), after["problems"]


def always(*names: str) -> dict[str, Any]:
    """A life in which these functions fail whenever they are called, and nobody asks for telinit u."""

    def make() -> fake.Kernel:
        script = [
            (2, life.kill("/w TWO stay")),
            (3, life.level("3")),
            (10, life.orphan),
            (50, life.level("4")),
        ]
        return fake.Kernel(life.INITTAB, [*script, (life.END, life.finish)])

    traps = Traps({(name, 0): RuntimeError for name in names})
    return fake.live(make, lambda calls: traps.set(list(names)), traps.judge)


def test_an_error_that_repeats_itself_ends_in_the_last_resort() -> None:
    """Said three times, and no more; from then on it reaps, and keeps a sulogin."""
    after = always("fifo.Fifo.read")
    assert sum("error in init" in line for line in after["log"]) == 3
    assert after["executions"] == 2
    assert "init has failed, and only reaps now" in after["console"].decode()
    assert "/sbin/sulogin" in after["started"]
    assert not [problem for problem in after["problems"] if "zombie" in problem]


def test_init_cannot_even_begin() -> None:
    after = always("init.Init.__init__")
    assert after["started"].count("/sbin/sulogin") == 1
    assert not [problem for problem in after["problems"] if "zombie" in problem]


def test_the_last_resort_becomes_init_again() -> None:
    """telinit u, once /sbin/init has been mended; what has died meanwhile is started then."""
    traps = Traps({("fifo.Fifo.read", n): RuntimeError for n in (1, 2, 3)})

    after = fake.live(life.make, lambda calls: traps.set(["fifo.Fifo.read"]), life.judge)
    expected = sorted([*life.EXPECTED, "/sbin/sulogin"])  # somebody may be at work in it
    assert after["problems"] == [f"runs: {expected}"]


def test_the_last_resort_halts_the_machine() -> None:
    """With what the inittab has for level 0; if that does not, by force."""

    def make() -> fake.Kernel:
        script = [(2, life.level("3")), (40, life.level("0")), (100, life.finish)]
        return fake.Kernel(life.INITTAB + b"l0:0:wait:/w HALT 5\n", script)

    def judge(calls: fake.Kernel) -> dict[str, Any]:
        return {
            "rebooted": [cmd for cmd in calls.rebooted if cmd],
            "started": calls.started,
            "log": calls.log,
        }

    traps = Traps({("fifo.Fifo.read", 0): RuntimeError})
    after = fake.live(make, lambda calls: traps.set(["fifo.Fifo.read"]), judge)
    assert "HALT" in after["started"]
    assert after["rebooted"][:1] == [0x4321FEDC]
