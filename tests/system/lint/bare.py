"""An init as PID 1 in a root that holds nothing else, so that no command of an inittab can run.

What it says of the inittab's lines is all that is wanted of it. It takes milliseconds, so hundreds of files
can be tried.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from subprocess import DEVNULL, Popen

import pytest

TIMEOUT = 20  # seconds; it is never that long

_NULL = os.makedev(1, 3)


class Bare:
    """A root with an init, its libraries, /dev/null, and a console that swallows all; takes root to make."""

    def __init__(self, root: Path, init: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can make device nodes")
        self.root = root
        for folder in ("etc/inittab.d", "dev", "run"):
            (root / folder).mkdir(parents=True)
        for name in ("null", "console"):
            os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, _NULL)
        shutil.copy(init, root / "init")
        listed = subprocess.run(["ldd", init], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"/\S+", listed):
            target = root / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copy(library, target)

    def write(self, inittab: bytes, tabs: dict[str, bytes]) -> None:
        (self.root / "etc/inittab").write_bytes(inittab)
        for old in (self.root / "etc/inittab.d").iterdir():
            old.unlink()
        for name, data in tabs.items():
            (self.root / "etc/inittab.d" / name).write_bytes(data)

    def start(self, stdin: int = DEVNULL, stdout: int = DEVNULL, stderr: int = DEVNULL) -> Popen[bytes]:
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--root", str(self.root), "/init"]
        return Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)


class CInit(Bare):
    """Debian's init. Its complaints are read from syslog: what is said on a console can be flushed away."""

    #: Refused, in a .tab file that is read after inittab: once it is complained of, all is said.
    LAST = b"zzzz:2:the-last-line:\n"

    def complaints(self, inittab: bytes, tabs: dict[str, bytes] | None = None) -> list[tuple[int, bytes]]:
        """The numbers of the refused lines, and why. It counts on through the .tab files, in any order."""
        self.write(inittab, {**(tabs or {}), "last.tab": self.LAST})
        log = self.root / "dev/log"
        log.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
            messages.bind(str(log))
            messages.settimeout(TIMEOUT)
            running = self.start()
            try:
                said: list[bytes] = []
                while not said or b"the-last-line" not in said[-1]:
                    said.append(messages.recv(1 << 16))
                while tabs and select.select([messages], [], [], 0.5)[0]:
                    said.append(messages.recv(1 << 16))
            finally:
                running.kill()
                running.wait()
        found = (
            re.search(rb"/etc/inittab(?:\[| at line )(\d+)(?:\]: |\. )(.*)", text, re.DOTALL) for text in said
        )
        return [(int(it[1]), it[2]) for it in found if it and b"the-last-line" not in it[2]]


class BusyBoxInit(Bare):
    """BusyBox's init, which says on its stdout which lines are bad and which commands it cannot run."""

    LAST = b"\n::sysinit:/the-last-line\n"

    def said(self, inittab: bytes, *, restart: bool = False) -> bytes:
        """All that it says until it has tried the last line; or what it says of being told to restart."""
        self.write(inittab + (b"" if inittab.endswith(b"\n") else b"\n") + self.LAST, {})
        read_end, write_end = os.pipe()
        running = self.start(stdout=write_end, stderr=write_end)
        os.close(write_end)
        try:
            text = _until(b"the-last-line", read_end)
            if restart:
                (init,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
                os.kill(int(init), signal.SIGQUIT)
                text = _until(b"SIGKILL.*can't run", read_end)
            return text
        finally:
            os.close(read_end)
            running.kill()
            running.wait()

    def bad_lines(self, inittab: bytes) -> list[int]:
        """The numbers of the lines that it refuses."""
        return [int(number) for number in re.findall(rb"Bad inittab entry at line (\d+)", self.said(inittab))]


def _until(pattern: bytes, descriptor: int) -> bytes:
    text, end = b"", time.monotonic() + TIMEOUT
    while not re.search(pattern, text, re.DOTALL):
        if not select.select([descriptor], [], [], end - time.monotonic())[0]:
            raise TimeoutError(text)
        text += os.read(descriptor, 1 << 16)
    return text
