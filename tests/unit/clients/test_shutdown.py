"""shutdown: its command line, the countdown on a fake clock, its files, and its end when cancelled.

That C's says the same is tested in tests/system/test_shutdown.py.
"""

from __future__ import annotations

import errno
import fcntl
import os
import posix
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients import halt, runlevel, shutdown, telinit, users
from sysvinit_py.linux import calls
from sysvinit_py.protocol import initctl, utmp
from sysvinit_py.protocol.initctl import Decoder, Request

NOW = time.strptime("02:59:05", "%H:%M:%S")


class World:
    """A clock that sleeping moves, an init that hears requests, and users who hear what they are told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = 1000.0
        self.told: list[tuple[float, str]] = []
        self.asked: list[Any] = []
        self.signals: dict[float, int] = {}  # by the time at which they come
        self.fails: OSError | None = None
        self.files: list[tuple[float, set[str]]] = []  # at each sleep

    def sleep(self, _: object, seconds: float) -> object:
        self.files.append((self.clock - 1000, {path.name for path in self.folder.iterdir()}))
        due = [at for at in self.signals if at <= self.clock + seconds]
        if due:
            self.clock = max(self.clock, due[0])
            return SimpleNamespace(si_signo=self.signals.pop(due[0]))
        self.clock += seconds
        return None

    def tell(self, message: str, line: str = "") -> None:
        self.told.append((self.clock - 1000, message + line))

    def send(self, request: bytes, path: str) -> None:
        if self.fails:
            raise self.fails
        self.asked += Decoder().feed(request)

    def path(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setattr(posix, "geteuid", lambda: 0)
    for name in "PIDFILE", "NOLOGIN":
        monkeypatch.setattr(shutdown, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(
        shutdown, "FLAGS", {"f": str(tmp_path / "fastboot"), "F": str(tmp_path / "forcefsck")}
    )
    for name in "ALLOW", "CONSOLE":
        monkeypatch.setattr(users, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(runlevel, "UTMP", str(tmp_path / "utmp"))
    monkeypatch.setattr(users, "tell", world.tell)
    monkeypatch.setattr(telinit, "send", world.send)
    kernel = calls
    monkeypatch.setattr(kernel, "sigtimedwait", world.sleep)
    monkeypatch.setattr(kernel, "clock_gettime", lambda _: world.clock)
    monkeypatch.setattr(kernel, "sync", lambda: None)
    monkeypatch.setattr(kernel, "signal", lambda *_: None)
    monkeypatch.setattr(kernel, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(kernel, "kill", lambda *_: pytest.fail("a signal"))
    return world


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("now", 0), ("+0", 0), ("+5", 5), ("5", 5), ("+024:00", 1440), ("+90", 90), ("+1:30", 90),
        ("+25:10", 1510),
        ("2:59", 0), ("3:00", 1), ("03:00", 1), ("2:58", 1439), ("23:59", 1260), ("0:00", 1261),
    ],
)  # fmt: skip
def test_times(text: str, minutes: int) -> None:
    assert shutdown.minutes(text, NOW) == minutes


@pytest.mark.parametrize(
    "text",
    ["", "foo", "now+", "+", "+x", "+1x",
        "1x", "24:00", "25:00", "12:60", "+1:60", "+:5", ":05", "12:",
     "1:2:3", "+-1", "-1", "++1", "+1.5", "\u0661:00", "+99999999999", "12:000", " 1:00"],
)  # fmt: skip
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a time \(expected"):
        shutdown.minutes(text, NOW)


@pytest.mark.parametrize(
    ("arguments", "level", "variable", "seconds"),
    [
        (["now"], "1", b"INIT_HALT", initctl.WAIT_TIME),
        (["-h", "now"], "0", b"INIT_HALT", initctl.WAIT_TIME),
        (["-hP", "-t", "7", "now"], "0", b"INIT_HALT=POWEROFF", 7),
        (["-hH", "now", "bye"], "0", b"INIT_HALT=HALT", initctl.WAIT_TIME),
        (["-r", "+0"], "6", b"INIT_HALT", initctl.WAIT_TIME),
        (["-h", "-r", "now"], "6", b"INIT_HALT", initctl.WAIT_TIME),
        (["-r", "now", "-h"], "0", b"INIT_HALT", initctl.WAIT_TIME),
        (["-i5", "-g0"], "5", b"INIT_HALT", initctl.WAIT_TIME),
    ],
)
def test_what_init_is_asked(
    world: World, arguments: list[str], level: str, variable: bytes, seconds: int
) -> None:
    assert shutdown.main(arguments) == 0
    assert world.asked == [
        Request(initctl.SETENV, data=variable),
        Request(initctl.RUNLVL, level, seconds),
    ]
    assert [*world.folder.iterdir()] == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], 'the TIME is missing (try "now") '),
        (["-P", "now"], "-H and -P flags can only be used along with -h flag."),
        (["-hP", "-r", "now"], "-H and -P flags can only be used along with -h flag."),
        (["-n", "now"], 'can use "-n" for halt or reboot only.'),
        (["-z", "now"], "unrecognized arguments: -z"),
        (["-t", "x", "now"], "argument -t: 'x': not a number of seconds"),
        (["-t", "-5", "now"], "argument -t: '-5': not a number of seconds"),
        (["-i", "9", "now"], "argument -i: invalid choice: '9'"),
        (["-c"], "cannot find pid of running shutdown."),
        (["-h", "tomorrow"], "'tomorrow' is not a time"),
    ],
)
def test_what_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert shutdown.main(arguments) == 1
    assert capsys.readouterr().err.startswith(f"shutdown: {reason.rstrip()}")
    assert not world.asked
    assert [*world.folder.iterdir()] == []


def test_only_root_may(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 1000)
    assert shutdown.main(["now"]) == 1
    assert capsys.readouterr().err == "shutdown: you must be root to do that!\n"


def test_the_countdown(world: World) -> None:
    """Who can log in, and what is told when."""
    assert shutdown.main(["-r", "+16", "a", "message"]) == 0
    words = "a message The system is going DOWN for reboot in {} minutes!"
    expected = [(60.0 * (16 - left), words.format(left)) for left in (15, *range(9, 1, -1))]
    assert world.told == [*expected, (960.0, "a message The system is going down for reboot NOW!")]
    assert all(("nologin" in names) == (at >= 11 * 60) for at, names in world.files)
    assert all("pidfile" in names for _, names in world.files)


def test_a_machine_that_slept_hears_one_warning_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:

    def sleep(_: object, seconds: float) -> None:
        world.clock += max(seconds, 400.0) if world.clock < 1100 else seconds

    monkeypatch.setattr(calls, "sigtimedwait", sleep)
    assert shutdown.main(["-h", "+9"]) == 0
    assert [at for at, _ in world.told] == [0, 400, 420, 540]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", [0.0, 30.0, 599.0, 600.0])
def test_a_signal_leaves_nothing_half_done(
    world: World, capfd: pytest.CaptureFixture[str], number: int, at: float
) -> None:
    world.signals = {1000 + at: number}
    assert shutdown.main(["-h", "-f", "-F", "+10"]) == (0 if number == signal.SIGINT else 128 + number)
    assert [*world.folder.iterdir()] == []
    assert not world.asked
    assert capfd.readouterr().out == "\r\nShutdown cancelled.\r\n"


def test_flags_that_were_there_stay(world: World) -> None:
    world.path("forcefsck").touch()
    world.signals = {1000: signal.SIGINT}
    assert shutdown.main(["-r", "-F", "+1"]) == 0
    assert [path.name for path in world.folder.iterdir()] == ["forcefsck"]


def test_flags_are_made(world: World) -> None:
    assert shutdown.main(["-r", "-fF", "now"]) == 0
    assert {path.name for path in world.folder.iterdir()} == {"fastboot", "forcefsck"}


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "No such file or directory"), OSError(6, "No reader")]
)
def test_an_init_that_cannot_be_asked(
    world: World, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    """Nothing stays, so that the next try finds what this one has found."""
    world.fails = error
    assert shutdown.main(["-r", "-F", "now"]) == 1
    assert [*world.folder.iterdir()] == []
    assert capsys.readouterr().err == f"shutdown: {initctl.PATH}: {error.strerror}\n"


def test_only_warned(world: World) -> None:
    assert shutdown.main(["-k", "-h", "now"]) == 0
    assert [text for _, text in world.told] == ["The system is going down for system halt NOW!"]
    assert not world.asked


def test_two_at_once(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is refused by the lock, even before the first one has written its pid."""
    running: list[int] = []
    monkeypatch.setattr(shutdown, "_is_shutdown", running.__contains__)
    child = os.fork()  # a lock is a process's
    if not child:
        shutdown._take_pidfile()
        signal.pause()
    running.append(child)
    try:
        give_up = time.monotonic() + 10
        while not (world.path("pidfile").exists() and world.path("pidfile").read_text()):
            assert time.monotonic() < give_up
            time.sleep(0.01)
        assert shutdown.main(["-r", "now"]) == 1
        assert capsys.readouterr().err == "shutdown: already running.\n"
        assert world.path("pidfile").read_text() == f"{child}\n"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    running.clear()
    assert shutdown.main(["-r", "now"]) == 0


