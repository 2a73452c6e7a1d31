"""The commands of docs/services.rst and docs/from-runit.rst, typed; and the tests that the latter names."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container import page
from tests.support.patience import PATIENCE
from tests.system.oracle import OracleError
from tests.system.services.machine import USER, Machine, debians, ours

ROOT = Path(__file__).parents[3]
FIVE_MINUTES, FROM_RUNIT = ROOT / "docs" / "services.rst", ROOT / "docs" / "from-runit.rst"


@pytest.fixture
def machine(tmp_path: Path, namespaces: None) -> Iterator[Machine]:
    try:
        machine = Machine(tmp_path, ours=ours(), debians=debians())
    except OracleError as reason:
        pytest.skip(str(reason))
    yield machine
    machine.end()


def typed(machine: Machine, command: page.Command) -> None:
    """Type it, again for a while where what it prints changes: a machine may be slow."""
    text, user = command.text, USER if "~" in command.text else 0
    if text.endswith("&"):
        text = f"setsid {text[:-1]} </dev/null >/dev/null 2>&1 &"
    end = time.monotonic() + 10 * PATIENCE
    while not command.prints(told := re.sub(r"^status \d+\n\Z", "", machine(text, user), flags=re.MULTILINE)):
        looks = text.startswith(("sv status", "SVDIR=~/service sv status", "cat", "tail"))
        assert looks, f"{text!r} prints {told!r}"
        assert time.monotonic() < end, f"{text!r} still prints {told!r}"
        time.sleep(0.2)


def test_a_service_in_five_minutes(machine: Machine) -> None:
    commands = page.commands(FIVE_MINUTES)
    assert len(commands) > 25
    for command in commands:
        typed(machine, command)


def test_from_runit_and_back(machine: Machine) -> None:
    """Services and loggers go on when ours take over, with their pids; all that was printed is in the log."""
    machine.use("debians")
    machine.service("web", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done", "svlogd .")
    machine.runsvdir()
    machine.until("sv status web", "^run: web.*; run: log")
    pids = "cat /etc/sv/web/supervise/pid /etc/sv/web/log/supervise/pid"
    before = machine(pids)
    for command in page.commands(FROM_RUNIT):
        if command.text.startswith("inittab-install"):
            if "--undo" in command.text:
                assert machine(pids) == before
            machine.use("debians" if "--undo" in command.text else "ours")
        else:
            typed(machine, command)
    assert machine(pids) != before
    numbers = [int(line) for line in machine("cat /etc/sv/web/log/current").split()]
    second = numbers.index(0, 1)
    assert numbers[:second] == [*range(second)]
    assert numbers[second:] == [*range(len(numbers) - second)]


def test_the_tests_that_are_named_are_there() -> None:
    named = set(re.findall(r"``(test_\w+)``", FROM_RUNIT.read_text()))
    files = Path(__file__).parent.glob("test_*.py")
    there = {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= there, named - there
