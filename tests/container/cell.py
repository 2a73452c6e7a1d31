"""A place for an engine: mount and PID namespaces of its own, of which nothing stays."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

#: Where the engine keeps all that it writes: in memory, and gone with the last process inside.
STORE = "/mnt"
#: What podman and docker write elsewhere is covered, too. A container with --pid=host sees this cell alone.
SET_UP = f"""\
set -e
for folder in {STORE} /run /dev/shm /var/lib/containers; do
    [ ! -d $folder ] || mount -t tmpfs -o mode=755 tmpfs $folder
done
echo ready
exec 3>&- 3<&0
cat <&3 >/dev/null
"""

_NUMBERS = itertools.count()


class CellError(Exception):
    """There is no place for an engine here; the text says why."""


class Cell:
    """A context manager. It ends, with all inside, when it is left, and when whoever has made it ends."""

    def __init__(self) -> None:
        #: The control group in which all others of it should be.
        self.cgroup = f"sysvinit_py-{os.getpid()}-{next(_NUMBERS)}"

    def __enter__(self) -> Self:
        own = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        self._process = subprocess.Popen(
            [*own, "sh", "-c", SET_UP],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout
        assert self._process.stderr
        if self._process.stdout.readline() != "ready\n":
            raise CellError(self._process.stderr.read().strip() or "no namespaces can be made here")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        self._main = int(children)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # With its PID 1 the kernel ends all others, and only then PID 1.
        self._process.communicate()
        for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if f"/{self.cgroup}" in folder:
                os.rmdir(folder)

    def command(self, *words: str) -> list[str]:
        """Return a command that runs one inside."""
        return ["nsenter", f"--target={self._main}", "--mount", "--pid", *words]

    def outside(self, pid: int) -> int:
        """Return the number that a process of the cell has here."""
        below = [self._main]
        for number in below:
            try:
                status = Path(f"/proc/{number}/status").read_text()
                for children in Path(f"/proc/{number}/task").glob("*/children"):
                    below += map(int, children.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
            if re.search(rf"^NSpid:\t{number}\t{pid}\b", status, re.MULTILINE):
                return number
        raise ProcessLookupError(pid)
