"""A log directory: rotation, crashes, a full disk, a directory that goes, the processor."""

from __future__ import annotations

import os
import posix
import socket
import stat
import time
from collections.abc import Iterator
from errno import EAGAIN, EIO, ENOSPC
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.logs import folder as module
from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.rules import Rules
from sysvinit_py.logs.stamps import tai64n

STEM = "@400000006b07f17d117ed0"


class Opened:
    """Opens folders, and closes them after the test."""

    def __init__(self, path: Path) -> None:
        self.path, self.warned, self.copied, self.told = path, list[str](), list[bytes](), list[str]()
        self.folders: list[Folder] = []
        path.mkdir()

    def __call__(self, **arguments: Any) -> Folder:
        arguments |= {"warn": self.warned.append, "info": self.told.append, "copy": self.copied.append}
        folder = Folder(str(self.path), **arguments)
        self.folders.append(folder)
        return folder

    def put(self, name: str, content: str = "old\n", mode: int = 0o744) -> None:
        (self.path / name).write_text(content)
        (self.path / name).chmod(mode)

    def old(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.name.startswith("@"))

    def text(self) -> bytes:
        """All that was written, the oldest first."""
        names = [*(name for name in self.old() if name[-1] in "su"), "current"]
        return b"".join((self.path / name).read_bytes() for name in names)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "log")
    yield opened
    for folder in opened.folders:
        folder.close()


