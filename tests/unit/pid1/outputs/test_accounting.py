"""utmp and wtmp, in a folder of the test's."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1.outputs import accounting as module
from sysvinit_py.pid1.outputs.accounting import Accounting
from sysvinit_py.protocol import utmp
from sysvinit_py.protocol.utmp import BOOT_TIME, DEAD_PROCESS, INIT_PROCESS, LOGIN_PROCESS, RUN_LVL


class Files:
    """Both files, and the accounting that writes them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.utmp, self.wtmp = folder / "utmp", folder / "wtmp"
        monkeypatch.setattr(module, "UTMP", str(self.utmp))
        monkeypatch.setattr(module, "WTMP", str(self.wtmp))
        self.wtmp.touch()
        self.accounting = Accounting()
        self.accounting.create()

    def seen(self, path: Path | None = None) -> list[tuple[int, int, str, str]]:
        """Type, pid, id and line of all records."""
        content = (path or self.utmp).read_bytes()
        assert len(content) % utmp.SIZE == 0
        records = [utmp.unpack(content, at) for at in range(0, len(content), utmp.SIZE)]
        return [(record.type, record.pid, record.id, record.line) for record in records]

    @property
    def logged(self) -> list[tuple[int, int, str, str]]:
        return self.seen(self.wtmp)


BOOT = (BOOT_TIME, 0, "~~", "~")
LEVEL_2 = (RUN_LVL, ord("2") + 256 * ord("N"), "~~", "~")
LEVEL_3 = (RUN_LVL, ord("3") + 256 * ord("2"), "~~", "~")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield Files(tmp_path, monkeypatch)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_life(files: Files) -> None:
    files.accounting.boot()
    files.accounting.level("2", "N")
    files.accounting.started("a", 5, read_by_child=True)
    files.accounting.started("b", 6, read_by_child=True)
    files.accounting.ended("a", 5)
    files.accounting.started("a", 7, read_by_child=True)
    files.accounting.level("3", "2")
    assert files.seen() == [BOOT, LEVEL_3, (INIT_PROCESS, 7, "a", ""), (INIT_PROCESS, 6, "b", "")]
    assert files.logged == [
        BOOT,
        LEVEL_2,
        (INIT_PROCESS, 5, "a", ""),
        (INIT_PROCESS, 6, "b", ""),
        (DEAD_PROCESS, 5, "a", ""),
        (INIT_PROCESS, 7, "a", ""),
        LEVEL_3,
    ]
    content = files.wtmp.read_bytes()
    hosts = {utmp.unpack(content, at).host for at in range(0, len(content), utmp.SIZE)}
    assert hosts == {os.uname().release}


def test_create_empties_it(files: Files) -> None:
    files.accounting.boot()
    files.accounting.create()
    assert files.utmp.read_bytes() == b""
    assert files.utmp.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("late", ["utmp", "wtmp"])
def test_what_could_not_be_written_is_written_later(files: Files, late: str) -> None:
    path = getattr(files, late)
    path.unlink()
    files.accounting.boot()
    files.accounting.level("2", "N")
    files.accounting.started("a", 5, read_by_child=True)
    assert not path.exists()
    assert files.accounting.recorded == (False, False)
    path.touch()
    files.accounting.write_all()
    assert files.seen(path) == [BOOT, LEVEL_2]
    assert files.accounting.recorded == (True, True)
    files.accounting.ended("a", 5)
    files.accounting.write()
    assert files.seen(path)[2:] == [(DEAD_PROCESS, 5, "a", "")]


def test_late_levels_are_all_in_wtmp_and_the_last_in_utmp(files: Files) -> None:
    files.utmp.unlink()
    files.wtmp.unlink()
    files.accounting.boot()
    files.accounting.level("2", "N")
    files.accounting.level("3", "2")
    files.utmp.touch()
    files.wtmp.touch()
    files.accounting.started("a", 5, read_by_child=True)
    assert files.seen()[:2] == [BOOT, LEVEL_3]
    assert files.logged == [BOOT, LEVEL_2, LEVEL_3, (INIT_PROCESS, 5, "a", "")]


def test_late_records_have_a_limit(files: Files) -> None:
    files.wtmp.unlink()
    for n in range(100):
        files.accounting.level("23"[n % 2], "32"[n % 2])
    files.wtmp.touch()
    files.accounting.write_all()
    assert len(files.logged) == module._MAX_DEFERRED


