"""The daemon's files."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sysvinit_py.initeventd import run_files
from sysvinit_py.initeventd.run_files import AlreadyRunningError, PidFile, StateFile


@pytest.fixture
def pid_path(tmp_path: Path) -> Path:
    return tmp_path / "initeventd.pid"


def test_pid_file(pid_path: Path) -> None:
    with PidFile(pid_path) as pid_file:
        assert pid_path.read_text() == f"{os.getpid()}\n"
        assert pid_path.stat().st_mode & 0o077 == 0, "who can open it can lock it"
        assert os.get_inheritable(pid_file.fileno()) is False
        with pytest.raises(AlreadyRunningError, match=f"^{os.getpid()}$"):
            PidFile(pid_path)
    assert not pid_path.exists()


def test_the_other_has_not_written_its_pid_yet(pid_path: Path) -> None:
    pid_file = PidFile(pid_path)
    with pytest.raises(AlreadyRunningError, match=r"^\?$"):
        PidFile(pid_path)
    with pid_file:
        pass


def test_pid_file_of_one_that_was_killed(pid_path: Path) -> None:
    code = "import sys, time; from sysvinit_py.initeventd.run_files import *\n"
    code += "with PidFile(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, pid_path], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(AlreadyRunningError, match=str(other.pid)):
            PidFile(pid_path)
        other.send_signal(signal.SIGKILL)
    pid_file = PidFile(pid_path)
    assert pid_path.read_text() == "", "it is not the pid of the one that has the lock"
    with pid_file:
        assert pid_path.read_text() == f"{os.getpid()}\n"


def test_pid_file_that_is_removed_meanwhile(pid_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened while the daemon before still had it, locked when that had removed it: it would lock nothing."""
    real = fcntl.flock
    opened: list[int] = []

    def flock(fd: int, how: int) -> None:
        opened.append(fd)
        if len(opened) == 1:
            pid_path.unlink()
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with PidFile(pid_path):
        assert len(opened) == 2
        assert pid_path.exists()


def test_state(tmp_path: Path) -> None:
    path = tmp_path / "state"
    StateFile(path).save({"power": "ok"})
    assert StateFile(path).load() == {"power": "ok"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_state_of_another_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boot_id").write_text("before\n")
    monkeypatch.setattr(run_files, "BOOT_ID", tmp_path / "boot_id")
    StateFile(tmp_path / "state").save({"power": "failed"})
    (tmp_path / "boot_id").write_text("after\n")
    assert StateFile(tmp_path / "state").load() is None


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"{", b"[]", b"7", b'{"boot": 1}', b"[" * 100_000])
def test_no_state(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "state").write_bytes(content)
    assert StateFile(tmp_path / "state").load() is None


def test_state_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        StateFile(tmp_path / "none" / "state").save({})


def test_state_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "BOOT_ID", tmp_path / "none")
    StateFile(tmp_path / "state").save({"power": "ok"})
    assert StateFile(tmp_path / "state").load() == {"power": "ok"}
