"""Whether what runs in a sandbox has come to rest."""

from __future__ import annotations

import pytest

from sysvinit_py.sandbox.sandbox import Process
from sysvinit_py.sandbox.watch import REST, Watch


def process(pid: int, title: str = "x", state: str = "S") -> Process:
    return Process(pid, "x", state, ppid=1, pgid=pid, sid=pid, tty=0, tpgid=-1, title=title)


class Sandbox:
    """Shows what it is told to, at the time that it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.shown: list[Process] = []
        self.watch = Watch(self, clock=lambda: self.now)

    def processes(self) -> list[Process]:
        return self.shown

    def show(self, *shown: Process, after: float = 0.0) -> Watch:
        self.shown = list(shown)
        self.now += after
        self.watch.look()
        return self.watch


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.mark.parametrize(
    ("title", "level"),
    [("init [2]", "2"), ("init [S]", "S"), ("init boot", ""), ("init", ""), ("sh init [2]", "")],
)
def test_level(sandbox: Sandbox, title: str, level: str) -> None:
    assert sandbox.show(process(1, title)).level == level


def test_nothing_seen_is_not_settled(sandbox: Sandbox) -> None:
    watch = sandbox.show(after=2 * REST)
    assert not watch.settled
    assert not watch.nothing_left


def test_settled_after_rest(sandbox: Sandbox) -> None:
    shown = process(1, "init [2]"), process(7)
    assert not sandbox.show(*shown).settled
    assert not sandbox.show(*shown, after=REST / 2).settled
    assert sandbox.show(*shown, after=REST / 2).settled


@pytest.mark.parametrize(
    "news",
    [[process(1, "init [3]"), process(7)], [process(1, "init [2]")], [process(1, "init [2]"), process(8)]],
)
def test_any_change_begins_anew(sandbox: Sandbox, news: list[Process]) -> None:
    sandbox.show(process(1, "init [2]"), process(7))
    assert not sandbox.show(*news, after=REST).settled
    assert sandbox.show(*news, after=REST).settled


def test_restart_begins_anew(sandbox: Sandbox) -> None:
    sandbox.show(process(1, "init [2]"))
    sandbox.now += REST / 2
    sandbox.watch.restart()
    assert not sandbox.show(process(1, "init [2]"), after=REST / 2).settled
    assert sandbox.show(process(1, "init [2]"), after=REST / 2).settled


def test_boot_is_never_settled(sandbox: Sandbox) -> None:
    sandbox.show(process(1, "init boot"))
    assert not sandbox.show(process(1, "init boot"), after=10 * REST).settled


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ([process(1, "init [0]")], True),
        ([process(1, "init [6]")], True),
        ([process(1, "init [0]"), process(9, state="Z")], True),
        ([process(1, "init [0]"), process(9)], False),
        ([process(1, "init [2]")], False),
    ],
)
def test_nothing_left(sandbox: Sandbox, shown: list[Process], left: bool) -> None:
    assert not sandbox.show(*shown).nothing_left
    assert sandbox.show(*shown, after=REST).nothing_left == left
