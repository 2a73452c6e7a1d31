"""halt, poweroff, reboot: what they do in which order, and what keeps them from stopping the wrong system."""

from __future__ import annotations

import posix
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sysvinit_py.clients import halt, runlevel
from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp


class World:
    """A kernel that goes on after reboot(2), and notes what it was asked."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.softly: list[list[str]] = []
        self.roots = {"/": 1, "/proc/1/root/": 1}

    def soft(self, arguments: list[str]) -> int:
        self.softly.append(arguments)
        return 0

    def reboot(self, command: int) -> None:
        self.done.append(command)
        if command in (calls.RB_KEXEC, calls.RB_POWER_OFF):
            raise OSError(22, "Invalid argument")

    def stat(self, path: str) -> object:
        if path not in self.roots:
            raise FileNotFoundError(2, "No such file or directory")
        return SimpleNamespace(st_dev=1, st_ino=self.roots[path])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(posix, "geteuid", lambda: 0)
    monkeypatch.setattr(posix, "environ", {b"INIT_VERSION": b"x", b"RUNLEVEL": b"0"})
    monkeypatch.setattr(posix, "stat", world.stat)
    monkeypatch.setattr(posix, "chdir", lambda _: None)
    monkeypatch.setattr(calls, "reboot", world.reboot)
    monkeypatch.setattr(calls, "kill", lambda pid, number: world.done.append((pid, number)))
    monkeypatch.setattr(calls, "sync", lambda: world.done.append("sync"))
    monkeypatch.setattr(calls, "fsync", lambda _: world.done.append("fsync"))
    monkeypatch.setattr(halt, "WTMP", str(tmp_path / "wtmp"))
    monkeypatch.setattr(halt, "BLOCK", str(tmp_path / "block"))
    monkeypatch.setattr(halt, "KEXEC_LOADED", str(tmp_path / "kexec"))
    monkeypatch.setattr(runlevel, "UTMP", str(tmp_path / "utmp"))
    monkeypatch.setattr(runlevel, "LEVEL", str(tmp_path / "runlevel"))
    (tmp_path / "wtmp").touch()
    return world


STOPPED = (1, calls.SIGTSTP)
GOES_ON = [calls.RB_DISABLE_CAD, (1, calls.SIGCONT)]


@pytest.mark.parametrize(
    ("name", "arguments", "asked"),
    [
        ("halt", [], [calls.RB_ENABLE_CAD, STOPPED, calls.RB_HALT_SYSTEM]),
        ("halt", ["-p"], [calls.RB_ENABLE_CAD, STOPPED, calls.RB_POWER_OFF, calls.RB_HALT_SYSTEM]),
        ("poweroff", [], [calls.RB_ENABLE_CAD, STOPPED, calls.RB_POWER_OFF, calls.RB_HALT_SYSTEM]),
        ("reboot", ["-p"], [calls.RB_KEXEC, calls.RB_AUTOBOOT]),
    ],
)
def test_what_the_kernel_is_asked(
    world: World, name: str, arguments: list[str], asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """As C's, but that it says so if the kernel goes on, and asks for the kernel that kexec has loaded.

    It does so without looking into /sys, which scripts of level 6 may have unmounted.
    """
    assert halt.main(name, world.soft, arguments) == 1
    assert world.done == ["sync", *asked, *GOES_ON]
    called = "poweroff" if "-p" in arguments and name == "halt" else name
    assert capsys.readouterr().err == f"{name}: the kernel went on after reboot(2)\n", called


def test_why_the_kernel_did_not(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(command: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(calls, "reboot", refuse)
    assert halt.main("reboot", world.soft, ["-f"]) == 1
    assert capsys.readouterr().err == "reboot: reboot(2): Operation not permitted\n"


@pytest.mark.parametrize(
    ("arguments", "records", "synced"),
    [([], 1, True), (["-d"], 0, True), (["-n"], 0, False), (["-w"], 1, False), (["-w", "-d"], 0, False)],
)
def test_the_record(world: World, arguments: list[str], records: int, synced: bool) -> None:
    halt.main("halt", world.soft, arguments)
    content = Path(halt.WTMP).read_bytes()
    assert len(content) == records * utmp.SIZE
    assert all(utmp.unpack(content).user == "shutdown" for _ in range(records))
    assert ("sync" in world.done) == synced
    assert bool(world.done) != ("-w" in arguments)


def test_without_a_wtmp(world: World) -> None:
    Path(halt.WTMP).unlink()
    assert halt.main("halt", world.soft, ["-w"]) == 0
    assert not Path(halt.WTMP).exists()


@pytest.mark.parametrize(
    ("name", "called"),
    [("halt", ["-h", "now"]), ("poweroff", ["-h", "-P", "now"]), ("reboot", ["-r", "now"])],
)
def test_shutdown_is_called(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, called: list[str]
) -> None:
    monkeypatch.setattr(posix, "environ", {})
    Path(runlevel.UTMP).write_bytes(utmp.run_level("2", "N", 0))
    assert halt.main(name, world.soft, []) == 0
    assert world.softly == [called]
    assert not world.done


@pytest.mark.parametrize("roots", [{"/": 2, "/proc/1/root/": 1}, {"/": 1}])
def test_another_system_is_not_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch, roots: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression by design: a chroot, or a container with the machine's processes."""
    monkeypatch.setattr(posix, "environ", {})
    world.roots = roots
    assert halt.main("halt", world.soft, ["-f"]) == 1
    assert capsys.readouterr().err.startswith("halt: refused: ")
    assert not world.done
    assert not Path(halt.WTMP).read_bytes()


