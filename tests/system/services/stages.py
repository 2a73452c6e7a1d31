"""runit as PID 1 of namespaces of its own, with a terminal as its console: C's, or ours."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.system.witness import wait_until

#: Its own /etc and /run, and the terminal as the console.
_PREPARE = """
    folder=$1; console=$2; shift 2
    mount --bind "$folder/etc" /etc
    mount -t tmpfs -o mode=755 run /run
    mkdir -p "$folder/dev"
    mount -t tmpfs -o mode=755 dev "$folder/dev"
    mknod -m 666 "$folder/dev/null" c 1 3
    if [ -n "$console" ]; then : > "$folder/dev/console"; mount --bind "$console" "$folder/dev/console"; fi
    mount --move "$folder/dev" /dev
    exec "$@"
"""


class Stages:
    """A first process that has begun, and its files.

    scripts  the lines of /etc/runit/NAME by the name; with a place for $T, a folder that outlives it
    """

    def __init__(
        self, folder: Path, program: Sequence[str], scripts: Mapping[str, str], console: bool = True,
        environment: Mapping[str, str] = {"PATH": os.defpath},
    ) -> None:  # fmt: skip
        runit = folder / "etc" / "runit"
        runit.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        for name, text in scripts.items():
            (runit / name).write_text(f"#!/bin/sh\n{text}\n")
            (runit / name).chmod(0o755)
        self._terminal, slave = pty.openpty()
        os.set_blocking(self._terminal, False)
        self._seen = b""
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            _PREPARE,
        ]
        self._process = subprocess.Popen(
            [*command, "sh", str(folder), os.ttyname(slave) if console else "", *program],
            env={"T": str(folder), **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # and with it the first process, and all that are in its namespace
        self._process.wait()
        os.close(self._terminal)
        assert self._process.stdout
        self._process.stdout.close()

    @property
    def text(self) -> str:
        """What has come on the console so far."""
        try:
            while data := os.read(self._terminal, 65536):
                self._seen += data
        except OSError:
            pass
        return self._seen.decode("utf-8", "replace").replace("\r\n", "\n")

    def wait_for(self, text: str, seconds: float = 15) -> None:
        """Wait until it has come on the console."""
        wait_until(lambda: text in self.text, lambda: f"{text!r} in {self.text!r}", seconds)

    @property
    def pid(self) -> int:
        """The first process, as it is here."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        wait_until(lambda: bool(children.read_text().split()), lambda: "the first process")
        return int(children.read_text().split()[0])

    def send(self, number: signal.Signals) -> None:
        """Send the first process a signal."""
        os.kill(self.pid, number)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command where the first process is."""
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--pid", *command],
            capture_output=True, text=True, check=False, timeout=30 * PATIENCE,
        )  # fmt: skip

    def end(self, seconds: float = 15) -> tuple[int, str]:
        """Wait for the end; return the status as subprocess has it, and the console's text."""
        out, _ = self._process.communicate(timeout=seconds * PATIENCE)
        return self._process.returncode, self.text + out.decode()