def test_a_disk_that_is_full(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(calls, "write", fails)
        patch.setattr(calls, "pwrite", fails)
        files.accounting.boot()
        files.accounting.started("a", 5, read_by_child=True)
    assert files.seen() == files.logged == []
    files.accounting.write_all()
    assert files.seen() == files.logged == [BOOT]


# A getty's own record.


def login(pid: int) -> bytes:
    return utmp.pack(utmp.Record(LOGIN_PROCESS, pid, "tty1", "1", "LOGIN", "host"))


def test_a_getty_that_was_first_is_left_alone(files: Files) -> None:
    files.utmp.write_bytes(login(5))
    files.accounting.started("1", 5, read_by_child=True)
    assert files.utmp.read_bytes() == login(5)
    assert files.logged == [(INIT_PROCESS, 5, "1", "")]


def test_the_record_of_one_before_is_replaced(files: Files) -> None:
    files.utmp.write_bytes(login(4))
    files.accounting.started("1", 5, read_by_child=True)
    assert files.seen() == [(INIT_PROCESS, 5, "1", "")]


def test_the_end_keeps_the_line(files: Files) -> None:
    files.accounting.started("1", 5, read_by_child=True)
    files.utmp.write_bytes(login(5))
    files.accounting.ended("1", 5)
    files.accounting.write()
    assert files.seen() == [(DEAD_PROCESS, 5, "1", "tty1")]
    assert files.logged[-1] == (DEAD_PROCESS, 5, "1", "tty1")
    record = utmp.unpack(files.utmp.read_bytes())
    assert (record.user, record.host) == ("", "")


def test_the_end_of_one_keeps_no_other_ones_line(files: Files) -> None:
    files.utmp.write_bytes(login(4))
    files.accounting.ended("1", 5)
    files.accounting.write()
    assert files.seen() == [(DEAD_PROCESS, 5, "1", "")]


def test_an_end_is_written_with_the_start_that_follows(files: Files) -> None:
    """Nobody waits for the record of an end: the respawn comes first."""
    files.accounting.started("1", 5, read_by_child=True)
    files.accounting.ended("1", 5)
    assert files.seen() == files.logged == [(INIT_PROCESS, 5, "1", "")]
    files.accounting.started("1", 6, read_by_child=True)
    assert files.seen() == [(INIT_PROCESS, 6, "1", "")]
    assert files.logged[1:] == [(DEAD_PROCESS, 5, "1", ""), (INIT_PROCESS, 6, "1", "")]


def test_starts_that_nobody_looks_for_are_written_together(files: Files) -> None:
    for pid in range(5, 9):
        files.accounting.started(f"e{pid}", pid, read_by_child=False)
    files.accounting.ended("e5", 5)
    assert files.seen() == files.logged == []
    files.accounting.write()
    assert files.seen() == [
        (DEAD_PROCESS, 5, "e5", ""), *((INIT_PROCESS, pid, f"e{pid}", "") for pid in range(6, 9))
    ]  # fmt: skip
    started = [(INIT_PROCESS, pid, f"e{pid}", "") for pid in range(5, 9)]
    assert files.logged == [*started, (DEAD_PROCESS, 5, "e5", "")]


def test_a_getty_that_was_faster_than_the_end_of_the_last_one(files: Files) -> None:
    """It has written its record when that of the end is still to be written."""
    files.accounting.started("1", 5, read_by_child=True)
    files.accounting.ended("1", 5)
    files.utmp.write_bytes(login(6))
    files.accounting.started("1", 6, read_by_child=True)
    assert files.utmp.read_bytes() == login(6)
    assert files.logged[1:] == [(DEAD_PROCESS, 5, "1", ""), (INIT_PROCESS, 6, "1", "")]


def test_found_where_it_was_last_and_after_it_has_moved(files: Files) -> None:
    files.accounting.boot()
    files.accounting.started("1", 5, read_by_child=True)
    content = files.utmp.read_bytes()
    files.utmp.write_bytes(content[utmp.SIZE :] + content[: utmp.SIZE])
    files.accounting.ended("1", 5)
    files.accounting.write()
    assert files.seen() == [(DEAD_PROCESS, 5, "1", ""), BOOT]
    files.utmp.write_bytes(b"")
    files.accounting.started("1", 6, read_by_child=True)
    assert files.seen() == [(INIT_PROCESS, 6, "1", "")]


# What must not stop init.


def test_a_lock_of_somebody_else(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(file: int, how: int) -> None:
        assert how & 4, "LOCK_NB"
        raise BlockingIOError(errno.EAGAIN, "")

    monkeypatch.setattr(calls, "lockf", held)
    files.accounting.started("a", 5, read_by_child=True)
    assert files.seen() == [(INIT_PROCESS, 5, "a", "")]


@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "missing folder"])
def test_what_is_no_file(files: Files, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    for path in (files.utmp, files.wtmp):
        path.unlink()
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/full")
        else:
            monkeypatch.setattr(module, path.name.upper(), "/no/such/file")
    files.accounting.create()
    files.accounting.boot()
    files.accounting.level("2", "N")
    files.accounting.started("a", 5, read_by_child=True)
    files.accounting.ended("a", 5)
    files.accounting.write()


def test_a_torn_record_at_the_end_is_lost(files: Files) -> None:
    files.utmp.write_bytes(login(4) + b"x" * 100)
    files.accounting.started("a", 5, read_by_child=True)
    assert files.seen() == [(LOGIN_PROCESS, 4, "1", "tty1"), (INIT_PROCESS, 5, "a", "")]
