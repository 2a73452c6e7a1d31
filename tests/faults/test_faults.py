"""Every system call of PID 1 fails with every error it may report: init goes on to switch and to respawn.

``make test-faults`` prints the table. SYSVINIT_PY_FAULTS=all: at every call that is made, instead of the
first, the last and one between that each line of PID 1 makes.
"""

from __future__ import annotations

import ast
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.inittab import sources
from sysvinit_py.inittab.read import interpret
from sysvinit_py.linux import calls
from tests.faults import fake, life
from tests.faults.errors import ERRORS, IN_CHILDREN, IN_CONTAINERS, IN_PROGRAMS, IN_RUNIT

PACKAGE = Path(calls.__file__).parents[1]

ALL = os.environ.get("SYSVINIT_PY_FAULTS") == "all"


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, Any]:
    """What is called, and from where, in a life in which nothing fails."""
    life_of_peace = fake.live(life.make, lambda calls: None, life.judge)
    assert not life_of_peace["problems"]
    return life_of_peace


def some_of(places: dict[str, list[int]]) -> list[int]:
    """Which calls are to fail, of those that the lines make."""
    return sorted(
        {n for made in places.values() for n in (made if ALL else (made[0], made[len(made) // 2], made[-1]))}
    )


def names() -> Iterator[str]:
    for name in fake.seam():
        yield name
        for method in fake.METHODS.get(name, ()):
            if method != name:
                yield f"{name}.{method}"


def test_every_call_has_a_row() -> None:
    assert sorted(names()) == sorted([*ERRORS, *IN_PROGRAMS])


def test_pid_1_makes_none_of_the_calls_without_a_row() -> None:
    for package in ("pid1", "machine", "protocol"):
        for path in (PACKAGE / package).rglob("*.py"):
            found = re.findall(r"\bcalls\.(\w+)", path.read_text())
            assert not {*found} & {*IN_PROGRAMS}, path


#: What else of these modules PID 1 may use: nothing of it is a system call that fails.
HARMLESS = ("posix.environ", "time.CLOCK_REALTIME", "time.CLOCK_BOOTTIME", "time.strftime", "termios.error")
CALLING = ("os", "posix", "time", "termios", "select", "socket", "fcntl", "signal", "ctypes", "subprocess")


@pytest.mark.parametrize("package", ["pid1", "machine", "protocol"])
def test_nothing_goes_around_the_seam(package: str) -> None:
    """A call that does would be in no table."""
    for path in sorted((PACKAGE / package).rglob("*.py")):
        if path.name == "probe.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "open", f"{path}:{node.lineno}"
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            name = f"{node.value.id}.{node.attr}"
            is_constant = node.value.id == "termios" and node.attr.isupper()
            assert node.value.id not in CALLING or name in HARMLESS or is_constant, (
                f"{path}:{node.lineno}: {name}"
            )


#: The life of test_a_call_fails is given the files; here they are read.
READING = {
    "open": ERRORS["open"],
    "fstat": ERRORS["fstat"],
    "read": ERRORS["read"],
    "listdir": ERRORS["open"],
}


@pytest.mark.parametrize("name", READING)
def test_reading_the_inittab_fails(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said with the files, and what was there before stays."""
    (tmp_path / "inittab").write_text("id:2:initdefault:\n")
    for number in READING[name]:

        def fails(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(calls, name, fails)
            found = sources.gather(str(tmp_path / "inittab"), str(tmp_path))
        assert not interpret(found).complete or (name, number) == ("listdir", errno.ENOENT)


def test_close_never_fails() -> None:
    calls.close(12345)


@pytest.mark.parametrize(
    "name",
    [name for name in ERRORS if ERRORS[name] and name not in (*IN_CHILDREN, *IN_CONTAINERS, *IN_RUNIT)],
)
def test_a_call_fails(name: str, undisturbed: dict[str, Any], faults_row: Callable[[str], list[int]]) -> None:
    assert name in undisturbed["places"], "the life makes no such call"
    row = faults_row(name)
    bad = []
    for place in some_of(undisturbed["places"][name]):
        for number in ERRORS[name]:

            def prepare(calls: fake.Kernel, place: int = place, number: int = number) -> None:
                calls.faults[(name, place)] = number

            after = fake.live(life.make, prepare, life.judge)
            row[0] += 1
            row[1] += not after["problems"]
            row[2] += after.get("lost", 1)
            if after["problems"]:
                bad.append((place, errno.errorcode[number], after["problems"], after.get("log", [])[-3:]))
    assert not bad, f"{len(bad)}: " + "\n".join(map(str, bad[:20]))


@pytest.mark.parametrize("years", [1, -1])
def test_somebody_sets_the_clock(years: int, undisturbed: dict[str, Any]) -> None:
    """Back and forth a year: nothing is done sooner, later, or more often."""

    def step(calls: fake.Kernel) -> None:
        calls.wall_clock += years * 365 * 86400

    def make() -> fake.Kernel:
        return fake.Kernel(life.INITTAB, [*life.script(), *((when, step) for when in (1, 9, 15, 100, 137))])

    after = fake.live(make, lambda calls: None, life.judge)
    assert after["problems"] == []
    assert after["calls"] == undisturbed["calls"]
