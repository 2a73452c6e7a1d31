"""A directory of services in a scratch folder, and the runsvdir that serves it: ours or Debian's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.system.runit_oracle import program, search_path
from tests.system.services.supervised import Supervised
from tests.system.witness import wait_until

ROOT = Path(__file__).parents[3]
OURS = [sys.executable, "-S", "-m", "sysvinit_py.clients.runit", "runsvdir"]


class Directory:
    """``with Directory(path) as services``: all that was started is ended."""

    def __init__(self, path: Path) -> None:
        self.path = path / "service"
        self.path.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self._mark = str(path)

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_: object) -> None:
        for _attempt in range(3):  # what is started meanwhile, too
            for pid in self._ours():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if self.process:
            self.process.kill()
            self.process.wait()

    def _ours(self) -> list[int]:
        """Processes in the folder, and those that were started with its name."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes()
                is_here = self._mark in os.readlink(entry / "cwd") or self._mark.encode() in words
                if is_here and entry.name.isdecimal() and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def service(self, name: str, run: str = "exec sleep 1000", log: str = "") -> Supervised:
        """Make a service."""
        made = Supervised(self.path.parent / f"new-{name}", {"run": run, **({"log/run": log} if log else {})})
        made.path.rename(self.path / name)
        made.path = self.path / name
        return made

    def start(
        self, who: str, *arguments: str, through: Sequence[str] = (), path: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start runsvdir, which finds C's runsv on its PATH; its standard error is in a file."""
        words = [program("runsvdir")] if who == "oracle" else OURS
        with (self.path.parent / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [*through, *words, *arguments, path or str(self.path)],
                env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": search_path()},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=self.path.parent,
            )  # fmt: skip
        return self.process

    @property
    def errors(self) -> str:
        return (self.path.parent / "errors").read_text()

    def wait(self, true: Callable[[], object], seconds: float = 15) -> None:
        wait_until(true, lambda: f"{self.errors} {[p.name for p in self.path.iterdir()]}", seconds)

    def runs(self, *services: Supervised) -> None:
        """Wait until they run."""
        self.wait(lambda: all(service.is_at("run") and service.is_served() for service in services))

    def end(self, number: signal.Signals) -> int:
        """Send runsvdir a signal, and wait for its end."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(10 * PATIENCE)

    @property
    def hub(self) -> int:
        """The hub, a child."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found: list[int] = []

        def look() -> bool:
            for pid in map(int, children.read_text().split()):
                if Path(f"/proc/{pid}/comm").read_text() == "runsv\n":
                    found.append(pid)
            return bool(found)

        self.wait(look)
        return found[-1]
