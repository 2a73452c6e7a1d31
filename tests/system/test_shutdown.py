"""shutdown, halt, poweroff, reboot and runlevel: ours and Debian's, each with our init and C's."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess

import pytest

from sysvinit_py.clients import shutdown, users
from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp
from sysvinit_py.protocol.utmp import Record
from sysvinit_py.sandbox.sandbox import FILES
from tests.system.conftest import OURS, Boot
from tests.system.oracle import VERSION
from tests.system.system import System
from tests.system.witness import CC, wait_until

LEVELS = """
    id:2:initdefault:
    l2:2:once:/w L2 stay
    l0:0:wait:/w L0 stay
    l1:1:wait:/w L1 stay
    l6:6:wait:/w L6 stay
"""
#: The programs, by the file of Debian's package that has them.
NAMES = {"shutdown": "shutdown", "halt": "halt", "poweroff": "halt", "reboot": "halt", "runlevel": "runlevel"}
#: Whose programs.
BOTH = ("ours", "theirs")
#: The 27th of November 2026, 02:59:05 UTC.
FAKE_NOW = 1795748345
BANNER = re.compile(
    r"Broadcast message from root@sandbox \(.* \d{4}\):\s+going home\s+"
    "The system is going down for system halt NOW!"
)


@pytest.fixture
def up(boot: Boot, oracle_programs: Path) -> Callable[..., System]:
    """Returns a system in level 2 with both programs: ours in /ours, C's in /theirs."""

    def up(inittab: str = LEVELS, **files: Path) -> System:
        programs: dict[str, object] = {f"/ours/{name}": OURS for name in NAMES}
        programs |= {f"/theirs/{name}": oracle_programs / source for name, source in NAMES.items()}
        system = boot(inittab, files={**FILES, **programs, **files})
        system.witness.wait("L2")
        system.wait_ready()
        return system

    return up


def run(system: System, whose: str, command: str) -> CompletedProcess[str]:
    return system.run(["sh", "-c", f"exec /{whose}/{command}"])