def test_a_lock_of_somebody_else(world: World) -> None:
    """Regression: whoever could read what a killed shutdown had left could lock out all others."""
    world.path("pidfile").write_text("2\n")
    locked, lock = os.pipe()
    child = os.fork()
    if not child:
        with world.path("pidfile").open() as file:
            fcntl.lockf(file, fcntl.LOCK_SH)
            os.write(lock, b".")
            signal.pause()
    try:
        os.read(locked, 1)
        assert shutdown.main(["-r", "now"]) == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(locked)
        os.close(lock)
    assert world.asked


def test_others_cannot_lock_it(world: World) -> None:
    shutdown._take_pidfile()
    assert world.path("pidfile").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("x", path)])
def test_a_pidfile_that_is_no_file(
    world: World, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None]
) -> None:
    """Regression: with a FIFO there the machine could not be shut down. C waits for its other end."""
    make(world.path("pidfile"))
    assert shutdown.main(["-r", "now"]) == 0
    assert capsys.readouterr().err.startswith("shutdown: warning: ")
    assert world.asked


def test_where_no_lock_is_to_be_had(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def lockf(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(calls, "lockf", lockf)
    assert shutdown.main(["-r", "now"]) == 0
    assert world.asked


def test_what_is_said_of_the_end_may_be_lost(world: World) -> None:
    """Regression: a full disk under standard output made a cancelled shutdown fail."""
    world.signals = {1000: signal.SIGINT}
    full, stdout = os.open("/dev/full", os.O_WRONLY), os.dup(1)
    os.dup2(full, 1)
    try:
        assert shutdown.main(["-r", "+1"]) == 0
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(full)


@pytest.mark.parametrize("text", ["", "foo", "1", "0", "-5", "99999999999", str(os.getppid())])
def test_a_stale_pid_is_no_shutdown(world: World, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Neither is a process that has got the pid since."""
    world.path("pidfile").write_text(text)
    assert shutdown.main(["-c"]) == 1
    assert capsys.readouterr().err in (
        "shutdown: cannot find pid of running shutdown.\n",
        "shutdown: not running.\n",
    )
    assert shutdown.main(["-r", "now"]) == 0


def test_without_a_pidfile(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file system that is full or read-only does not keep the machine up."""
    monkeypatch.setattr(shutdown, "PIDFILE", "/nonexistent/pid")
    assert shutdown.main(["-r", "now"]) == 0
    assert capsys.readouterr().err == "shutdown: warning: cannot open /nonexistent/pid\n"
    assert world.asked


def test_nobody_is_let_in_who_is_not_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.path("allow").write_text("bob\n")
    world.path("console").touch()
    assert shutdown.main(["-a", "-h", "now"]) == 1
    assert capsys.readouterr().err == "shutdown: no authorized users logged in.\n"
    assert world.path("console").read_bytes() == b"shutdown: no authorized users logged in.\r\n"
    world.path("allow").unlink()
    assert shutdown.main(["-a", "-h", "now"]) == 0


@pytest.mark.parametrize(
    ("allowed", "line", "user", "device", "may"),
    [
        ("bob\n", "tty1", "bob", (4, 1), True),
        ("# c\n\nalice\nbob", "tty63", "bob", (4, 63), True),
        ("", "tty1", "root", (4, 1), True),
        ("bob\n", "ttyS0", "bob", (4, 64), False),
        ("bob\n", "pts/0", "bob", (136, 0), False),
        ("bob\n", "tty1", "alice", (4, 1), False),
        (" bob\n", "tty1", "bob", (4, 1), False),
        ("#bob\n", "tty1", "#bob", (4, 1), False),
        ("bob\n", "nonexistent", "bob", None, False),
        ("\n", "tty1", "", (4, 1), False),
    ],
)
def test_who_may(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    allowed: str,
    line: str,
    user: str,
    device: tuple[int, int] | None,
    may: bool,
) -> None:
    """As C's, measured with the devices of a machine."""

    def stat(path: str) -> object:
        assert path == f"/dev/{line}"
        if device is None:
            raise FileNotFoundError
        return SimpleNamespace(st_rdev=os.makedev(*device))

    monkeypatch.setattr(calls, "stat", stat)
    world.path("allow").write_text(allowed)
    world.path("console").touch()
    login = utmp.Record(utmp.USER_PROCESS, 1, line, "1", user)
    world.path("utmp").write_bytes(utmp.boot_time(0) + utmp.pack(login))
    assert users.may_shut_down() == may


def test_no_machine_is_stopped_from_a_chroot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RefusedError("refused")

    monkeypatch.setattr(halt, "require_own_root", refuse)
    assert shutdown.main(["-n", "-h", "now"]) == 1
