"""A service's folder whose runsv is the test: status is written at will, and orders are read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sysvinit_py.protocol import supervise
from sysvinit_py.protocol.supervise import Status

PID = 4194999


def status(ago: float = 100.5, pid: int = PID, state: int = supervise.RUN, **rest: object) -> Status:
    """Return the status of a service that has been running, or down, for some seconds."""
    since = time.time_ns() - round(ago * 10**9)
    given: dict[str, object] = {"pid": pid, "state": state} | rest
    return Status(since, **given)  # type: ignore[arg-type]


def down(ago: float = 100.5, want: str = supervise.NOT_UP) -> Status:
    """Return that of one that is down."""
    return status(ago, 0, supervise.DOWN, want=want)


class Folder:
    """The folder; to be closed."""

    def __init__(self, path: Path, first: Status | None = None) -> None:
        self.path = path
        self._supervise = path / "supervise"
        self._supervise.mkdir(parents=True)
        for name in ("ok", "control"):
            os.mkfifo(self._supervise / name)
        self._fds = [
            os.open(self._supervise / "ok", os.O_RDONLY | os.O_NONBLOCK),
            os.open(self._supervise / "control", os.O_RDWR | os.O_NONBLOCK),
        ]
        self.write(first or status())

    def write(self, new: Status) -> None:
        """Say what it is now."""
        (self._supervise / "status.new").write_bytes(supervise.encode(new))
        (self._supervise / "status.new").rename(self._supervise / "status")

    def orders(self) -> str:
        """Return what was ordered since the last time."""
        try:
            return os.read(self._fds[1], 100).decode() if self._fds else ""
        except BlockingIOError:
            return ""

    def add_logger(self, first: Status) -> None:
        """Have a logger, too."""
        self._fds += Folder(self.path / "log", first)._fds

    def fill(self) -> None:
        """Leave no room for an order."""
        try:
            while True:
                os.write(self._fds[1], b"z" * 4096)
        except BlockingIOError:
            pass

    def leave(self) -> None:
        """Be gone, as a runsv that has ended."""
        while self._fds:
            os.close(self._fds.pop())
