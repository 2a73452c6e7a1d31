"""Is anybody left of a process group? With real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1 import groups
from sysvinit_py.pid1.groups import Groups

#: A leader with a member that has ended, whose parent has left the group and does not reap it.
LEAVES_A_ZOMBIE = """\
import os, sys, time
if not os.fork():
    member = os.fork()
    if not member:
        os._exit(0)
    os.setsid()
    os.waitid(os.P_PID, member, os.WEXITED | os.WNOWAIT)
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""
#: A leader with a member whose main thread has ended before another one.
LEAVES_A_THREAD = """\
import ctypes, os, sys, threading, time
if not os.fork():
    threading.Thread(target=time.sleep, args=(60,)).start()
    print(os.getpid(), flush=True)
    ctypes.CDLL(None).pthread_exit(None)
time.sleep(60)
"""


@pytest.fixture
def start() -> Iterator[Callable[[str], tuple[int, int]]]:
    """Starts a script as a group leader, ends that, and returns the group and the pid that it has printed."""
    printed = []

    def start(script: str) -> tuple[int, int]:
        with subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, process_group=0
        ) as leader:
            assert leader.stdout
            printed.append(int(leader.stdout.readline()))
            leader.kill()
            leader.stdout.close()
        return leader.pid, printed[-1]

    yield start
    for pid in printed:
        os.kill(pid, 9)


def test_a_zombie_is_nobody(start: Callable[[str], tuple[int, int]]) -> None:
    """Regression: a level was not entered before the wait time and more had passed."""
    group, _ = start(LEAVES_A_ZOMBIE)
    os.killpg(group, 0)
    assert Groups().is_gone(group, 0.0)


def test_a_process_without_its_main_thread_is_somebody(start: Callable[[str], tuple[int, int]]) -> None:
    """It is a zombie by its state."""
    group, member = start(LEAVES_A_THREAD)
    while _state(member) != "Z":
        time.sleep(0.01)
    assert not Groups().is_gone(group, 0.0)


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_no_group() -> None:
    assert Groups().is_gone(2**22 + 1, 0.0)


def test_one_that_lives() -> None:
    looker = Groups()
    assert not looker.is_gone(os.getpgrp(), 0.0)
    assert not looker.is_gone(os.getpgrp(), 9.0)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Makes up groups that signal 0 finds somebody in, and returns when they were looked at more closely."""
    monkeypatch.setattr(calls, "killpg", lambda group, number: None)
    return []


def test_looks_grow_rare(looks: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """And are for all groups together; a signal makes the next one due."""
    now = 0.0

    def alive() -> set[int]:
        looks.append(round(now, 2))
        return {5, 6}

    monkeypatch.setattr(groups, "_alive", alive)
    looker = Groups()
    for tick in range(0, 200, 2):
        now = tick / 100
        assert not looker.is_gone(5, now)
        assert not looker.is_gone(6, now)
    assert looks == [0.0, 0.04, 0.1, 0.22, 0.46, 0.94, 1.44, 1.94]
    looker.signalled()
    assert not looker.is_gone(5, now)
    assert looks[-1] == now


@pytest.mark.parametrize("seen_later", [{5}, None])
def test_a_member_that_was_forked_meanwhile(
    looks: list[float], monkeypatch: pytest.MonkeyPatch, seen_later: set[int] | None
) -> None:
    """It was in the list of /proc neither before nor after. Nobody is gone who was seen only once."""
    answers = iter([set(), seen_later])
    monkeypatch.setattr(groups, "_alive", lambda: next(answers))
    assert not Groups().is_gone(5, 0.0)


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, OSError])
def test_without_proc(looks: list[float], monkeypatch: pytest.MonkeyPatch, error: type[OSError]) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(calls, "open", fails)
    assert not Groups().is_gone(2**22 + 1, 0.0)


def test_proc_of_another_namespace(looks: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are of other processes."""
    monkeypatch.setattr(calls, "getpid", lambda: 1)
    assert not Groups().is_gone(2**22 + 1, 0.0)


def test_not_allowed_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(group: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(calls, "killpg", refuses)
    assert Groups().is_gone(2**22 + 1, 0.0)
    assert not Groups().is_gone(os.getpgrp(), 0.0)
