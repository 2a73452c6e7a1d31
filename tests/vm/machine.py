"""A virtual machine to test: its serial console, its keyboard, and how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sysvinit_py.vm import qemu
from sysvinit_py.vm.image import Image, files_disk
from tests.support import patience

#: Seconds that a boot or a shutdown may take; it is about 35 and 10 on a quiet machine, without KVM.
BOOT, COMMAND = 300.0 * patience.PATIENCE, 60.0 * patience.PATIENCE
#: Seconds after which a line is typed again.
PATIENCE = 10.0

#: A shell that echoes nothing: BusyBox's edits lines unless it writes to a pipe.
SHELL = "command -v bash >/dev/null && exec bash --norc --noediting; sh | cat; exit"
#: What the boot scripts and init say on the console while a command runs there.
NOISE = re.compile(r"INIT: |^Using makefile-style")


class Machine:
    """Switched on with ``with``; it is killed at the end if it has not ended by itself.

    ``append``: more words for the kernel, after ``command_line``. ``files``: what is put on its disk before,
    path to content. ``restarts``: a restart does not end it. ``bring``: a folder whose files are in /mnt.
    ``said``: all that the console has said so far.
    """

    def __init__(
        self,
        image: Image,
        append: str = "",
        files: Mapping[str, str | bytes] | None = None,
        command_line: str = "",
        restarts: bool = False,
        bring: Path | None = None,
    ) -> None:
        self.said = ""
        self._seen = 0  # what of it expect() has passed
        self._events: list[dict[str, Any]] = []  # what QEMU has said, and nobody asked for yet
        self._folder = Path(tempfile.mkdtemp(prefix="vm-"))
        self.disk, self.architecture = self._folder / "disk", image.architecture
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", image.disk, self.disk], check=True)
        for path, content in (files or {}).items():
            self._put(path, content)
        monitor = self._folder / "monitor"
        command_line = command_line or qemu.words(image.architecture)
        self._command = [
            *qemu.command(
                image._replace(disk=self.disk),
                f"{command_line} {append}",
                second=files_disk(self._folder, bring) if bring else None,
            ),
            *([] if restarts else ["-no-reboot"]),
            "-serial", "stdio", "-qmp", f"unix:{monitor},server=on,wait=off",
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._qemu = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.switched_on = time.monotonic()
        self._monitor = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self._monitor.connect(str(self._folder / "monitor"))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.1)
        self._monitor.settimeout(COMMAND)
        self._lines = self._monitor.makefile("rw", encoding="utf-8")
        self._next_message()  # the greeting
        self._ask("qmp_capabilities")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.switch_off()
        if error:
            print(self.said.replace("\r", "")[-5000:])
        for file in self._qemu.stdin, self._qemu.stdout, self._lines, self._monitor:
            assert file
            file.close()
        shutil.rmtree(self._folder)

    # The console.

    def expect(self, pattern: str, timeout: float = COMMAND) -> re.Match[str]:
        """Wait until the console has said it, and pass it. TimeoutError, EOFError: it has not."""
        until = time.monotonic() + timeout
        while not (match := re.compile(pattern).search(self.said, self._seen)):
            self._listen(until, pattern)
        self._seen = match.end()
        return match

    def type(self, line: str) -> None:
        """Type a line, without waiting for what comes of it."""
        assert self._qemu.stdin
        self._qemu.stdin.write(line.encode() + b"\r")
        self._qemu.stdin.flush()

    def ask_for_level(self, timeout: float = COMMAND) -> None:
        """Wait for init's question."""
        self.expect("Enter runlevel: ", timeout)

    def log_in(self, timeout: float = BOOT) -> None:
        """Wait for ``login:`` and be root."""
        self.expect(r"vm login: ", timeout)
        self.type("root")
        self.shell()

    def maintain(self, timeout: float = COMMAND) -> None:
        """Wait for sulogin, and be root."""
        self.expect(r"Press Enter for maintenance\s+\(or press Control-D to continue\): ", timeout)
        self._insist("", r"(?=# )")
        self.shell()

    def shell(self) -> None:
        """Wait for root's shell to ask for a command, and make it quiet."""
        self.expect(r"# ")
        self._insist(f"stty -echo; export PS1= PS2=; echo qui''et; {SHELL}", r"quiet\s+")
        self._insist("echo rea''dy", r"ready\s+")

    def _insist(self, line: str, answer: str) -> None:
        """Type a line until it is heard: what comes just as a program sets up the terminal, it may drop."""
        for _ in range(int(COMMAND / PATIENCE)):
            self.type(line)
            try:
                self.expect(answer, PATIENCE)
                return
            except TimeoutError:
                pass
        raise TimeoutError(f"the console does not answer {line!r} with {answer!r}")

    def run(self, command: str, timeout: float = COMMAND) -> str:
        """Return what a command of root's says, without NOISE. CommandError: it failed."""
        self.type(f"echo '<'; {{ {command}\n}} 2>&1; echo \">$?\"".replace("\n", "\r"))
        said = self.expect(r"<\r\n((?s:.*?))>(\d+)\r\n", timeout)
        lines = [line for line in said[1].replace("\r\n", "\n").splitlines() if not NOISE.search(line)]
        text = "\n".join(line.strip("\r") for line in lines).strip()
        if said[2] != "0":
            raise CommandError(f"{command}: status {said[2]}: {text}")
        return text

    def wait_for(self, command: str, timeout: float = COMMAND) -> str:
        """Run a command again and again until it succeeds."""
        loop = f"for i in $(seq {timeout:.0f}); do {command} && exit; sleep 1; done; exit 1"
        return self.run(f"({loop})", timeout * 2)

    def _listen(self, until: float, pattern: str) -> None:
        assert self._qemu.stdout
        ready, _, _ = select.select([self._qemu.stdout], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError(f"the console has not said {pattern!r}")
        data = os.read(self._qemu.stdout.fileno(), 65536)
        if not data:
            raise EOFError(f"the machine ended without saying {pattern!r}")
        self.said += data.decode(errors="replace")

    # Keyboard and power.

    def press(self, *keys: str) -> None:
        """Press keys together on the keyboard, by QEMU's names for them."""
        self._ask("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def wait_end(self, timeout: float = BOOT) -> str:
        """Wait until the machine switches itself off; return QEMU's reason: guest-shutdown, guest-reset."""
        self._monitor.settimeout(timeout)
        until = time.monotonic() + timeout
        with_output = True
        while with_output:
            try:
                self._listen(until, "its end")
            except EOFError:
                with_output = False
        return str(self._next_event("SHUTDOWN")["reason"])

    def wait_restart(self, timeout: float = BOOT) -> None:
        """Wait until the machine restarts."""
        self._monitor.settimeout(timeout)
        self._next_event("RESET")
        self._seen = len(self.said)

    def flushes(self) -> int:
        """Return how often its disk was told to write what its cache holds."""
        (disk,) = self._ask("query-blockstats")
        return int(disk["stats"]["flush_operations"])

    def switch_off(self) -> None:
        """Take its power away. What it has not written is lost."""
        self._qemu.kill()
        self._qemu.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that the machine has taken so far."""
        fields = Path(f"/proc/{self._qemu.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")

    def _ask(self, command: str, **arguments: Any) -> Any:
        self._lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._lines.flush()
        while "return" not in (message := self._next_message()):
            assert "error" not in message, message
            self._events.append(message)
        return message["return"]

    def _next_event(self, name: str) -> dict[str, Any]:
        while True:
            message = self._events.pop(0) if self._events else self._next_message()
            if message.get("event") == name:
                data: dict[str, Any] = message.get("data", {})
                return data

    def _next_message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._lines.readline())
        return message

    # The disk.

    def _put(self, path: str, content: str | bytes) -> None:
        """Write a file on the disk, which is not in use, in the place of one that may be there."""
        source, orders = self._folder / "file", self._folder / "orders"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        source.chmod(0o755)  # it may be a script
        folder, _, name = path.rpartition("/")
        debugfs = ["debugfs", "-w", str(self.disk)]
        there = subprocess.run([*debugfs, "-R", f"stat {folder}"], capture_output=True, text=True, check=True)
        make = "" if "Type: directory" in there.stdout else f"mkdir {folder}\n"
        orders.write_text(f"{make}cd {folder}\nrm {name}\nwrite {source} {name}\n")
        subprocess.run([*debugfs, "-f", orders], capture_output=True, check=True)

    def check_disk(self) -> None:
        """AssertionError: its file system was not unmounted properly, or is damaged."""
        header = subprocess.run(
            ["dumpe2fs", "-h", self.disk], capture_output=True, text=True, check=True
        ).stdout
        assert re.search(r"Filesystem state: +clean\n", header), header
        assert "needs_recovery" not in header
        done = subprocess.run(["e2fsck", "-fn", self.disk], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class CommandError(Exception):
    """A command on the machine failed."""
