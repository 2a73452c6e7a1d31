"""Effects that are signals, and what the machine is answered."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.machine import effects as fx
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.effect_runner import EffectRunner

TERM = signal.SIGTERM


class Kernel:
    """Has these groups, and notes what is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.groups: set[int] = set()
        self.running: set[int] = set()
        self.sent: list[tuple[str, int, int]] = []
        monkeypatch.setattr(calls, "killpg", self.killpg)
        monkeypatch.setattr(calls, "kill", lambda pid, number: self.sent.append(("kill", pid, number)))
        nothing: Any = None
        self.runner = EffectRunner(
            nothing, nothing, nothing, nothing, {}, nothing, self.running.__contains__, nothing, lambda: 0.0
        )

    def killpg(self, group: int, number: int) -> None:
        if group not in self.groups:
            raise ProcessLookupError
        self.sent.append(("killpg", group, number))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(monkeypatch)


@pytest.mark.parametrize(
    ("groups", "running", "expected"),
    [
        ({5}, {5}, [("killpg", 5, TERM)]),
        (set(), {5}, [("kill", 5, TERM)]),  # forked just now, it has made no group yet
        (set(), set(), []),  # the pid may be somebody else's
    ],
)
def test_signals_to_groups(kernel: Kernel, groups: set[int], running: set[int], expected: list[Any]) -> None:
    kernel.groups |= groups
    kernel.running |= running
    kernel.runner.perform(fx.Signal(5, "TERM"))
    assert kernel.sent == expected


def test_any_signal_to_a_group_or_to_its_leader(kernel: Kernel) -> None:
    kernel.groups, kernel.running = {5}, {5}
    kernel.runner.perform(fx.Signal(5, 3))
    kernel.runner.perform(fx.Signal(5, 10, leader_only=True))
    assert kernel.sent == [("killpg", 5, 3), ("kill", 5, 10)]


def test_a_probe(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysvinit_py.pid1.groups._alive", lambda: {5})
    kernel.groups = {5}
    assert kernel.runner.perform(fx.Probe(5)) is None
    assert kernel.runner.perform(fx.Probe(6)) == ev.GroupGone(6)
