"""One process for many services: what it is told, what it costs, and that none of them hurts another."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.services.supervised import CAT, ROOT, SLEEP, Supervised, is_alive
from tests.system.witness import wait_until

SERVE = """
import sys; sys.path.insert(0, sys.argv[1])
import _socket
from sysvinit_py.services.wire import serve
sys.exit(serve(_socket.socket(fileno=int(sys.argv[2])), len(sys.argv) > 3))
"""


class RunningHub:
    """The hub, and the other end of its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.services = folder, dict[int, Supervised]()
        self.process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None

    def start(self, *words: str, program: str = SERVE) -> None:
        if self.socket:
            self.socket.close()
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10 * PATIENCE)
        with other, (self.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-IS", "-c", program, str(ROOT), str(other.fileno()), *words],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )

    def say(self, text: str) -> None:
        assert self.socket
        self.socket.send(text.encode())

    def heard(self) -> str:
        assert self.socket
        return " ".join(self.socket.recv(1000).decode().split()[:3])  # and after it why

    def add(self, number: int, files: dict[str, str]) -> Supervised:
        one = self.services[number] = Supervised(self.folder / f"s{number}", files)
        self.say(f"add {number} {one.path}")
        return one

    def wait(self, true: Callable[[], object]) -> None:
        wait_until(true, lambda: (self.folder / "errors").read_text(), 20)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def private_memory(self) -> int:
        rows = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return sum(
            int(row.split()[1]) for row in rows if row.startswith(("Private_Clean:", "Private_Dirty:"))
        )

    def switches(self) -> int:
        rows = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return sum(int(row.split()[1]) for row in rows if row.startswith("voluntary_ctxt_switches"))

    def clean(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.socket:
            self.socket.close()
        for one in self.services.values():
            one.clean()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    one = RunningHub(tmp_path)
    one.start()
    yield one
    one.clean()


def test_messages(hub: RunningHub) -> None:
    one, two = hub.add(1, {"run": SLEEP, "log/run": CAT}), hub.add(2, {"run": SLEEP})
    one.wait_stat("run")
    two.wait_stat("run")
    hub.say(f"add 3 {one.path}")
    assert hub.heard() == "gone 3 111"
    hub.say("add 4 /nowhere")
    assert hub.heard() == "gone 4 111"
    hub.say("forget 1")
    assert hub.heard() == "gone 1 0"
    assert one.stat("log") == one.stat() == "down"
    two.order("x")
    assert hub.heard() == "gone 2 0"
    hub.say("forget 9")
    hub.say("nonsense")
    hub.add(5, {"run": SLEEP}).wait_stat("run")
    hub.say("exit")
    assert hub.heard() == "gone 5 0"
    assert hub.socket
    hub.socket.close()
    assert hub.process
    assert hub.process.wait(10) == 0


def test_services_outlive_the_channel(hub: RunningHub) -> None:
    one = hub.add(1, {"run": SLEEP})
    one.wait_stat("run")
    assert hub.socket
    hub.socket.close()
    one.order("t")
    pid = one.pid()
    one.wait(lambda: one.pid() not in (0, pid))
    one.order("x")
    assert hub.process
    assert hub.process.wait(10) == 0


def test_a_new_hub_is_told_how_they_ended(hub: RunningHub) -> None:
    one = hub.add(1, {"run": SLEEP, "finish": "echo $* >> told"})
    one.wait_stat("run")
    pid = one.pid()
    assert hub.process
    hub.process.kill()
    hub.process.wait()
    hub.start()
    hub.say(f"add 1 {one.path}")
    one.wait(one.is_served)
    assert one.pid() == pid
    os.kill(pid, signal.SIGKILL)
    hub.say(f"ended {pid} 9")
    one.wait(lambda: one.read("told") == "-1 9\n")


def test_sessions(tmp_path: Path) -> None:
    """runsvdir -P: what a service sends to its own group reaches no other."""
    hub = RunningHub(tmp_path)
    hub.start("-P")
    try:
        one, two = hub.add(1, {"run": SLEEP}), hub.add(2, {"run": "sleep 0.1; kill 0"})
        one.wait_stat("run")
        pid = one.pid()
        assert os.getsid(pid) == os.getpgid(pid) == pid
        two.wait_stat("down")
        assert one.pid() == pid
    finally:
        hub.clean()


def test_a_broken_service_hurts_no_other(hub: RunningHub) -> None:
    """Programs that hang, damaged folders, a flood of orders: another service is served at once."""
    good = hub.add(0, {"run": "date +%s.%N >> told; exec sleep 1000"})
    hang = "trap '' TERM; while :; do sleep 1; done"
    for number, files in enumerate(
        [
            {"run": hang, "control/t": hang},
            {"run": "exit 1", "finish": hang},
            {"run": SLEEP, "control/u": hang},
            {"run": ""},
            {"run": SLEEP, "supervise/status/x": ""},
            {"run": SLEEP, "supervise/pid.new/x": ""},
            {"run": SLEEP, "log/supervise/control": ""},
            {"run": SLEEP, "log": ""},
        ],
        1,
    ):
        hub.add(number, files)
    good.wait_stat("run")
    hub.wait(hub.services[8].is_served)
    hub.services[1].order("t")
    flood = os.open(hub.services[8].path / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    took = []
    for stat, letter in [("run, paused", "p"), ("run", "c")] * 3:
        try:
            while True:
                os.write(flood, b"hz" * 2000)
        except BlockingIOError:
            pass
        began = time.monotonic()
        good.order(letter)
        good.wait_stat(stat)
        took.append(time.monotonic() - began)
    os.close(flood)
    assert min(took) < 0.1 * PATIENCE, took
    good.order("x")
    while (heard := hub.heard()) != "gone 0 0":
        assert heard.startswith("gone ")


def test_an_exception_is_confined(tmp_path: Path) -> None:
    """What one service raises is reported, and it goes on."""
    program = SERVE.replace(
        "sys.exit(",
        "from sysvinit_py.services.service import Service\n"
        "tick, Service.tick = Service.tick, lambda self: 1 / 0 if self.name == 's1' else tick(self)\n"
        "sys.exit(",
    )
    hub = RunningHub(tmp_path)
    hub.start(program=program)
    try:
        hub.add(1, {"run": "exit 1"})
        two = hub.add(2, {"run": "echo >> told; exit 1"})
        two.wait(lambda: two.read("told").count("\n") == 3)
        assert "runsv s1: warning: ZeroDivisionError" in (tmp_path / "errors").read_text()
    finally:
        hub.clean()


def test_what_it_costs(tmp_path: Path) -> None:
    """At most 6 MB of its own for 100 services as for one; nothing at all while nothing happens."""
    hub = RunningHub(tmp_path)
    hub.start()
    try:
        for number in range(100):
            hub.add(number, {"run": SLEEP, "log/run": CAT} if number % 10 == 0 else {"run": SLEEP})
        hub.wait(lambda: all(one.stat() == "run" for one in hub.services.values()))
        time.sleep(0.2)
        before, cpu = hub.switches(), hub.cpu()
        time.sleep(1.5)
        assert (hub.switches(), hub.cpu()) == (before, cpu)
        assert hub.private_memory() <= 6 * 1024
        hub.say("exit")
        assert {hub.heard() for _ in range(100)} == {f"gone {number} 0" for number in range(100)}
        assert not any(is_alive(one.pid()) for one in hub.services.values())
    finally:
        hub.clean()


@pytest.mark.timed
def test_latency_of_a_restart(hub: RunningHub) -> None:
    """An end after more than a second is followed by the next start within some milliseconds."""
    one = hub.add(0, {"run": SLEEP})
    one.wait_stat("run")
    took = []
    for _ in range(4):
        time.sleep(1.05)
        pid = one.pid()
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while one.pid() in (0, pid):
            pass
        took.append(time.monotonic() - began)
    assert min(took) < 0.05 * PATIENCE, took