@pytest.mark.parametrize("whose", BOTH)
@pytest.mark.parametrize(
    ("command", "tag", "halting"),
    [
        ("shutdown -h now", "L0", None),
        ("shutdown -hH now", "L0", "HALT"),
        ("shutdown -hP -t 1 +0 going down", "L0", "POWEROFF"),
        ("shutdown -r now", "L6", None),
        ("shutdown now", "L1", None),
        ("halt", "L0", None),
        ("poweroff", "L0", "POWEROFF"),
        ("reboot -d", "L6", None),
    ],
)
def test_levels(up: Callable[..., System], whose: str, command: str, tag: str, halting: str | None) -> None:
    """C's halt calls /sbin/shutdown, so that it needs to be there."""
    if (whose, command, VERSION) == ("theirs", "halt", "3.14"):
        halting = "HALT"
    system = up()
    system.write("/sbin/shutdown", '#!/bin/sh\nexec /theirs/shutdown "$@"\n')
    system.path("/sbin/shutdown").chmod(0o755)
    done = run(system, whose, command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert system.witness.wait(tag).env.get("INIT_HALT") == halting
    system.witness.wait("L2", "TERM")
    assert not system.path("/run/shutdown.pid").exists()


@pytest.mark.parametrize("whose", BOTH)
@pytest.mark.parametrize("canceller", BOTH)
def test_each_cancels_the_other_s(up: Callable[..., System], whose: str, canceller: str) -> None:
    system = up()
    with system.start(
        [f"/{whose}/shutdown", "-h", "-F", "+3", "bye"], stdout=PIPE, stderr=DEVNULL
    ) as waiting:
        try:
            wait_until(lambda: system.path("/run/nologin").exists(), lambda: "a shutdown that waits")
            nologin = re.sub(r"on .* 2", "on 2", system.path("/run/nologin").read_text())
            assert nologin.endswith("\n\nbye \n")
            assert nologin.startswith("\nThe system is going down on 2")
            for other in BOTH:
                done = run(system, other, "shutdown -r now")
                assert (done.returncode, done.stderr.strip()) == (1, "shutdown: already running.")
            assert run(system, canceller, "shutdown -c").returncode == 0
            assert waiting.wait(5) == 0
            assert waiting.stdout
            assert waiting.stdout.read() == b"\r\nShutdown cancelled.\r\n"
        finally:
            waiting.kill()
    assert system.title == "init [2]"
    for path in "/run/nologin", "/run/shutdown.pid", "/forcefsck":
        assert not system.path(path).exists()


@pytest.fixture(scope="session")
def fake_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded into C's shutdown."""
    library = tmp_path_factory.mktemp("clock") / "fakeclock.so"
    source = Path(__file__).with_name("fakeclock.c")
    subprocess.run([CC, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def warnings_of_ours(arguments: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    values, clock, told = shutdown.SHUTDOWN.parse(arguments.split()), [0.0], list[str]()

    def sleep(_: object, seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(calls, "sigtimedwait", sleep)
    monkeypatch.setattr(calls, "clock_gettime", lambda _: clock[0])
    monkeypatch.setattr(users, "put", lambda *_: True)
    monkeypatch.setattr(users, "tell", lambda _, line: told.append(line))
    wait = shutdown.minutes(values.g or values.TIME, time.gmtime(FAKE_NOW))
    shutdown._count_down(wait, values, "for reboot", "")
    return told


@pytest.mark.parametrize(
    "arguments",
    [
        "+200",
        "-q +130",
        "-Q +25",
        "+16",
        "15",
        "+12",
        "-q +7",
        "-Q +14",
        "-Q +1",
        "+2",
        "3:10",
        "-g 4",
        "2:59",
    ],
)
@pytest.mark.ours_only("how shutdown counts; the inits do not differ in this")
def test_the_schedule(
    up: Callable[..., System], fake_clock: Path, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, on a clock of its own, warns when C's does."""
    system = up(**{"/fakeclock.so": fake_clock})
    login = Record(utmp.USER_PROCESS, 1, "console", "c", "root")
    system.path("/run/utmp").write_bytes(utmp.pack(login))
    clock = {"LD_PRELOAD": "/fakeclock.so", "FAKE_NOW": str(FAKE_NOW), "TZ": "UTC"}
    command = ["env", *(f"{name}={value}" for name, value in clock.items()), "/theirs/shutdown", "-k", "-r"]
    assert system.run([*command, *arguments.split()], timeout=20).returncode == 0
    ours = warnings_of_ours(arguments, monkeypatch)
    wait_until(lambda: "NOW!" in said(system), lambda: f"the last warning, but {said(system)}")
    # C has a process for each, and which writes first is chance.
    assert sorted(re.findall(r"The system is going .*?!", said(system))) == sorted(ours)


def said(system: System) -> str:
    return system.console.said.decode()


@pytest.mark.parametrize("text", ["now+", "+", "+x", "+1x", "24:00", "12:60", "+1:60", ":05", "+:5", "-1"])
@pytest.mark.ours_only("what shutdown refuses; the inits do not differ in this")
def test_times_that_both_refuse(up: Callable[..., System], text: str) -> None:
    system = up()
    for whose in BOTH:
        assert run(system, whose, f"shutdown -k {text}").returncode == 1


@pytest.mark.parametrize(
    "command", ["halt -f", "poweroff -f -d", "reboot -f", "reboot -fn", "shutdown -n -t 0 -r now"]
)
@pytest.mark.parametrize("whose", BOTH)
def test_reboot_2_ends_the_namespace(up: Callable[..., System], whose: str, command: str) -> None:
    """As what level 0 or 6 calls last, and from anywhere."""
    system = up()
    with system.start(
        ["sh", "-c", f"exec /{whose}/{command}"], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    ) as last:
        end = system.wait_end(15)
        last.wait()
    assert end.restarted if "-r" in command or "reboot" in command else end.halted


@pytest.mark.parametrize(
    ("environment", "command", "asked_for"),
    [
        ("", "reboot -d -m '0 tryboot'", ["RESTART2", '"0 tryboot"', "RESTART"]),
        ("INIT_VERSION=x RUNLEVEL=6", "reboot -d", ["RESTART"]),
        ("", "reboot -k -d", []),
        ("INIT_VERSION=x RUNLEVEL=6", "reboot -d -k", ["KEXEC", "RESTART"]),
        ("", "reboot -d -f -k", ["KEXEC", "RESTART"]),
    ],
)
@pytest.mark.ours_only("what reboot calls; the inits do not differ in this")
def test_what_is_new_in_reboot(
    up: Callable[..., System], environment: str, command: str, asked_for: list[str]
) -> None:
    """Ours and 3.14's. Ours asks for the kernel that kexec has loaded without -k, too."""
    system = up()
    strace = "strace -f -s 99 -e trace=reboot -e inject=reboot:retval=0"
    for whose in ("ours",) if VERSION == "3.06" else BOTH:
        done = system.run(["sh", "-c", f"{environment} exec {strace} /{whose}/{command}"])
        found = re.findall(r'CMD_(\w+)|(".*")', done.stderr)
        words = [one or other for one, other in found if one != "CAD_OFF"]
        if whose == "ours" and "-k" not in command:
            words.remove("KEXEC")
        assert words == asked_for, done
        assert done.returncode == (whose == "ours" or not asked_for)


@pytest.mark.parametrize("whose", BOTH)
def test_from_the_scripts_of_level_0(up: Callable[..., System], whose: str) -> None:
    system = up(LEVELS.replace("/w L0 stay", f"/{whose}/halt -d"))
    system.telinit("0")
    assert system.wait_end().halted


def test_the_record_of_the_end(up: Callable[..., System]) -> None:
    """What last(1) shows as the end of a boot."""
    system = up()
    records = []
    for whose in BOTH:
        for command in "halt -w", "reboot -w", "poweroff -w -d", "halt -w -n":
            assert run(system, whose, command).returncode == 0
        records.append([r._replace(seconds=0, microseconds=0) for r in system.records("/var/log/wtmp")][-2:])
    assert records[0] == records[1]
    assert {(record.user, record.line, record.pid) for record in records[0]} == {("shutdown", "~~", 0)}


@pytest.mark.parametrize(
    ("environment", "utmp_of", "stops"),
    [
        ({"INIT_VERSION": "x", "RUNLEVEL": "0"}, "2", True),
        ({"INIT_VERSION": "x", "RUNLEVEL": "6"}, "2", True),
        ({"RUNLEVEL": "0"}, "2", False),
        ({"INIT_VERSION": "x", "RUNLEVEL": "3"}, "6", False),
        ({}, "0", True),
        ({}, "", False),
    ],
)
@pytest.mark.ours_only("what halt goes by; the inits do not differ in this")
@pytest.mark.parametrize("whose", BOTH)
def test_which_level_halt_sees(
    up: Callable[..., System], whose: str, environment: dict[str, str], utmp_of: str, stops: bool
) -> None:
    """``strace`` has reboot(2) do nothing, and tells whether it was called."""
    system = up()
    system.path("/run/utmp").write_bytes(utmp.run_level(utmp_of, "N", 0) if utmp_of else b"")
    system.path("/run/runlevel").unlink(missing_ok=True)
    strace = ["strace", "-f", "-e", "trace=reboot", "-e", "inject=reboot:retval=0", f"/{whose}/halt", "-d"]
    done = system.run(["env", *(f"{name}={value}" for name, value in environment.items()), *strace])
    assert ("reboot(" in done.stderr) == stops
    soft = "could not determine runlevel - doing soft halt" in done.stderr
    assert soft == (not utmp_of)


@pytest.mark.parametrize("arguments", ["", "/nonexistent", "/var/log/wtmp", "/empty"])
def test_runlevel(up: Callable[..., System], arguments: str) -> None:
    system = up()
    system.path("/empty").touch()
    outcomes = []
    for state in "as it is", "no utmp", "no file":
        if state != "as it is":
            system.path("/run/utmp" if state == "no utmp" else "/run/runlevel").unlink(missing_ok=True)
        done = [run(system, whose, f"runlevel {arguments}") for whose in BOTH]
        outcomes.append({(one.stdout, one.returncode) for one in done})
    assert [len(outcome) for outcome in outcomes] == [1, 1, 1], outcomes


@pytest.mark.ours_only("C's does not look")
def test_a_chroot_does_not_stop_the_machine(up: Callable[..., System]) -> None:
    system = up()
    script = (
        "mkdir /c; for d in usr bin lib lib64 ours proc; do [ -e /$d ] || continue; mkdir /c/$d;"
        " mount --rbind /$d /c/$d; done; chroot /c /ours/halt -f; chroot /c /ours/shutdown -n -r now;"
        " umount -l /c/proc; chroot /c /ours/reboot -f"
    )
    done = system.run(["unshare", "--mount", "sh", "-c", script])
    assert done.stderr.count("halt: refused: in a chroot") == 1, done
    assert done.stderr.count("shutdown: refused: in a chroot") == 1
    assert done.stderr.count("reboot: refused: cannot tell") == 1
    assert system.title == "init [2]"


def test_without_wall(up: Callable[..., System]) -> None:
    """An embedded system goes down all the same."""
    system = up()
    done = system.run(["unshare", "--mount", "sh", "-c",
        "mount --bind /dev/null $(readlink -f /usr/bin/wall); exec /ours/shutdown -r now"])  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "shutdown: there is no wall(1): nobody is told\n")
    system.witness.wait("L6")


def test_the_banner(up: Callable[..., System]) -> None:
    system = up()
    system.path("/run/utmp").write_bytes(utmp.pack(Record(utmp.USER_PROCESS, 1, "console", "c", "root")))
    for number, whose in enumerate(BOTH, 1):
        assert run(system, whose, "shutdown -k -h now going home").returncode == 0
        wait_until(lambda n=number: len(BANNER.findall(said(system))) == n, lambda: said(system))  # type: ignore[misc]
