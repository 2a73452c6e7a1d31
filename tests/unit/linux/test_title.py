"""The title, in a process of its own and with a kernel that fails."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from sysvinit_py.linux import calls, title

ROOT = Path(__file__).parents[3]
SHOW = """
import sys
sys.path.insert(0, sys.argv[1])
from sysvinit_py.linux import title
for text in sys.argv[2].split(","):
    title.show(text)
    with open("/proc/self/cmdline", "rb") as file:
        shown = file.read()
    print(len(shown), shown.rstrip(bytes(1)).decode())
"""


def test_it_replaces_the_arguments() -> None:
    command = [sys.executable, "-IS", "-c", SHOW, str(ROOT), "init boot,init [2]"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    room = sum(len(word.encode()) + 1 for word in command)
    assert shown == [f"{room} init boot", f"{room} init [2]"]


def test_one_that_is_too_long_is_cut() -> None:
    command = [sys.executable, "-IS", "-c", SHOW, str(ROOT), "x" * 5000]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(shown.split()[1]) == {"x"}


@pytest.mark.parametrize("fails", ["open", "read", "pwrite"])
def test_without_proc_there_is_none(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOENT, "")

    monkeypatch.setattr(calls, "pwrite", fail)  # not this process's
    monkeypatch.setattr(calls, fails, fail)
    title.show("init [2]")


@pytest.mark.parametrize("stat", [b"", b"1 (init) S 0", b"1 (a) b) S" + b" x" * 60])
def test_a_strange_stat(monkeypatch: pytest.MonkeyPatch, stat: bytes) -> None:
    monkeypatch.setattr(calls, "read", lambda fd, size: stat)
    title.show("init [2]")
