"""Looking at what a process publishes: where it is looked for, and what is not believed."""

from __future__ import annotations

import fcntl
import os
import posix
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sysvinit_py.cli import looking
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.report import slots
from tests.unit.report.published import HEADER

ENTRIES = [Entry("r", "2", "respawn", "/bin/r")]
#: Has what stands in two files in memfds, at the descriptors of an init.
HOLDER = """
import os, sys
for name, fd in (("status", 12), ("entries", 13)):
    memory = os.memfd_create(name)
    os.dup2(memory, fd)
print(flush=True)
sys.stdin.read()
"""


def identity(pid: int) -> tuple[str, int]:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return Path(slots.BOOT_ID).read_text().strip(), slots.start_time(stat)


def published(pid: int, **changes: object) -> dict[str, bytes]:
    boot, started = identity(pid)
    header = HEADER.replace(**{"boot": boot, "started": started, **changes})
    return {
        "status": slots.header(header) + slots.EMPTY * len(ENTRIES),
        "entries": slots.entries(header.reading, ENTRIES),
    }


@contextmanager
def holder() -> Iterator[int]:
    """A process with two empty memfds."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


def put(pid: int, files: dict[str, bytes]) -> None:
    for name, fd in looking._FDS.items():
        Path(f"/proc/{pid}/fd/{fd}").write_bytes(files[name])


def test_what_a_process_has_in_memory() -> None:
    with holder() as pid:
        put(pid, published(pid))
        assert looking.look(pid)[0] == pid
        [(entry, _)] = looking.look(pid)[1].slots
        assert entry == ENTRIES[0]


def test_by_default_the_process_that_has_it_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where process 1 is none of ours, as on the machine of the tests."""
    of = looking._of
    monkeypatch.setattr(looking, "_of", lambda pid: None if pid == 1 else of(pid))
    with holder() as pid:
        put(pid, published(pid))
        monkeypatch.setattr(posix, "listdir", lambda path: ["self", "1", str(pid), str(os.getpid())])
        assert looking.look()[0] == pid
    with pytest.raises(looking.ForeignError):
        looking.look()


UNBELIEVED: dict[str, Callable[[int], dict[str, bytes]]] = {
    "another boot": lambda pid: published(pid, boot="b4b092cb-698c-492b-b3a5-000000000000"),
    "another process": lambda pid: published(pid, started=1),
    "a boot that nobody knows": lambda pid: published(pid, boot=""),
    "withdrawn": lambda pid: {"status": b"", "entries": b""},
    "handed over long ago": lambda pid: published(pid, handed=1.0),
}


@pytest.mark.parametrize("files", UNBELIEVED.values(), ids=UNBELIEVED)
def test_what_is_not_believed(files: Callable[[int], dict[str, bytes]]) -> None:
    with holder() as pid:
        put(pid, files(pid))
        with pytest.raises(looking.ForeignError):
            looking.look(pid)


def test_what_is_handed_over_now_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with holder() as pid:
        put(pid, published(pid, handed=time.clock_gettime(time.CLOCK_BOOTTIME)))
        monkeypatch.setattr(time, "sleep", lambda seconds: put(pid, published(pid)))
        assert not looking.look(pid)[1].header.handed


def test_a_handover_in_the_future_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a forged time, for which who looks would wait forever."""
    monkeypatch.setattr(looking, "_PATIENCE", 0.05)
    with holder() as pid:
        put(pid, published(pid, handed=9e9))
        with pytest.raises(looking.ForeignError):
            looking.look(pid)


def test_what_is_torn_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with holder() as pid:
        torn = published(pid)
        put(pid, torn | {"entries": slots.entries(8, ENTRIES)})
        monkeypatch.setattr(time, "sleep", lambda seconds: put(pid, torn))
        assert looking.look(pid)[0] == pid


def test_what_is_damaged_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_PATIENCE", 0.05)
    with holder() as pid:
        put(pid, published(pid) | {"entries": b"?"})
        with pytest.raises(looking.CannotLookError, match="damaged: the entries are not those of the status"):
            looking.look(pid)


def test_another_form_is_told() -> None:
    with holder() as pid:
        put(pid, published(pid) | {"status": slots._sealed("inittab-status 2\n", slots.HEADER)})
        with pytest.raises(looking.CannotLookError, match="another version"):
            looking.look(pid)


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir], ids=["fifo", "link", "folder"]
)
def test_only_a_regular_file_is_read(make: Callable[[Path], None], tmp_path: Path) -> None:
    """And nothing blocks, however it came there."""
    folder = tmp_path / "run/inittab"
    folder.mkdir(parents=True)
    make(folder / "status")
    with pytest.raises(OSError, match=r"."):
        looking._in_folder(str(tmp_path), "status", os.getpid())


@pytest.mark.parametrize("size", [0, looking._MAX_BYTES + 1], ids=["none", "too large"])
def test_what_has_no_size_of_a_status_is_not_read(size: int) -> None:
    """Guards against files of the kernel such as /proc/kmsg, which would be read empty, and waited for."""
    memory = os.memfd_create("status")
    try:
        os.truncate(memory, size)
        with pytest.raises(FileNotFoundError, match="not a status"):
            looking._contents(os.open(f"/proc/self/fd/{memory}", os.O_PATH), os.getpid())
    finally:
        os.close(memory)


def test_a_lease_is_not_waited_for() -> None:
    """Guards against its owner, who can have any open(2) wait for 45 s."""
    first = os.memfd_create("status")
    memory = os.open(f"/proc/self/fd/{first}", os.O_RDWR)  # a lease is for what was opened so
    os.close(first)
    handler = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        os.write(memory, b"x")
        fcntl.fcntl(memory, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(BlockingIOError):
            looking._contents(os.open(f"/proc/self/fd/{memory}", os.O_PATH), os.getpid())
    finally:
        os.close(memory)
        signal.signal(signal.SIGIO, handler)


def test_no_link_on_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/status").write_bytes(b"x")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/inittab").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"."):
        looking._in_folder(str(tmp_path), "status", os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "run/inittab"
    folder.mkdir(parents=True)
    (folder / "status").write_bytes(b"x")
    assert looking._in_folder(str(tmp_path), "status", os.getpid()) == b"x"
    os.chown(folder / "status", 65534, 65534)
    with pytest.raises(PermissionError, match="not a regular file of the user that init runs as"):
        looking._in_folder(str(tmp_path), "status", os.getpid())
