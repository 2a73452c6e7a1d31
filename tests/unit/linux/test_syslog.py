"""Messages to a syslogd of the test's."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.linux import syslog as module
from sysvinit_py.linux.syslog import Syslog


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(module, "PATH", str(tmp_path / "log"))
    return module.PATH


def listen(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    server.settimeout(5)
    return server


@pytest.fixture
def server(path: str) -> Iterator[socket.socket]:
    with listen(path) as server:
        yield server


@pytest.fixture
def syslog() -> Iterator[Syslog]:
    syslog = Syslog()
    yield syslog
    if syslog._socket:
        syslog._socket.close()


def test_a_message(server: socket.socket, syslog: Syslog) -> None:
    syslog.send("Re-reading inittab")
    assert re.fullmatch(
        rb"<30>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d init: Re-reading inittab", server.recv(9999)
    )


def test_a_long_and_strange_one(server: socket.socket, syslog: Syslog) -> None:
    syslog.send("\udcff" * 3000)
    assert len(server.recv(9999)) == 1024


def test_nobody_listens(path: str, syslog: Syslog) -> None:
    syslog.send("x")
    with listen(path) as server:
        syslog.send("y")
        assert server.recv(999).endswith(b"y")


def test_a_new_syslogd(server: socket.socket, path: str, syslog: Syslog) -> None:
    syslog.send("one")
    server.close()
    with listen(path) as new:
        syslog.send("two")
        assert new.recv(999).endswith(b"two")


def test_a_full_queue_loses_it(server: socket.socket, syslog: Syslog) -> None:
    for n in range(1000):
        syslog.send(str(n))
    assert server.recv(999).endswith(b" 0")


def test_no_socket_to_be_had(path: str, monkeypatch: pytest.MonkeyPatch, syslog: Syslog) -> None:
    def fails(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(calls, "socket", fails)
    syslog.send("x")
