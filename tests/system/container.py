"""A container without an engine: ``init --container`` in namespaces, as PID 1 or as a child of one."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE
from tests.system.conftest import OURS
from tests.system.witness import wait_until

#: Its own /etc, and an empty /run; then what is asked for.
_PREPARE = """
    folder=$1; shift
    mount --bind "$folder/etc" /etc
    mount -t tmpfs -o mode=755 run /run
    exec "$@"
"""
_READ_ONLY = ("sh", "-c", 'mount -o remount,bind,ro /; mount -o remount,ro /run; exec "$@"', "sh")
HARDENED = (
    "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
    "--inh-caps=-all",
)  # fmt: skip
#: A first process that is no init of ours.
AS_A_CHILD = ("sh", "-c", '"$@"; exit $?', "sh")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

_FOLDER = tempfile.TemporaryDirectory()


@cache
def init_of_ours() -> str:
    """Return the path of a copy of init that any user can reach; the checkout may be in root's home."""
    folder = Path(_FOLDER.name)
    folder.chmod(0o755)
    return str(shutil.copy(OURS, folder / "init"))


class Container:
    """One that runs; its streams are pipes, unless ``options``, which are Popen's, say otherwise."""

    def __init__(
        self,
        folder: Path,
        inittab: str | None,
        *arguments: str,
        through: Sequence[str] = (),
        read_only: bool = False,
        environment: Mapping[str, str] = ENVIRONMENT,
        init: Sequence[str] = (),
        **options: Any,
    ) -> None:
        etc = folder / "etc"
        etc.mkdir(exist_ok=True)
        etc.chmod(0o755)
        folder.chmod(0o755)
        if inittab is not None:
            (etc / "inittab").write_text(textwrap.dedent(inittab))
        program = init or (init_of_ours(), "--container")
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid():
            unshare.append("--map-root-user")
        self._process = subprocess.Popen(
            [
                *unshare, "sh", "-c", _PREPARE, "sh", str(folder),
                *(_READ_ONLY if read_only else ()), *through, *program, *arguments,
            ],
            **{
                "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                "env": dict(environment), **options,
            },
        )  # fmt: skip

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # and with it the first process, and all that are in its namespace
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def end(self, timeout: float = 15) -> tuple[int, str, str]:
        """Wait for the end; return the exit status, and what came on both streams."""
        out, err = self._process.communicate(timeout=timeout * PATIENCE)
        return self._process.returncode, (out or b"").decode(), (err or b"").decode()

    def wait(self, timeout: float = 15) -> int:
        """Wait for the end; return the exit status. Nobody reads the streams meanwhile."""
        return self._process.wait(timeout * PATIENCE)

    @property
    def stdout(self) -> int:
        """The descriptor on which standard output is read."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def line(self) -> str:
        """Return the next line of standard output."""
        assert self._process.stdout
        return str(self._process.stdout.readline().decode())

    def error_line(self) -> str:
        """Return the next line of standard error."""
        assert self._process.stderr
        return str(self._process.stderr.readline().decode())

    @property
    def pid(self) -> int:
        """Init's, as it is here: the innermost process that runs it."""
        found: list[int] = []

        def look() -> bool:
            found[:] = [self._process.pid]
            while True:
                try:
                    children = Path(f"/proc/{found[-1]}/task/{found[-1]}/children").read_text().split()
                    words = Path(f"/proc/{found[-1]}/cmdline").read_bytes()
                except FileNotFoundError:
                    return False
                if b"init" in words.split(b"\0")[0]:
                    return words.startswith(b"init [")
                if not children:
                    return False
                found.append(int(children[0]))

        wait_until(look, lambda: "a container's init")
        return found[-1]

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send init a signal."""
        os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Have it stop; return the seconds until init has ended, whoever reads what is left of its output."""
        handle = os.pidfd_open(self.pid)
        try:
            begun = time.monotonic()
            signal.pidfd_send_signal(handle, number)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            assert poll.poll(30_000 * PATIENCE)
            return time.monotonic() - begun
        finally:
            os.close(handle)
