"""Services as items, and what inittab status and log make of them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sysvinit_py import __version__
from sysvinit_py.cli import looking
from sysvinit_py.clients.inittab import log, program, status
from sysvinit_py.clients.runit import items, supervised
from sysvinit_py.clients.runit.supervised import TroubleError
from sysvinit_py.protocol.supervise import DOWN, FINISH, NOT_UP, RUN, UP, Status, encode
from sysvinit_py.report.item import Item
from sysvinit_py.report.states import OF_SERVICES, STATES

NOW = 1795694400 * 10**9


@pytest.mark.parametrize(
    ("said", "down", "word"),
    [
        (Status(0, 1, state=RUN), False, "running"),
        (Status(0, 1, want=NOT_UP, state=RUN), False, "running"),
        (Status(0, 1, got_term=True, want=NOT_UP, state=RUN), False, "stopping"),
        (Status(0, 1, got_term=True, state=RUN), True, "restarting"),
        (Status(0, 1, state=FINISH), False, "restarting"),
        (Status(0, 1, want=NOT_UP, state=FINISH), False, "stopping"),
        (Status(0, want=NOT_UP, state=DOWN), False, "stopped"),
        (Status(0, want=NOT_UP, state=DOWN), None, "stopped"),
        (Status(0, want=NOT_UP, state=DOWN), True, "disabled"),
        (Status(0, want=UP, state=DOWN), True, "throttled"),
        (Status(0, 1, paused=True, state=RUN), False, "paused"),
        (Status(0, 1, paused=True, want=NOT_UP, state=RUN), False, "paused"),
        (Status(0, 1, paused=True, got_term=True, want=NOT_UP, state=RUN), False, "stopping"),
        (Status(0, 1, paused=True, state=FINISH), False, "restarting"),
        (Status(0, paused=True, want=NOT_UP, state=DOWN), False, "stopped"),
    ],
)
def test_states(said: Status, down: bool | None, word: str) -> None:
    assert items.word(said, down) == word
    assert word in OF_SERVICES


def test_what_a_start_waits_for(tmp_path: Path) -> None:
    """It stands in stat, and counts only for a service that is down, and to be up."""
    (tmp_path / "supervise").mkdir()
    os.mkfifo(tmp_path / "supervise/ok")
    reader = os.open(tmp_path / "supervise/ok", os.O_RDONLY | os.O_NONBLOCK)
    try:
        for said, stat, found in (
            (Status(NOW, want=UP, state=DOWN), "down, needs a, b", ("pending", "a, b", None)),
            (Status(NOW, want=UP, state=DOWN), "down, pausing 60s", ("throttled", None, NOW / 10**9 + 60)),
            (Status(NOW, want=UP, state=DOWN), "down, pausing xs", ("throttled", None, None)),
            (Status(NOW, want=UP, state=DOWN), "down", ("throttled", None, None)),
            (Status(NOW, want=UP, state=DOWN), None, ("throttled", None, None)),
            (Status(NOW, want=NOT_UP, state=DOWN), "down, needs a", ("stopped", None, None)),
            (Status(NOW, 77, state=RUN), "down, needs a", ("running", None, None)),
        ):
            (tmp_path / "supervise/status").write_bytes(encode(said))
            (tmp_path / "supervise/stat").unlink(missing_ok=True)
            if stat is not None:
                (tmp_path / "supervise/stat").write_text(f"{stat}\n")
            for careful in (True, False):
                item = items.item("web", str(tmp_path), careful=careful)
                assert (item.state.word, item.waits_for, item.rests_until) == found
    finally:
        os.close(reader)


@pytest.mark.parametrize("hours", [-1e5, -1, 1, 1e5])
def test_the_clock_was_set(hours: float) -> None:
    """Where the time in status cannot be true the process says how long it runs; for others status counts."""
    age = time.time_ns() - supervised.since(Status(time.time_ns() - 10**10, os.getpid(), state=RUN))
    assert age == pytest.approx(10**10, rel=0.1), "it may be so: no other file is read"
    stamp = time.time_ns() - int(hours * 3600) * 10**9
    ours = Status(stamp, os.getpid(), state=RUN)
    if hours > 0 and hours * 3600 < time.clock_gettime(time.CLOCK_BOOTTIME):
        assert supervised.since(ours) == stamp
    else:
        assert 0 <= time.time_ns() - supervised.since(ours) < 3600 * 10**9
    assert supervised.since(ours.replace(pid=2**30)) == stamp
    assert supervised.since(ours.replace(pid=0, state=DOWN)) == stamp


@pytest.fixture
def runsvdir(tmp_path: Path) -> Iterator[Item]:
    """An entry whose process is called runsvdir, and whose folder has a service with a logger, and more."""
    held = []
    for name, pid in (("web", 77), ("web/log", os.getpid())):
        folder = tmp_path / "service" / name / "supervise"
        folder.mkdir(parents=True)
        os.mkfifo(folder / "ok")
        held.append(os.open(folder / "ok", os.O_RDONLY | os.O_NONBLOCK))
        (folder / "status").write_bytes(encode(Status(NOW, pid, state=RUN)))
    (tmp_path / "service/.hidden").mkdir()
    (tmp_path / "service/file").touch()
    script = tmp_path / "runsvdir"
    script.write_text("#!/bin/sh\necho\nread line\n")
    script.chmod(0o755)
    process = subprocess.Popen(
        [script, "-P", tmp_path / "service", "log: ..."], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    command = "/usr/sbin/runsvdir -P /etc/service"
    yield Item("SV", "respawn", "23", STATES["running"], process.pid, time.time(), 1, command=command)
    process.communicate()
    for fd in held:
        os.close(fd)


def test_services_below_their_runsvdir(runsvdir: Item) -> None:
    web, logger = status.services(runsvdir, 1)
    assert (web.id, web.pid, web.since, web.state.word) == ("web", 77, NOW / 10**9, "running")
    assert logger.id == "web/log"
    assert status.services(runsvdir.replace(command="/sbin/getty 1"), 1) == []
    assert items.folder_of(runsvdir.replace(pid=os.getpid())) == ""
    assert items.folder_of(runsvdir.replace(pid=None)) == ""
    assert status.services(runsvdir, 2) == [], "a container's: its processes have other numbers here"


def test_what_a_strangers_folder_has_is_not_opened(runsvdir: Item, tmp_path: Path) -> None:
    """Opening a device, as a watchdog, does something: root only looks."""
    ok = tmp_path / "service/web/supervise/ok"
    ok.unlink()
    ok.symlink_to("/dev/null")
    folder = str(tmp_path / "service/web")
    with pytest.raises(TroubleError, match="unable to open supervise/ok: symbolic link loop"):
        supervised.status(folder)
    with pytest.raises(TroubleError, match="neither a FIFO nor a regular file"):
        supervised.status(folder, careful=True)
    assert status.services(runsvdir, 1) == []


@pytest.fixture
def seen(runsvdir: Item, monkeypatch: pytest.MonkeyPatch) -> Item:
    """Have inittab find the entry."""

    header = SimpleNamespace(version=__version__, stage="2", level="2", prevlevel="N", since=1.0, busy="")
    monkeypatch.setattr(looking, "look", lambda _: (1, SimpleNamespace(header=header, history=b"")))
    monkeypatch.setattr(log, "read", lambda _: [])
    for module in (status, log):
        monkeypatch.setattr(module, "items", lambda *_: [runsvdir])
    return runsvdir


Capture = pytest.CaptureFixture[bytes]


def test_status_shows_them(seen: Item, capfdbinary: Capture) -> None:
    assert program.main(["status"]) == 0
    rows = [row.split()[:3] for row in capfdbinary.readouterr().out.decode().splitlines()[2:]]
    assert rows == [["SV", "running", str(seen.pid)], ["web", "running", "77"],
                    ["web/log", "running", str(os.getpid())]]  # fmt: skip
    assert program.main(["status", "web"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"web  running\n")
    assert program.main(["status", "--json"]) == 0
    (entry,) = json.loads(capfdbinary.readouterr().out)["entries"]
    assert [service["id"] for service in entry["services"]] == ["web", "web/log"]


@pytest.mark.parametrize(
    "place", [Path("service/web/log/main"), Path("elsewhere")], ids=["log/main", "where the logger writes"]
)
def test_log_reads_theirs(seen: Item, tmp_path: Path, capfdbinary: Capture, place: Path) -> None:
    """The logger's process is this one; its stamps are in any of svlogd's forms."""
    folder = tmp_path / place
    folder.mkdir()
    (folder / "@400000006b08230a00000005.s").write_text("@400000006b08230a00000005 one\n")
    (folder / "current").write_text("2026-11-26_12:00:01.00000 two\nno stamp\n")
    with (folder / "current").open() if place.name == "elsewhere" else (tmp_path / "other").open("w"):
        assert program.main(["log", "web"]) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert [line for line in lines if b" -- " not in line] == [
        b"@400000006b08230a00000005 one", b"2026-11-26_12:00:01.00000 two", b"no stamp",
    ]  # fmt: skip
    assert [line.split(b" -- ")[1] for line in lines if b" -- " in line] == [b"started, process 77 --"]


@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"x"])
def test_a_damaged_status_is_shown_without_a_time(
    seen: Item, tmp_path: Path, capfdbinary: Capture, byte: bytes
) -> None:
    (tmp_path / "service/web/supervise/status").write_bytes(byte * 20)
    for words in (["--json"], []):
        assert program.main(["status", *words]) == 0
        assert b"web" in capfdbinary.readouterr().out


def test_a_damaged_folder_is_no_service(tmp_path: Path) -> None:
    for name in ("", str(tmp_path)):
        with pytest.raises(TroubleError):
            items.item("web", name)
    assert items.log_folder(str(tmp_path)) == f"{tmp_path}/log/main"


def _number(text: str) -> Callable[[Path], int | None]:
    def read(folder: Path) -> int | None:
        (folder / "wait").write_text(text)
        return supervised.number(str(folder), "wait")

    return read


@pytest.mark.parametrize(
    ("text", "number"), [("30\n", 30), (" 7", 7), ("", None), ("x", None), ("1.5", None)]
)
def test_a_wait_that_is_no_number_is_none(tmp_path: Path, text: str, number: int | None) -> None:
    assert supervised.number(str(tmp_path), "wait") is None
    assert _number(text)(tmp_path) == number
