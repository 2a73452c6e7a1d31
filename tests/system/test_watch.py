"""inittab status --watch: on a terminal and elsewhere; init changes, is executed anew, and is another one."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.at_terminal import AtTerminal
from tests.system.conftest import OURS, Boot
from tests.system.system import System
from tests.system.test_counts import calls_of
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    r:2:respawn:/w R stay
    f:2:once:/bin/false
    x:3:respawn:/w X stay
    w:2:once:/w W stay
"""

pytestmark = pytest.mark.ours_only("C publishes nothing")


def settled(boot: Boot) -> System:
    system = boot(INITTAB, files={"/inittab": OURS})
    system.witness.wait("W")
    return system


class Watcher:
    """``inittab status --watch`` and what it has written."""

    def __init__(self, system: System, path: Path, *arguments: str) -> None:
        self._path, self._system = path, system
        with open(path, "wb") as output:
            command = ["/inittab", "status", "--watch", *arguments]
            self.process = system.start(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def lines(self) -> list[str]:
        return self._path.read_text().splitlines()

    def wait(self, count: int) -> list[str]:
        """Wait until there are so many lines."""
        wait_until(lambda: len(self.lines) >= count, lambda: str(self.lines))
        return self.lines

    def interrupt(self) -> int:
        interrupt(self._system)
        return self.process.wait(10)


def interrupt(system: System) -> None:
    """Send the one that watches what Ctrl-C does."""
    [pid] = [process.pid for process in system.processes() if "--watch" in process.title]
    assert not system.run(["kill", "-INT", str(pid)]).returncode


@contextmanager
def watching(system: System, path: Path, *arguments: str) -> Iterator[Watcher]:
    watcher = Watcher(system, path, *arguments)
    try:
        yield watcher
    finally:
        watcher.process.kill()
        watcher.process.wait()


def changes(watcher: Watcher, entry: str) -> list[dict[str, Any]]:
    documents = [json.loads(line) for line in watcher.lines if line.startswith("{")]
    return [item for document in documents for item in document["entries"] if item["id"] == entry]


def test_json_lines_through_respawn_re_execution_and_another_inittab(boot: Boot, tmp_path: Path) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    with watching(system, tmp_path / "out", "--json") as watcher:
        everything = json.loads(watcher.wait(1)[0])
        assert [item["id"] for item in everything["entries"]] == ["id", "r", "f", "x", "w", "~~"]
        system.run(["kill", "-KILL", str(first.pid)])
        second = system.witness.wait("R", n=2)
        wait_until(lambda: changes(watcher, "r")[-1]["pid"] == second.pid, lambda: str(watcher.lines))
        assert not [
            item for line in watcher.lines[1:] for item in json.loads(line)["entries"] if item["id"] != "r"
        ]
        inode = system.path("/run/inittab/status").stat().st_ino
        system.telinit("u")
        wait_until(
            lambda: system.path("/run/inittab/status").stat().st_ino != inode,
            lambda: "the new init publishes",
        )
        system.write("/etc/inittab", INITTAB.replace("    f:2:once:/bin/false\n", "").replace("    ", ""))
        system.telinit("q")
        wait_until(lambda: json.loads(watcher.lines[-1])["gone"] == ["f"], lambda: str(watcher.lines))
        system.telinit("3")
        wait_until(lambda: changes(watcher, "x")[-1]["state"] == "running", lambda: str(watcher.lines))
        assert json.loads(watcher.lines[-1])["init"]["level"] == "3"
        assert watcher.interrupt() == 0
    assert all(line.startswith("{") for line in watcher.lines), "nothing was reported on standard error"


def test_text_lines_of_some_entries(boot: Boot, tmp_path: Path) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    with (
        watching(system, tmp_path / "out", "r") as text,
        watching(system, tmp_path / "fields", "-o", "id,pid", "r") as fields,
    ):
        assert text.wait(1)[0][21:].split()[:3] == ["r", "running", str(first.pid)]
        fields.wait(1)
        system.run(["kill", "-KILL", str(first.pid)])
        second = system.witness.wait("R", n=2)
        wait_until(lambda: f"r\t{second.pid}" in fields.lines, lambda: str(fields.lines))
        wait_until(lambda: f"  {second.pid}  2  signal 9 KILL" in text.lines[-1], lambda: str(text.lines))
        assert len(text.lines) <= 3, "what has not changed is not told again"


def test_it_ends_when_nobody_reads_any_more(boot: Boot) -> None:
    """At once, and not with the next change."""
    system = settled(boot)
    process = system.start(
        ["/inittab", "status", "--watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_on_a_terminal_it_is_drawn_anew_and_fits(boot: Boot) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    environment = {"PATH": "/bin:/usr/bin", "TERM": "linux", "NO_COLOR": "1"}
    seen = AtTerminal(
        lambda **streams: system.start(["/inittab", "status", "--watch"], env=environment, **streams)
    )
    try:
        seen.screen.expect(b"sulogin\x1b[K\r\n\x1b[J")
        system.run(["kill", "-KILL", str(first.pid)])
        second = system.witness.wait("R", n=2)
        seen.screen.expect(b" %d " % second.pid)
        seen.screen.resize(5, 40)
        rows = (rb"level 2[^\x1b]{1,35}", rb"ID [^\x1b]*", rb"f +failed [^\x1b]*", rb"5 more")
        picture = b"".join(row + rb"\x1b\[K\r\n" for row in rows)
        seen.screen.expect(re.compile(rb"\x1b\[H" + picture + rb"\x1b\[J"))
        interrupt(system)
        assert seen.program.wait(10) == 0
        assert seen.restored()
    finally:
        seen.close()


def test_many_users_look_and_init_sleeps(boot: Boot, tmp_path: Path) -> None:
    system = settled(boot)
    system.wait_level("2")
    with watching(system, tmp_path / "one", "--json") as one, watching(system, tmp_path / "two") as two:
        one.wait(1)
        two.wait(1)
        time.sleep(0.3)
        with calls_of(system, tmp_path / "strace") as calls:
            for _ in range(20):
                assert system.run(["/inittab", "status", "-o", "id"]).returncode == 0
            time.sleep(1.5)
    assert not set(calls) - {"restart_syscall"}, calls


def test_c_takes_over_and_ours_comes_back(boot: Boot, oracle_programs: Path, tmp_path: Path) -> None:
    system = settled(boot)
    ours = system.path("/sbin/init").read_bytes()

    def become(program: bytes) -> None:
        system.write("/sbin/init.new", program)
        system.path("/sbin/init.new").chmod(0o755)
        system.path("/sbin/init.new").rename(system.path("/sbin/init"))
        system.telinit("u")

    with watching(system, tmp_path / "out", "--json") as watcher:
        watcher.wait(1)

        def version() -> Any:
            return json.loads([line for line in watcher.lines if line.startswith("{")][-1])["init"]["version"]

        assert version()
        become((oracle_programs / "init").read_bytes())
        wait_until(lambda: version() is None, lambda: str(watcher.lines), 10)
        [said] = [line for line in watcher.lines if not line.startswith("{")]
        assert "publishes no status" in said
        become(ours)
        wait_until(lambda: version() is not None, lambda: str(watcher.lines), 10)
        assert changes(watcher, "r")[-1]["state"] == "running"
        assert watcher.interrupt() == 0