class Clock:
    """Stands in for the time module."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return 1795682675 * 10**9  # it stands still: no two names may be the same


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_lines_are_written_and_the_modes_are_svlogds(opened: Opened) -> None:
    folder = opened()
    assert folder.write([b"one\n", b"two\n"])
    assert not folder.busy
    assert folder.deadline is None
    assert (opened.path / "current").read_bytes() == b"one\ntwo\n"
    assert (mode(opened.path / "current"), mode(opened.path / "lock")) == (0o644, 0o600)
    folder.close()
    assert mode(opened.path / "current") == 0o744
    folder.close()


def test_stamp_and_prefix_are_at_the_start_of_a_line_only(opened: Opened, clock: Clock) -> None:
    folder = opened(stamp=tai64n, rules=Rules(prefix=b"web: "))
    folder.write([b"xx"])
    folder.write([b"yy\n", b"z\n"])
    stamp = tai64n(clock.time_ns())
    assert opened.text() == stamp + b" web: xxyy\n" + stamp + b" web: z\n"


def test_it_is_locked(opened: Opened) -> None:
    opened()
    with pytest.raises(BlockingIOError):
        opened()


def test_no_such_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Folder(str(tmp_path / "none"))


def test_it_rotates_at_a_line_end_near_the_size(opened: Opened) -> None:
    folder = opened(rules=Rules(size=100), length=20)
    folder.write([b"%06d\n" % number for number in range(41)])
    assert [(opened.path / name).stat().st_size for name in opened.old()] == [84, 84, 84]
    assert {mode(opened.path / name) for name in opened.old()} == {0o744}
    assert (opened.path / "current").stat().st_size == 35


def test_a_line_without_end_rotates_at_the_size(opened: Opened, clock: Clock) -> None:
    folder = opened(rules=Rules(size=30, keep=0))
    folder.write([b"x" * 100, b"y\n"])
    assert [(opened.path / name).stat().st_size for name in opened.old()] == [30, 30, 30]
    assert opened.text() == b"x" * 100 + b"y\n"


def test_a_current_that_is_too_big_already(opened: Opened) -> None:
    opened.put("current", "x" * 200)
    folder = opened(rules=Rules(size=100))
    folder.write([b"y\n"])
    assert [(opened.path / name).stat().st_size for name in opened.old()] == [200]


def test_size_0_never_rotates(opened: Opened) -> None:
    folder = opened(rules=Rules(size=0))
    folder.write([b"x" * 1999 + b"\n"] * 1000)
    assert opened.old() == []


def test_one_old_file_goes_for_each_new_one(opened: Opened) -> None:
    for name in ("01.s", "02.s", "03.u", "04.x"):
        opened.put(STEM + name)
    opened.put(STEM + "00.t")
    for name in (STEM + "00", STEM + "00.s.gz", "@x.s", "other"):
        opened.put(name)
    folder = opened(rules=Rules(keep=2))
    folder.write([b"a\n"])
    folder.rotate()
    assert STEM + "01.s" not in opened.old()
    assert STEM + "00.t" not in opened.old()
    assert len(opened.old()) == 7
    assert opened.warned == []


def test_an_old_file_that_cannot_be_removed(opened: Opened) -> None:
    (opened.path / (STEM + "01.s")).mkdir()
    (opened.path / (STEM + "01.t")).mkdir()
    folder = opened(rules=Rules(keep=1))
    folder.write([b"a\n"])
    folder.rotate()
    assert len(opened.warned) == 2
    assert not folder.busy


def test_what_cannot_be_removed_does_not_keep_the_others(opened: Opened) -> None:
    """A directory with such a name, the oldest one, once ended all removal."""
    (opened.path / f"@{'0' * 24}.s").mkdir()
    folder = opened(rules=Rules(keep=2))
    for line in (b"one\n", b"two\n", b"three\n"):
        folder.write([line])
        folder.rotate()
    old = [(opened.path / name).read_bytes() for name in opened.old()[1:]]
    assert old == [b"two\n", b"three\n"]


def test_an_empty_current_is_not_rotated(opened: Opened) -> None:
    folder = opened()
    folder.rotate()
    assert opened.old() == []


def test_age(opened: Opened, clock: Clock) -> None:
    folder = opened(rules=Rules(age=10))
    assert folder.deadline == 1010
    clock.seconds = 1010
    assert folder.flush()
    assert (opened.old(), folder.deadline) == ([], 1020)
    folder.write([b"a\n"])
    clock.seconds = 1020
    folder.flush()
    assert (len(opened.old()), folder.deadline) == (1, 1030)


@pytest.mark.parametrize(
    ("content", "mode", "old", "current"),
    [
        ("torn", 0o644, [b"torn"], b"new\n"),
        ("torn", 0o645, [b"torn"], b"new\n"),
        ("", 0o644, [], b"new\n"),
        ("whole\n", 0o744, [], b"whole\nnew\n"),
    ],
)
def test_what_a_crash_left(opened: Opened, content: str, mode: int, old: list[bytes], current: bytes) -> None:
    opened.put("current", content, mode)
    opened().write([b"new\n"])
    assert [(opened.path / name).read_bytes() for name in opened.old()] == old
    assert all(name.endswith(".u") for name in opened.old())
    assert (opened.path / "current").read_bytes() == current


def test_a_link_or_fifo_is_not_written_through(opened: Opened, tmp_path: Path) -> None:
    """Guards against a current that leads elsewhere, and one that blocks whoever opens it."""
    other = tmp_path / "other"
    other.write_text("precious")
    other.chmod(0o755)
    (opened.path / "current").symlink_to(other)
    folder = opened()
    folder.write([b"new\n"])
    folder.close()
    (opened.path / "current").unlink()
    os.mkfifo(opened.path / "current", 0o755)
    assert opened().write([b"new\n"])
    assert other.read_text() == "precious"
    assert len(opened.old()) == 2


def test_config_is_read(opened: Opened) -> None:
    opened.put("config", "pweb: \nx\n")
    opened().write([b"a\n"])
    assert opened.text() == b"web: a\n"
    assert opened.warned == [f"{opened.path}: config, line 2: not understood, ignored: x"]


def test_a_config_that_cannot_be_read(opened: Opened) -> None:
    (opened.path / "config").mkdir()
    assert opened().rules == Rules()
    assert "Is a directory" in opened.warned[0]


def test_patterns_see_the_beginning_of_a_line(opened: Opened) -> None:
    opened.put("config", "-drop*\nee*\n")
    folder = opened(length=5)
    folder.write([b"drop", b"ped\n", b"keep\n", b"e2345678\n", b"e\n"])
    assert opened.text() == b"keep\ne2345678\ne\n"
    assert opened.copied == [b"e2345...\n", b"e\n"]


@pytest.mark.parametrize("letter", ["u", "U"])
def test_udp(opened: Opened, letter: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        opened.put("config", f"{letter}127.0.0.1:{receiver.getsockname()[1]}\n-drop\npP-\n")
        folder = opened()
        folder.write([b"one\n", b"drop\n", b"two\n"])
        assert [receiver.recv(99), receiver.recv(99)] == [b"P-one\n", b"P-two\n"]
        assert opened.text() == (b"P-one\nP-two\n" if letter == "u" else b"")


def test_udp_that_fails_is_said(opened: Opened) -> None:
    folder = opened(rules=Rules(udp=("255.255.255.255", 9)))  # not allowed without SO_BROADCAST
    folder.write([b"one\n"])
    assert "a line is lost" in opened.warned[0]
    assert opened.text() == b"one\n"


# What goes wrong.


class Full:
    """Takes the place of os.write: a disk with room for so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, error: int = ENOSPC) -> None:
        self.room, self.error, self._write = room, error, os.write
        monkeypatch.setattr(posix, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(self.error, os.strerror(self.error))
        done = self._write(fd, data[: self.room])
        self.room -= done
        return done


def test_a_full_disk_loses_nothing(opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Full(monkeypatch, 6)
    folder = opened()
    assert folder.write([b"one\n", b"two\n"])
    assert folder.busy
    assert folder.deadline == 1003
    assert not folder.write([b"three\n"])
    disk.room = 100
    assert not folder.flush(), "it is not time yet"
    clock.seconds = 1003
    assert folder.write([b"three\n"])
    assert opened.text() == b"one\ntwo\nthree\n"
    assert opened.warned == [
        f"pausing: unable to write to current: {opened.path}: No space left on device",
        f"{opened.path}: written again",
    ]


def test_trouble_is_said_once(opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    Full(monkeypatch, 0, EIO)
    folder = opened()
    folder.write([b"one\n"])
    for _ in range(5):
        clock.seconds += 10
        assert not folder.flush()
    assert len(opened.warned) == 1


def test_old_files_go_for_a_full_disk(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("01.s", "02.s", "03.s"):
        opened.put(STEM + name)
    Full(monkeypatch, 0)
    folder = opened(rules=Rules(least=1))
    folder.write([b"one\n"])
    assert folder.busy
    assert opened.old() == [STEM + "03.s"]
    assert sum("out of disk space" in text for text in opened.warned) == 2


def test_an_old_file_that_stays_on_a_full_disk(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("01.s", "02.s"):
        (opened.path / (STEM + name)).mkdir()
    Full(monkeypatch, 0)
    folder = opened(rules=Rules(least=1))
    folder.write([b"one\n"])
    assert folder.busy


def test_a_rotation_that_fails_is_done_later(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = opened(rules=Rules(size=4, keep=0), length=0)
    with monkeypatch.context() as patch:
        patch.setattr(posix, "rename", lambda *_, **__: (_ for _ in ()).throw(OSError(EIO, "broken")))
        folder.write([b"one\n", b"two\n"])
    assert folder.busy
    clock.seconds += 3
    assert folder.flush()
    assert opened.text() == b"one\ntwo\n"
    assert len(opened.old()) == 2


def remove(path: Path) -> None:
    for inner in path.iterdir():
        inner.unlink()
    path.rmdir()


def test_a_directory_that_was_removed_is_made_again(opened: Opened) -> None:
    folder = opened()
    folder.write([b"one\n"])
    remove(opened.path)
    assert folder.write([b"two\n"])
    assert opened.text() == b"two\n"
    (opened.path / "current").unlink()
    folder.write([b"three\n"])
    assert opened.text() == b"three\n"


def test_a_directory_whose_parent_is_gone_is_waited_for(opened: Opened, clock: Clock) -> None:
    parent = opened.path.parent
    opened.path = parent / "a" / "log"
    opened.path.mkdir(parents=True)
    folder = opened()
    remove(opened.path)
    opened.path.parent.rmdir()
    assert folder.write([b"one\n"])
    folder.rotate()
    assert folder.busy
    opened.path.parent.mkdir()
    clock.seconds += 3
    assert folder.flush()
    assert opened.text() == b"one\n"


# The processor.


def wait(folder: Folder) -> None:
    end = time.monotonic() + 20
    while folder.busy and time.monotonic() < end:
        time.sleep(0.01)
        folder.flush()
    assert not folder.busy


def test_processor(opened: Opened) -> None:
    opened.put("config", "n2\n!tr a-z A-Z; cat <&4; echo state >&5\n")
    folder = opened()
    for line in (b"one\n", b"two\n"):
        folder.write([line])
        folder.rotate()
        wait(folder)
    assert [(opened.path / name).read_text() for name in opened.old()] == ["ONE\n", "TWO\nstate\n"]
    assert {(name[-2:], mode(opened.path / name)) for name in opened.old()} == {(".s", 0o744)}
    assert (opened.path / "state").read_text() == "state\n"


def test_the_next_rotation_waits_for_the_processor(opened: Opened) -> None:
    folder = opened(
        rules=Rules(size=4, keep=0, processor=b"while ! [ -e go ]; do sleep 0.01; done; cat"), length=0
    )
    folder.write([b"one\n", b"two\n", b"six\n"])
    assert {name[-2:] for name in opened.old()} <= {".u", ".t"}
    assert folder.busy
    assert not folder.write([b"more"])
    opened.put("go")
    wait(folder)
    assert opened.text() == b"one\ntwo\nsix\n"


def test_a_processor_that_fails_is_started_again_after_a_pause(opened: Opened) -> None:
    """Guards against svlogd's 400 failing processors a second."""
    folder = opened(rules=Rules(processor=b"[ -e go ] && cat"))
    folder.write([b"one\n"])
    folder.rotate()
    end = time.monotonic() + 20
    while not opened.warned and time.monotonic() < end:
        folder.flush()
    assert "processor failed" in opened.warned[0]
    assert folder.deadline is not None
    assert folder.deadline > time.monotonic() + 0.5
    assert folder.write([b"two\n"]), "current is still written"
    opened.put("go")
    wait(folder)
    assert opened.text() == b"one\ntwo\n"
    assert len(opened.warned) == 1


def test_a_file_that_is_removed_while_it_is_processed(opened: Opened) -> None:
    folder = opened(rules=Rules(processor=b"rm -f @*; false"))
    folder.write([b"one\n"])
    folder.rotate()
    wait(folder)
    assert opened.old() == []


@pytest.mark.parametrize("processor", [b"rm -f @*.t", b"rm -f newstate; cat", b"\xff\xfe"])
def test_a_processor_that_leaves_nothing_is_started_again(opened: Opened, processor: bytes) -> None:
    """And the old file stays, and current is written."""
    folder = opened(rules=Rules(processor=processor))
    folder.write([b"one\n"])
    folder.rotate()
    end = time.monotonic() + 20
    while not opened.warned and time.monotonic() < end:
        folder.flush()
    assert "processor failed" in opened.warned[0]
    assert folder.write([b"two\n"])
    assert b"one\n" in [(opened.path / name).read_bytes() for name in opened.old() if name.endswith(".u")]


def test_a_processor_that_cannot_be_started_holds_nothing_up(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fork(2) fails where there are too many processes: the log is written all the same."""
    folder = opened(rules=Rules(processor=b"cat"))
    folder.write([b"one\n"])
    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", lambda *_, **__: (_ for _ in ()).throw(OSError(EAGAIN, "fork")))
        folder.rotate()
        assert folder.write([b"two\n"])
        assert folder.deadline is not None
        assert folder.deadline > time.monotonic() + 0.5
    wait(folder)
    assert opened.text() == b"one\ntwo\n"


def test_a_log_that_cannot_be_written_is_not_busy_because_of_its_age(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline once was the rotation's, long past, for as long as the disk was full."""
    folder = opened(rules=Rules(age=1))
    folder.write([b"one\n"])
    with monkeypatch.context() as patch:
        patch.setattr(posix, "write", lambda *_: (_ for _ in ()).throw(OSError(EIO, "broken")))
        folder.write([b"two\n"])
        clock.seconds += 1
        assert not folder.flush()
        assert folder.deadline == clock.seconds + 2
    clock.seconds += 2
    assert folder.flush()
    assert opened.text() == b"one\ntwo\n"


def test_what_could_not_be_synced_is_rotated_once(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set aside when current is opened again; once an empty file followed, and an old one went."""
    folder = opened()
    folder.write([b"one\n"])
    with monkeypatch.context() as patch:
        patch.setattr(posix, "fsync", lambda *_: (_ for _ in ()).throw(OSError(EIO, "broken")))
        folder.rotate()
    clock.seconds += 3
    assert folder.write([b"two\n"])
    assert [(opened.path / name).read_bytes() for name in opened.old()] == [b"one\n"]


def test_no_old_file_is_lost_where_the_clock_stands_still(opened: Opened, clock: Clock) -> None:
    """What a processor makes of the new one has a name of its own, too."""
    there = f"{tai64n(clock.time_ns()).decode()}.s"
    opened.put(there, "zero\n")
    folder = opened(rules=Rules(processor=b"cat"))
    folder.write([b"one\n"])
    folder.rotate()
    wait(folder)
    assert opened.text() == b"zero\none\n"


@pytest.mark.parametrize("how", ["current", "directory", "over"])
def test_what_was_moved_from_outside_is_left_alone(opened: Opened, how: str) -> None:
    """logrotate renames current; somebody moves the directory, or puts another one in its place."""
    folder = opened(rules=Rules())
    assert folder.write([b"a\n"])
    if how == "current":
        (opened.path / "current").rename(opened.path / "current.1")
    else:
        opened.path.rename(opened.path.with_name("moved"))
        if how == "over":
            opened.path.mkdir()
    assert folder.write([b"b\n"])
    assert (opened.path / "current").read_bytes() == b"b\n"
    assert opened.warned == []


def test_a_clock_that_was_set_back_costs_no_line(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is rotated then would be the oldest, and the first to be removed."""
    opened.put("@400000016b07f17d117ed02c.s", "newer\n")
    opened.put("@zz00000f6b07f17d117ed02c.s", "not a stamp\n")
    folder = opened(rules=Rules(size=2, keep=3))
    for line in (b"a\n", b"b\n", b"c\n"):
        assert folder.write([line])
    kept = [name for name in opened.old() if name[1] == "4"]
    assert kept == ["@400000016b07f17d117ed02e.s", "@400000016b07f17d117ed02f.s"]
    assert [(opened.path / name).read_bytes() for name in kept] == [b"b\n", b"c\n"]


def test_who_goes_on_begins_where_the_line_was_left(opened: Opened) -> None:
    opened.put("current", "one\ntw", 0o644)
    folder = opened(stamp=lambda now: b"@", rules=Rules(), goes_on=True)
    assert folder.write([b"o\nthree\n"])
    assert (opened.path / "current").read_bytes() == b"one\ntwo\n@ three\n"


def test_pieces_of_many_lines_have_a_stamp_for_each(opened: Opened) -> None:
    folder = opened(stamp=lambda now: b"@", rules=Rules())
    for piece in (b"a\nb", b"c\n", b"", b"\nd\n"):
        assert folder.write([piece])
    assert (opened.path / "current").read_bytes() == b"@ a\n@ bc\n@ \n@ d\n"


def failing(*_: object) -> int:
    raise OSError(ENOSPC, "full")


def test_reopen_reads_config_and_keeps_what_is_not_written(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = opened()
    with monkeypatch.context() as patched:
        patched.setattr(posix, "write", failing)
        folder.write([b"one\n"])
        assert folder.busy
    opened.put("config", "-two\n")
    folder.reopen()
    assert folder.by_line
    folder.write([b"two\n", b"three\n"])
    assert opened.text() == b"one\nthree\n"
    assert opened.told == [
        f"new: {opened.path}/current", f"close: {opened.path}", f"read: {opened.path}/config",
        f"append: {opened.path}/current",
    ]  # fmt: skip


def test_reopen_sets_aside_what_could_not_be_closed(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = opened()
    folder.write([b"one\n"])
    with monkeypatch.context() as patched:
        patched.setattr(posix, "fsync", failing)
        folder.reopen()
    folder.write([b"two\n"])
    assert [name[-1] for name in opened.old()] == ["u"]
    assert opened.text() == b"one\ntwo\n"


def test_a_descriptor_whose_close_fails_is_closed(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a lock that was kept: nobody could reopen the folder."""
    folder = opened()

    def close(descriptor: int) -> None:
        os.close(descriptor)
        raise OSError(EIO, "input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(posix, "close", close)
        with pytest.raises(OSError, match="input/output error"):
            folder.close()
    opened().write([b"one\n"])
    assert opened.text() == b"one\n"


def test_rotations_and_removals_are_told(opened: Opened) -> None:
    folder = opened(rules=Rules(keep=1))
    for _ in range(2):
        folder.write([b"line\n"])
        folder.rotate()
    first, second = (text.split()[-2] for text in opened.told if text.startswith("rename"))
    assert opened.told[1:] == [
        f"rename: {opened.path}/current {first} 5",
        f"rename: {opened.path}/current {second} 5",
        f"delete: {opened.path}/{first}",
    ]