def test_a_script_of_init_may_have_unmounted_proc(world: World) -> None:
    """And a security module may forbid to look."""
    world.roots = {"/": 1}
    halt.main("halt", world.soft, [])
    assert calls.RB_HALT_SYSTEM in world.done


def test_disks(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixed ones, of whatever kind; only ATA's are put into standby mode."""
    for name, removable, vendor in ("sda", "0", "ATA     "), ("sdb", "1", "ATA     "), ("vda", "0", "x"):
        (tmp_path / "block" / name / "device").mkdir(parents=True)
        (tmp_path / "block" / name / "removable").write_text(removable)
        (tmp_path / "block" / name / "device/vendor").write_text(vendor)
    (tmp_path / "block/loop0").mkdir()
    (tmp_path / "block/loop0/removable").write_text("0")
    opened, asked = list[str](), list[tuple[int, bytes]]()
    real = calls.open

    def open_(path: str, *how: int, **where: Any) -> int:
        if path.startswith("/dev/"):
            opened.append(path)
            path = "/dev/null"
        return real(path, *how, **where)

    monkeypatch.setattr(calls, "open", open_)
    monkeypatch.setattr(calls, "ioctl", lambda _, *request: asked.append(request))
    halt._settle_disks(flush=True, standby=True)
    assert opened == ["/dev/sda", "/dev/vda"]
    assert world.done == ["fsync", "fsync"]
    assert asked == [(calls.HDIO_DRIVE_CMD, bytes((command, 0, 0, 0))) for command in (0xE0, 0x94)]


@pytest.mark.parametrize("arguments", [["-z"], ["now"], ["-t"]])
def test_usage(world: World, arguments: list[str]) -> None:
    assert halt.main("halt", world.soft, arguments) == 1
    assert not world.done


def test_only_root_may(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 1000)
    assert halt.main("poweroff", world.soft, ["-f"]) == 1
    assert capsys.readouterr().err == "poweroff: must be superuser.\n"


@pytest.mark.parametrize("arguments", [["-m", "0 tryboot"], ["-m", "\udcff", "-n"]])
def test_a_message_for_the_firmware(
    world: World, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """It needs no -f, and the machine restarts where the kernel knows no messages."""
    monkeypatch.setattr(posix, "environ", {})

    def reboot_with(message: bytes) -> None:
        world.done.append(message)
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(calls, "reboot_with", reboot_with)
    halt.main("reboot", world.soft, arguments)
    at = world.done.index(arguments[1].encode("utf-8", "surrogateescape"))
    assert world.done[at + 1 : at + 3] == [calls.RB_KEXEC, calls.RB_AUTOBOOT]
    assert not world.softly


@pytest.mark.parametrize("name", ["halt", "poweroff"])
def test_only_reboot_takes_messages(world: World, name: str) -> None:
    assert halt.main(name, world.soft, ["-m", "x"]) == 1
    assert not world.done


def test_no_kernel_is_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "environ", {b"INIT_VERSION": b"x", b"RUNLEVEL": b"2"})
    assert halt.main("reboot", world.soft, ["-k"]) == 1
    assert capsys.readouterr().err == "reboot: -k: no kernel is loaded: see kexec(8)\n"
    Path(halt.KEXEC_LOADED).write_text("1\n")
    assert halt.main("reboot", world.soft, ["-k"]) == 0
    assert world.softly == [["-r", "now"]]


def test_an_architecture_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_SYS_REBOOT", {})
    with pytest.raises(OSError, match="not implemented"):
        calls.reboot_with(b"x")
