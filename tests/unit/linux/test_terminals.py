"""Whether the terminals are there that gettys need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.linux import calls, terminals
from sysvinit_py.linux.terminals import missing


@pytest.fixture(autouse=True)
def command_line(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words = ["quiet"]
    monkeypatch.setattr(terminals, "kernel_command_line", lambda: " ".join(words))
    return words


def test_missing(tmp_path: Path) -> None:
    nothing, file = str(tmp_path / "ttyUSB0"), str(tmp_path / "ttyUSB1")
    below_a_file, link = f"{file}/x", str(tmp_path / "modem")
    Path(file).touch()
    os.symlink("/dev/null", link)
    assert missing(()) == ()
    assert missing(("/dev/null", link)) == ()
    assert missing(("/dev/null", nothing, file, below_a_file)) == (nothing, file, below_a_file)


def test_what_cannot_be_looked_at_may_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(path: str) -> None:
        raise PermissionError

    monkeypatch.setattr(calls, "stat", stat)
    assert missing(("/dev/ttyS0",)) == ()


def test_turned_off(command_line: list[str]) -> None:
    command_line.append("init.ttycheck=0")
    assert missing(("/dev/none",)) == ()
