"""A service folder in a scratch directory, and the runsv that supervises it: ours or Debian's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.system.runit_oracle import program
from tests.system.witness import wait_until

ROOT = Path(__file__).parents[3]
OURS = [sys.executable, "-S", "-m", "sysvinit_py.clients.runit", "runsv"]
SLEEP = "exec sleep 1000"
CAT = "exec cat > got"


def command(who: str) -> list[str]:
    """The words that start runsv: ``ours`` or ``oracle``."""
    return [program("runsv")] if who == "oracle" else OURS


class Supervised:
    """A folder. ``files``: contents by their names; what is not ``down`` or ``conf`` is a shell program."""

    def __init__(self, path: Path, files: Mapping[str, str]) -> None:
        self.path = path
        self.runsv: subprocess.Popen[bytes] | None = None
        self.make(files)

    def make(self, files: Mapping[str, str]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text if name.endswith("down") or not text else f"#!/bin/sh\n{text}\n")
            file.chmod(0o644 if name.endswith("down") or not text else 0o755)

    def start(self, who: str, **how: object) -> subprocess.Popen[bytes]:
        """Start runsv, and wait until clients are let in."""
        with (self.path.parent / "errors").open("ab") as errors:
            self.runsv = subprocess.Popen(  # type: ignore[call-overload]
                [*command(who), self.path.name],
                cwd=self.path.parent,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                **how,
            )
        assert self.runsv is not None
        self.wait(lambda: self.is_served() or (self.runsv is not None and self.runsv.poll() is not None))
        return self.runsv

    @property
    def errors(self) -> str:
        return (self.path.parent / "errors").read_text()

    def is_served(self, who: str = "") -> bool:
        try:
            os.close(os.open(self.path / who / "supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def order(self, letters: str, who: str = "") -> None:
        fd = os.open(self.path / who / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
        os.write(fd, letters.encode())
        os.close(fd)

    def read(self, name: str) -> str:
        try:
            return (self.path / name).read_text()
        except OSError:
            return ""

    def stat(self, who: str = "") -> str:
        return self.read(f"{who}/supervise/stat".lstrip("/")).rstrip("\n")

    def pid(self, who: str = "") -> int:
        return int(self.read(f"{who}/supervise/pid".lstrip("/")) or 0)

    def status(self, who: str = "") -> bytes:
        return (self.path / who / "supervise/status").read_bytes()

    def wait(self, true: Callable[[], object]) -> None:
        wait_until(true, lambda: f"{self.stat()!r}, log {self.stat('log')!r}; {self.errors}")

    def wait_stat(self, stat: str, who: str = "") -> None:
        """Wait until stat says so, and all else is written that belongs to it."""
        self.wait(lambda: self.is_at(stat, who))

    def is_at(self, stat: str, who: str = "") -> bool:
        """Whether stat says so, and status and pid belong to it."""
        if self.stat(who) != stat or not (self.path / who / "supervise/status").exists():
            return False
        data = self.status(who)
        paused, want, got_term, state = data[16:]
        pid = int.from_bytes(data[12:16], "little")
        return (
            (paused > 0, got_term > 0) == ("paused" in stat, "got TERM" in stat)
            and state == ["down", "run", "finish"].index(stat.split(",")[0])
            and (state == 0 or chr(want) == ("d" if ", want" in stat else "u"))
            and pid == self.pid(who)
            and (pid > 0) == (state > 0)
            and not list((self.path / who / "supervise").glob("*.new"))
        )

    def wait_sleep(self) -> int:
        """Wait until the service has read its program, and return its pid."""
        self.wait(lambda: "sleep" in Path(f"/proc/{self.pid()}/comm").read_text())
        return self.pid()

    def kill_runsv(self) -> None:
        assert self.runsv is not None
        self.runsv.kill()
        self.runsv.wait()

    def exit(self) -> int:
        """Tell runsv to exit, and return its status."""
        assert self.runsv is not None
        self.order("x")
        return self.runsv.wait(10 * PATIENCE)

    def clean(self) -> None:
        """End all that was started: what has its current directory in the folder."""
        for _ in range(2):  # what runsv starts while it is killed, too
            if self.runsv is not None:
                self.runsv.kill()
                self.runsv.wait()
            for name in os.listdir("/proc"):
                if name.isdigit() and f"{cwd(int(name))}/".startswith(f"{self.path}/"):
                    os.kill(int(name), signal.SIGKILL)


def cwd(pid: int) -> str:
    """The current directory of a process; nothing if it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        return pid > 0 and ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def gaps(text: str) -> int:
    """How many of the numbers are missing: a logger that is killed loses what it has read."""
    numbers = [int(line) for line in text.split()]
    assert numbers == sorted(set(numbers))
    return numbers[-1] - len(numbers)
