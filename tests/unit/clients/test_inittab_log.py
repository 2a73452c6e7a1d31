"""inittab log: what is read of a log directory, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.cli import looking
from sysvinit_py.clients.inittab import log, program
from sysvinit_py.report.history import Event
from tests.unit.report.published import shown
from tests.unit.report.test_report_item import job, run

STAMP = "2026-11-26T12:05:19.123456Z"
Run = Callable[..., bytes]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log directory, and an init of which nothing is known."""

    def nothing(_: object) -> None:
        raise looking.ForeignError

    monkeypatch.setattr(log, "RUN", str(tmp_path))
    monkeypatch.setattr(looking, "look", nothing)
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "current").write_text(f"{STAMP} one\n{STAMP} two\n")
    return folder


@pytest.fixture
def show(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs ``inittab log``, and returns what it prints."""

    def run(*words: str, status: int = 0) -> bytes:
        assert program.main(["log", *words]) == status
        return capfdbinary.readouterr()[status > 0]

    return run


def test_no_more_lines_than_asked_for(web: Path, show: Run) -> None:
    """None if none is asked for, as when only what comes is of interest."""
    assert show("web").count(b"\n") == 2
    assert show("-n", "1", "web") == f"{STAMP} two\n".encode()
    assert show("-n", "0", "web") == b""


def test_a_time_is_compared_as_stamps_are() -> None:
    """Digits that were left out, and times before 1970, would not sort."""
    assert log.since("2026-1-6") == "2026-01-06"
    assert log.since("2026-11-26T1:5Z") == "2026-11-26T01:05"
    assert log.since("700000d") == "1970-01-01T00:00:00.000000Z"


def test_a_log_that_is_being_rotated(web: Path, show: Run) -> None:
    """For a moment there is no current; nor is there before the first line."""
    (web / "current").rename(web / "@4000000069270ba90754d4c0.s")
    assert show("web").count(b"\n") == 2
    (web / "@4000000069270ba90754d4c0.s").unlink()
    assert show("web") == b""


def test_rotations_while_it_is_read(web: Path, show: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against lost lines: current was a later file when it was opened than when it was listed."""
    names = ["@400000006b07f17d117ed0aa.s", "@400000006b07f17d117ed0bb.u", "@400000006b07f17d117ed0cc.s"]
    inode_of = log.Log._inode_of

    def rotate(of: log.Log, name: str) -> int:
        inode = inode_of(of, name)
        if name == "current" and names and of._inode != inode:
            (web / "current").rename(web / names.pop(0))
            (web / "current").write_text(f"{STAMP} {len(names)} left\n")
        return inode

    monkeypatch.setattr(log.Log, "_inode_of", rotate)
    texts = [line.split()[1:] for line in show("web").decode().splitlines()]
    assert texts == [["one"], ["two"], ["2", "left"], ["1", "left"], ["0", "left"]]


def test_what_cannot_be_read_is_named(web: Path, show: Run) -> None:
    (web / "current").unlink()
    (web / "current").mkdir()
    assert f"{web}/current: not a regular file" in show("web", status=4).decode()
    assert b"'': no log" in show("", status=4)


@pytest.mark.parametrize(
    "line",
    [
        b'{"time": "x',  # cut off
        b'{"time": "", "n": NaN}',
        b'{"time": "", "n": ' + b"[" * 60000,
        b'{"time": "\xff"}',
        b"0000-" + b'"' * 21 + b"Z",
        b"0000-\xff" + b"0" * 20 + b"Z x",
    ],
)
def test_json_is_json_whatever_is_in_a_raw_log(web: Path, show: Run, line: bytes) -> None:
    (web / "current").write_bytes(line + b"\n")
    [shown] = show("--json", "web").splitlines()
    told = json.loads(shown, parse_constant=pytest.fail)
    assert (told["id"], told["time"]) == ("web", "")


def test_lines_that_are_json_are_shown_as_they_are(web: Path, show: Run) -> None:
    line = f'{{"time": "{STAMP}", "id": "web", "line": "one"}}\n'.encode()
    (web / "current").write_bytes(line)
    assert show("--json", "web") == line


def test_events_are_in_order_and_each_once() -> None:
    """The ring has forgotten the first ones, and knows the last end as the item does."""
    item = shown(run(job("r:2:respawn:/w")))[0].replace(last=(50.0, 256, "stopped"), since=60.0, pid=7)
    ring = (Event(8, 49.9995, "end", "r", 6, 256, "stopped"), Event(10, 50.0, "start", "r", 0, 0, "0,tty1"))
    lines = log.events("r", log.Published(item, ring))
    assert [line.text for line in lines] == [
        b"process 6 ended: exit 1 (stopped)", b"start requested by 0,tty1", b"started, process 7",
    ]  # fmt: skip
    assert sorted(line.stamp for line in lines) == [line.stamp for line in lines]
    assert log.events("r", log.Published(item))[0].text == b"ended: exit 1 (stopped)"
