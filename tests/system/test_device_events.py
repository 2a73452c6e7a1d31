"""initeventd with real udev events (umockdev) and a FIFO in init's place."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from sysvinit_py.protocol.initctl import (
    POWERFAIL,
    POWERFAILNOW,
    POWEROK,
    Decoder,
    Request,
)
from tests.system import netlinkudev
from tests.system.mockdevices import MockDevices, missing
from tests.system.netlinkudev import Network
from tests.system.witness import wait_until

ROOT = Path(__file__).parents[2]


class Fifo:
    """Init's FIFO: what it hears on it, if it listens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1
        self._decoder = Decoder()
        self._filled = 0
        self.heard: list[int] = []

    def listen(self) -> None:
        if not self.path.exists():
            os.mkfifo(self.path, 0o600)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 1 << 20)  # room for 2,560 requests

    def hear(self) -> list[int]:
        """All requests so far."""
        try:
            while data := os.read(self.fd, 65536):
                for request in self._decoder.feed(data) + self._decoder.flush():
                    assert isinstance(request, Request)
                    self.heard.append(request.cmd)
        except BlockingIOError:
            pass
        return self.heard

    def expect(self, *cmds: int) -> None:
        """Wait for these, and no more than these, since the last time."""
        wait_until(lambda: len(self.hear()) >= len(cmds), lambda: f"{cmds}; but {self.heard}", 10)
        assert tuple(self.heard) == cmds
        self.heard = []

    def expect_nothing(self, seconds: float = 0.3) -> None:
        time.sleep(seconds)
        assert self.hear() == []

    def fill(self) -> None:
        """Write something on it until nothing more fits."""
        try:
            while True:
                self._filled += os.write(self.fd, bytes(4096))
        except BlockingIOError:
            pass

    def empty(self) -> None:
        """Read what ``fill`` has written, and nothing that comes behind it."""
        while self._filled:
            self._filled -= len(os.read(self.fd, min(self._filled, 65536)))

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Daemon:
    """One initeventd; what it says is kept."""

    def __init__(
        self, run: Path, options: Sequence[str], environment: Mapping[str, str], within: Sequence[str]
    ) -> None:
        self.log = run / "log"
        self._pid_file = run / "initeventd.pid"
        command = [sys.executable, "-m", "sysvinit_py.initeventd", "--run", str(run), "--verbose"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*within, *command, *options],
                env=os.environ | environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> None:
        """Wait until it misses nothing: what it opens last is there."""

        def has_timer() -> bool:
            try:
                pid = int(self._pid_file.read_text()) if self._pid_file.exists() else self.process.pid
                return any("timerfd" in str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
            except (OSError, ValueError):
                return False

        wait_until(has_timer, lambda: f"it serves; but it said {self.said[-2000:]}", 10)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def expect(self, text: str, timeout: float = 10) -> None:
        wait_until(lambda: text in self.said, lambda: f"{text!r}; but it said {self.said[-2000:]}", timeout)

    def end(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)

    @property
    def memory(self) -> int:
        """Resident, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


@pytest.fixture
def devices() -> Iterator[MockDevices]:
    if reason := missing():
        pytest.skip(reason)
    with MockDevices() as devices:
        devices.supply("AC", type="Mains", online=1)
        devices.supply("BAT0", type="Battery", present=1, status="Full", capacity=100)
        yield devices


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path / "initctl")
    yield fifo
    fifo.close()


Start = Callable[..., Daemon]


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts a daemon that sees the devices of the test, if it has any."""
    started: list[Daemon] = []
    devices = request.getfixturevalue("devices") if "devices" in request.fixturenames else None
    environment = devices.environment if devices else {}

    def start(*options: str, within: Sequence[str] = ()) -> Daemon:
        started.append(Daemon(tmp_path, options or ("--foreground",), environment, within))
        return started[-1]

    yield start
    for daemon in started:
        if daemon.process.poll() is None:
            daemon.end()


def test_power(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    fifo.listen()
    start().ready()
    devices.supply("AC", online=0)
    fifo.expect(POWERFAIL)
    devices.supply("BAT0", status="Discharging", capacity=6)
    fifo.expect_nothing()
    devices.supply("BAT0", capacity=5)
    fifo.expect(POWERFAILNOW)
    devices.supply("BAT0", capacity=4)
    devices.supply("BAT0", capacity=6)
    fifo.expect_nothing()
    devices.supply("AC", online=1)
    fifo.expect(POWEROK)


def test_what_is_at_the_start(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    devices.supply("AC", online=0)
    devices.supply("BAT0", status="Discharging", capacity=15)
    fifo.listen()
    start("--foreground", "--limit", "15")
    fifo.expect(POWERFAIL, POWERFAILNOW)


def test_last_mains_supply(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    fifo.listen()
    devices.supply("AC2", type="Mains", online=1)
    start().ready()
    devices.supply("AC", online=0)
    fifo.expect_nothing()
    devices.gone("AC2")
    fifo.expect(POWERFAIL)


def test_nothing_is_lost_before_there_is_a_fifo(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    daemon = start()
    daemon.ready()
    devices.supply("AC", online=0)
    daemon.expect("init cannot be told")
    time.sleep(1.2)
    assert daemon.said.count("cannot be told") == 1
    fifo.listen()
    fifo.expect(POWERFAIL)


def test_a_fifo_that_nobody_reads(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    os.mkfifo(fifo.path)
    devices.supply("AC", online=0)
    daemon = start()
    daemon.expect("No such device or address")
    fifo.listen()
    fifo.expect(POWERFAIL)


def test_a_fifo_that_is_none(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    fifo.path.write_text("")
    devices.supply("AC", online=0)
    daemon = start()
    daemon.expect("initctl is not a fifo")
    assert fifo.path.read_text() == ""
    fifo.path.unlink()
    fifo.listen()
    fifo.expect(POWERFAIL)


def test_a_full_fifo(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    """What init has no room for is told when it has: the truth of then."""
    fifo.listen()
    daemon = start()
    daemon.ready()
    fifo.fill()
    devices.supply("AC", online=0)
    daemon.expect("Resource temporarily unavailable")
    for online in (1, 0, 1, 0):
        devices.supply("AC", online=online)
    wait_until(lambda: daemon.said.count("power: failed") >= 3, lambda: daemon.said)  # it has heard of all
    fifo.empty()
    fifo.expect(POWERFAIL)
    daemon.expect("told again")


# Bursts, by way of a real netlink socket.


@pytest.fixture
def network() -> Iterator[Network]:
    if reason := netlinkudev.missing():
        pytest.skip(reason)
    with Network() as network:
        yield network


OFF = netlinkudev.supply("AC", type="Mains", online=0)
ON = netlinkudev.supply("AC", type="Mains", online=1)


def test_burst_of_a_thousand_events(network: Network, fifo: Fifo, start: Start) -> None:
    """None is lost, none is told twice, and none stays in memory."""
    fifo.listen()
    daemon = start("--foreground", within=network.enter)
    daemon.ready()
    memory = []
    for _ in range(4):
        network.send(OFF, ON, times=500)
        fifo.expect(*[POWERFAIL, POWEROK] * 500)
        memory.append(daemon.memory)
    # The first burst fills what the allocator keeps for the next ones.
    assert memory[-1] - memory[1] < 128, f"KiB more after 2,000 events: {memory}"


def test_burst_that_changes_nothing(network: Network, fifo: Fifo, start: Start) -> None:
    fifo.listen()
    start("--foreground", within=network.enter).ready()
    network.send(OFF, times=1000)
    network.send(ON)
    fifo.expect(POWERFAIL, POWEROK)


def test_more_events_than_the_kernel_keeps(network: Network, fifo: Fifo, start: Start) -> None:
    """Looked at anew is what is, and here that is no power supply at all: the daemon goes on."""
    fifo.listen()
    daemon = start("--foreground", within=network.enter)
    daemon.ready()
    daemon.process.send_signal(signal.SIGSTOP)
    network.send(OFF, times=50_000)
    daemon.process.send_signal(signal.SIGCONT)
    daemon.expect("too many events at once, some were lost: reading all devices again", 30)
    fifo.expect(POWERFAIL)
    network.send(ON)
    fifo.expect(POWEROK)


# Ends.


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5])
def test_killed_at_any_moment(devices: MockDevices, fifo: Fifo, start: Start, delay: float) -> None:
    """The next one tells init the truth: at most the request that was being sent is sent again."""
    fifo.listen()
    first = start()
    time.sleep(delay)
    devices.supply("AC", online=0)
    time.sleep(delay / 10)
    first.end()
    devices.supply("BAT0", status="Discharging", capacity=1)
    start()
    wait_until(lambda: POWERFAILNOW in fifo.hear(), lambda: f"power fail now; but {fifo.heard}")
    heard = fifo.hear()
    assert heard in ([POWERFAIL, POWERFAILNOW], [POWERFAIL, POWERFAIL, POWERFAILNOW])


def test_killed_as_soon_as_init_has_heard(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    """It could not note that it has told of the failure, but init has to hear of the end of it."""
    fifo.listen()
    state = fifo.path.with_name("initeventd.state")
    for _ in range(5):
        daemon = start()
        daemon.ready()
        devices.supply("AC", online=0)
        select.select([fifo.fd], [], [], 10)
        daemon.end()
        devices.supply("AC", online=1)
        daemon = start()
        fifo.expect(POWERFAIL, POWEROK)
        wait_until(lambda: '["ok"]' in state.read_text(), lambda: f"it is noted; but {state.read_text()}")
        daemon.end()


def test_the_power_is_back_while_no_daemon_runs(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    fifo.listen()
    devices.supply("AC", online=0)
    daemon = start()
    fifo.expect(POWERFAIL)
    daemon.end()
    devices.supply("AC", online=1)
    start()
    fifo.expect(POWEROK)


def test_a_second_daemon(fifo: Fifo, start: Start, tmp_path: Path) -> None:
    fifo.listen()
    first = start()
    first.ready()
    assert (tmp_path / "initeventd.pid").read_text() == f"{first.process.pid}\n"
    second = start()
    assert second.process.wait(10) == 1
    second.expect(f"initeventd: already running, with pid {first.process.pid}\n")
    fifo.expect_nothing()


@pytest.mark.parametrize("option", ["--foreground", "--dry-run"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_end(fifo: Fifo, start: Start, tmp_path: Path, number: int, option: str) -> None:
    fifo.listen()
    daemon = start(option)
    daemon.ready()
    assert daemon.end(number) == 0
    assert not (tmp_path / "initeventd.pid").exists()
    assert "Traceback" not in daemon.said


def test_dry_run(devices: MockDevices, fifo: Fifo, start: Start, tmp_path: Path) -> None:
    """Sends nothing, keeps nothing, and runs beside the real one."""
    devices.supply("AC", online=0)
    daemon = start("--dry-run")
    daemon.expect("would send: power fail\n")
    devices.supply("AC", online=1)
    daemon.expect("would send: power ok\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["log"]


def test_a_full_disk_for_what_it_says_stops_nothing(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    """Neither is init told again and again, nor does the daemon end."""
    fifo.listen()
    start(within=["sh", "-c", 'exec "$@" 2>/dev/full', "sh"]).ready()
    devices.supply("AC", online=0)
    fifo.expect(POWERFAIL)
    fifo.expect_nothing(1.2)
    devices.supply("AC", online=1)
    fifo.expect(POWEROK)


def test_a_dry_run_that_nobody_can_read_ends(devices: MockDevices, start: Start) -> None:
    devices.supply("AC", online=0)
    daemon = start("--dry-run", within=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
    assert daemon.process.wait(10) == 1
    daemon.expect("initeventd: standard output: No space left on device\n")
    assert "Traceback" not in daemon.said


def test_detached(devices: MockDevices, fifo: Fifo, start: Start, tmp_path: Path) -> None:
    """A session of its own, no terminal, the directory /, and no descriptor but its own few."""
    fifo.listen()
    starter = start("--limit", "20")
    assert starter.process.wait(10) == 0
    starter.ready()
    pid = int((tmp_path / "initeventd.pid").read_text())
    try:
        proc = Path(f"/proc/{pid}")
        assert os.getsid(pid) not in (pid, os.getsid(0)), "its leader has ended, so it can get no terminal"
        assert (proc / "cwd").readlink() == Path("/")
        open_files = sorted(str(link.readlink()) for link in (proc / "fd").iterdir())
        assert open_files[:3] == ["/dev/null"] * 3
        own = ("/dev/null", f"{tmp_path}/initeventd.", "anon_inode:[timerfd]", "socket:")
        assert not [name for name in open_files if not name.startswith(own)]
        devices.supply("AC", online=0)
        fifo.expect(POWERFAIL)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not (tmp_path / "initeventd.pid").exists(), lambda: "the end of its pid file")


def test_no_leaked_descriptor_in_the_foreground(fifo: Fifo, start: Start) -> None:
    fifo.listen()
    os.set_inheritable(fifo.fd, True)
    daemon = start()
    daemon.ready()
    open_files = [str(link.readlink()) for link in Path(f"/proc/{daemon.process.pid}/fd").iterdir()]
    assert not [name for name in open_files if "initctl" in name]


def test_nonsense(devices: MockDevices, fifo: Fifo, start: Start) -> None:
    """It is named, and has no say; what makes sense goes on to have."""
    fifo.listen()
    devices.supply("AC", online="banana")
    devices.supply("X", manufacturer="nobody")
    devices.supply("BAT1", type="Battery", capacity=-7)
    daemon = start()
    daemon.ready()
    daemon.expect("power supply AC is online='banana': ignored")
    daemon.expect("power supply X has no type: ignored")
    daemon.expect("power supply BAT1 has capacity='-7': ignored")
    devices.supply("AC", online=0)
    fifo.expect(POWERFAIL)


@pytest.mark.parametrize("limit", ["-1", "101", "five", ""])
def test_limit_that_is_none(start: Start, limit: str) -> None:
    daemon = start("--limit", limit)
    assert daemon.process.wait(10) == 2
    daemon.expect(f"argument --limit: {limit!r} is not a whole number from 0 to 100")


def test_no_place_for_its_files(start: Start, tmp_path: Path) -> None:
    daemon = start("--foreground", "--run", str(tmp_path / "none"))
    assert daemon.process.wait(10) == 1
    daemon.expect(f"initeventd: {tmp_path}/none/initeventd.pid: No such file or directory\n")
