"""behaviour/initctl: the FIFO and what comes in on it; and how it is kept."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from collections.abc import Callable

import pytest

from tests.system.conftest import Boot
from tests.system.system import INITCTL, MAGIC, System
from tests.system.witness import wait_until

FIFO = "/run/initctl"
LEVELS = """
    id:2:initdefault:
    a:2:once:/w A stay
    b:3:once:/w B stay
"""
RUNLVL, POWERFAIL, POWERFAILNOW, POWEROK, SETENV, UNSETENV = 1, 2, 3, 4, 6, 7


def level_request(level: str, seconds: int = 1) -> bytes:
    return INITCTL.pack(MAGIC, RUNLVL, ord(level), seconds, b"")


def assert_serves(system: System) -> None:
    """A good request is obeyed."""

    def sent() -> bool:
        try:
            system.send(level_request("3"))
        except OSError:
            return False  # it is being reopened
        return True

    wait_until(sent, lambda: "a reader of the FIFO")
    system.witness.wait("B")


def up(boot: Boot, inittab: str = LEVELS, **options: object) -> System:
    system = boot(inittab, **options)
    system.witness.wait("A")
    return system


# The file.


def test_made_if_missing(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    mode = system.path(FIFO).lstat().st_mode
    assert stat.S_ISFIFO(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert_serves(system)


def test_there_before_the_first_entry_runs(boot: Boot) -> None:
    """Regression: it was made after the first entries were started, whose requests had no place to go."""
    system = boot("""
        id:2:initdefault:
        si::sysinit:/bin/sh -c 'test -p /run/initctl && exec /w FOUND'
        a:2:once:/sbin/telinit 3
        b:3:once:/w B stay
    """)
    system.witness.wait("B")
    assert system.witness.events("FOUND")


def test_one_that_is_there_is_used_as_it_is(boot: Boot) -> None:
    def make(system: System) -> None:
        os.mkfifo(system.path(FIFO), 0o600)
        system.path(FIFO).chmod(0o660)

    system = up(boot, before=make)
    assert_serves(system)
    assert stat.S_IMODE(system.path(FIFO).stat().st_mode) == 0o660


def test_a_link_to_one_is_followed(boot: Boot) -> None:
    def make(system: System) -> None:
        os.mkfifo(system.path("/run/other"))
        system.path(FIFO).symlink_to("other")

    assert_serves(up(boot, before=make))


def delete(system: System) -> None:
    system.path(FIFO).unlink()


def replace(system: System) -> None:
    os.mkfifo(system.path("/run/new"), 0o600)
    system.path("/run/new").rename(system.path(FIFO))


def mount_over(system: System) -> None:
    assert not system.run(["mount", "-t", "tmpfs", "run", "/run"]).returncode


GONE = pytest.mark.parametrize("disturb", [delete, replace, mount_over])


@GONE
def test_usr1_reopens_one_that_is_not_in_its_place(boot: Boot, disturb: Callable[[System], None]) -> None:
    system = up(boot)
    system.wait_ready()
    disturb(system)
    system.signal(signal.SIGUSR1)
    assert_serves(system)


@pytest.mark.ours_only("behaviour/initctl#fifo: C looks every 5 s; ours notices at once")
@GONE
def test_one_that_is_not_in_its_place_is_noticed(boot: Boot, disturb: Callable[[System], None]) -> None:
    system = up(boot)
    system.wait_ready()
    disturb(system)
    assert_serves(system)


def test_usr2_closes_it_until_usr1(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    system.signal(signal.SIGUSR2)

    def closed() -> bool:
        try:
            system.send(b"")
        except OSError as error:
            return error.errno == errno.ENXIO
        return False

    wait_until(closed, lambda: "no reader any more")
    system.signal(signal.SIGHUP)  # something else that it has to do
    time.sleep(0.1)
    assert closed()
    system.signal(signal.SIGUSR1)
    assert_serves(system)


def test_a_regular_file_in_its_place_is_refused(boot: Boot) -> None:
    system = up(boot, before=lambda system: system.write(FIFO, "no requests"))
    system.console.expect(b"INIT: /run/initctl is not a fifo")
    assert system.path(FIFO).read_text() == "no requests"
    system.path(FIFO).unlink()
    system.signal(signal.SIGUSR1)
    assert_serves(system)


@pytest.mark.ours_only("behaviour/initctl#fifo: C looks every 5 s; ours notices at once")
def test_a_regular_file_taken_from_its_place_is_noticed(boot: Boot) -> None:
    system = up(boot, before=lambda system: system.write(FIFO, ""))
    system.console.expect(b"is not a fifo")
    system.path(FIFO).unlink()
    assert_serves(system)


def test_a_directory_in_its_place_does_no_harm(boot: Boot) -> None:
    system = up(boot, before=lambda system: system.path(FIFO).mkdir())
    system.path(FIFO).rmdir()
    system.signal(signal.SIGUSR1)
    assert_serves(system)


# Bytes that are no request.

BOGUS = {
    "garbage of a request's size": b"\xa5" * 384,
    "short": b"123",
    "long": b"x" * 1000,
    "a request with another magic": INITCTL.pack(MAGIC + 1, RUNLVL, ord("3"), 1, b""),
    "half a request": level_request("3")[:200],
}


@pytest.mark.parametrize("bytes_", BOGUS.values(), ids=BOGUS.keys())
def test_bogus_bytes_are_told_and_ignored(boot: Boot, bytes_: bytes) -> None:
    system = up(boot)
    system.wait_ready()
    system.send(bytes_)
    system.console.expect(b"INIT: got bogus initrequest")
    time.sleep(0.05)  # C reads the long one piece by piece
    assert not system.witness.events("B")
    assert_serves(system)


@pytest.mark.ours_only(
    "C reads 384 bytes at a time, wherever they begin; with ours the next good request works"
)
@pytest.mark.parametrize("bytes_", BOGUS.values(), ids=BOGUS.keys())
def test_a_good_request_right_behind_bogus_bytes_works(boot: Boot, bytes_: bytes) -> None:
    system = up(boot)
    system.wait_ready()
    system.send(bytes_ + level_request("3"))
    system.console.expect(b"got bogus initrequest")
    system.witness.wait("B")


@pytest.mark.ours_only("behaviour/serving#floods: a flood of garbage starves C's respawning")
def test_endless_garbage_starves_nobody(boot: Boot) -> None:
    system = up(boot, LEVELS + "    r:23:respawn:/w R sleep=0.02\n")
    system.wait_ready()
    flood = system.start(["/bin/sh", "-c", f"exec cat /dev/zero > {FIFO}"])
    try:
        respawned = len(system.witness.events("R", "start"))
        system.witness.wait("R", n=min(respawned + 3, 10), timeout=10)
        system.signal(signal.SIGUSR1)
        system.console.expect(b"got bogus initrequest")
    finally:
        flood.kill()
        flood.wait()
    assert_serves(system)


# Requests.


def test_several_requests_in_one_write(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    setenv = [INITCTL.pack(MAGIC, SETENV, 0, 0, b"INIT_%d=x\0" % n) for n in range(5)]
    system.send(b"".join(setenv) + level_request("3"))
    assert {f"INIT_{n}" for n in range(5)} <= set(system.witness.wait("B").env)


@pytest.mark.parametrize("command", [0, 5, 8, -1])
def test_unimplemented_commands(boot: Boot, command: int) -> None:
    system = up(boot)
    system.wait_ready()
    system.request(command, "3")
    system.console.expect(b"INIT: got unimplemented initrequest.")
    assert not system.witness.events("B")
    assert_serves(system)


@pytest.mark.parametrize("level", "x:")
def test_a_request_for_no_level(boot: Boot, level: str) -> None:
    system = up(boot)
    system.wait_ready()
    system.request(RUNLVL, level)
    system.console.expect(f"INIT: bad runlevel: {level.upper()}".encode())
    assert_serves(system)


@pytest.mark.ours_only("C looks at the last byte of the number only, and enters level 3")
def test_a_request_for_a_number_that_is_no_character(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    system.send(INITCTL.pack(MAGIC, RUNLVL, 256 + ord("3"), 1, b""))
    system.console.expect(b"INIT: bad runlevel: ?")
    assert not system.witness.events("B")
    assert_serves(system)


@pytest.mark.parametrize(
    ("command", "called"),
    [(POWERFAIL, {"WAIT", "FAIL"}), (POWERFAILNOW, {"NOW"}), (POWEROK, {"OK"})],
    ids=["fails", "fails now", "is back"],
)
def test_power_requests(boot: Boot, command: int, called: set[str]) -> None:
    system = up(
        boot,
        """
        id:2:initdefault:
        a:2:once:/w A stay
        pw::powerwait:/w WAIT
        pf::powerfail:/w FAIL
        pn::powerfailnow:/w NOW
        po::powerokwait:/w OK
        """,
    )
    system.wait_ready()
    system.request(command)
    for tag in called:
        system.witness.wait(tag, "end")
    assert set(system.witness.started()) == {"A", *called}


# The wait time.


@pytest.mark.parametrize(("seconds", "at_least", "at_most"), [(0, 0, 0.6), (-1, 0, 0.6), (1, 0.9, 2)])
def test_the_wait_time_comes_with_the_request(
    boot: Boot, seconds: int, at_least: float, at_most: float
) -> None:
    system = up(boot, LEVELS.replace("A stay", "A deaf stay"))
    system.wait_ready()
    pid = system.witness.wait("A").pid
    asked = time.monotonic()
    system.request(RUNLVL, "3", seconds)
    system.wait_gone(pid)
    assert at_least <= time.monotonic() - asked <= at_most


def test_the_wait_time_of_a_power_request_stays_for_sighup(boot: Boot) -> None:
    system = up(boot, LEVELS.replace("A stay", "A deaf stay") + "    ok::powerokwait:/w OK\n")
    system.wait_ready()
    pid = system.witness.wait("A").pid
    system.request(POWEROK, seconds=0)
    system.witness.wait("OK", "end")
    system.write("/etc/inittab", "id:2:initdefault:\n")
    system.signal(signal.SIGHUP)
    system.wait_gone(pid, timeout=1.5)


# Variables.


def environment_after(system: System, *data: bytes) -> dict[str, str]:
    """Send SETENV requests; return the INIT_ variables, without init's own, of a child started then."""
    system.wait_ready()
    for each in data:
        system.request(SETENV, data=each)
    system.request(RUNLVL, "3", 1)
    environment: dict[str, str] = system.witness.wait("B").env
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("INIT_") and name != "INIT_VERSION"
    }


def test_setenv(boot: Boot) -> None:
    system = up(boot)
    assert environment_after(
        system,
        b"INIT_ONE=1\0INIT_TWO=a=b c\0INIT_EMPTY=\0",
        b"FOO=1\0XINIT_A=1\0INIT_THREE=3\0\0INIT_AFTER=1\0",
        b"INIT_ONE=2\0",
    ) == {"INIT_ONE": "2", "INIT_TWO": "a=b c", "INIT_EMPTY": "", "INIT_THREE": "3"}
    assert not {"FOO", "XINIT_A"} & set(system.witness.wait("B").env)
    assert "INIT_ONE" not in system.witness.wait("A").env


def test_setenv_unsets(boot: Boot) -> None:
    system = up(boot)
    assert environment_after(system, b"INIT_ONE=1\0INIT_TWO=2\0", b"INIT_ONE\0INIT_NEVER\0") == {
        "INIT_TWO": "2"
    }


def test_what_init_says_of_itself_cannot_be_set(boot: Boot) -> None:
    system = up(boot)
    version = system.witness.wait("A").env["INIT_VERSION"]
    environment_after(system, b"INIT_VERSION=0\0RUNLEVEL=9\0PATH=/tmp\0")
    b = system.witness.wait("B")
    assert b.env["INIT_VERSION"] == version
    assert (b.env["RUNLEVEL"], b.env["PATH"]) == ("3", "/sbin:/usr/sbin:/bin:/usr/bin")


def test_sixteen_variables(boot: Boot) -> None:
    system = up(boot)
    names = [f"INIT_{n:02}" for n in range(16)]
    assert sorted(environment_after(system, *(f"{name}=x\0".encode() for name in names))) == names


@pytest.mark.ours_only("C drops what has no NUL at its end, even if it is all that the request has room for")
def test_a_variable_that_fills_the_request(boot: Boot) -> None:
    value = "y" * (368 - len("INIT_X="))
    assert environment_after(up(boot), f"INIT_X={value}".encode()) == {"INIT_X": value}


@pytest.mark.ours_only("behaviour/initctl#commands: a seventeenth is refused with a message")
def test_a_seventeenth_variable_is_refused(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    got = environment_after(system, *(b"INIT_%02d=x\0" % n for n in range(17)), b"INIT_00=again\0")
    system.console.expect(b"INIT: INIT_16 is not set")
    assert len(got) == 16
    assert got["INIT_00"] == "again"


@pytest.mark.ours_only(
    "behaviour/initctl#commands: UNSETENV, which telinit never sends, is unimplemented in C"
)
def test_unsetenv(boot: Boot) -> None:
    system = up(boot)
    system.wait_ready()
    system.request(SETENV, data=b"INIT_ONE=1\0INIT_TWO=2\0")
    system.request(UNSETENV, data=b"INIT_ONE\0")
    assert environment_after(system) == {"INIT_TWO": "2"}


# Never busy for nothing (behaviour/serving#idle).


def switches(system: System) -> int:
    """How often PID 1 has waited so far, or lost its turn."""
    status = system.path("/proc/1/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


@pytest.mark.ours_only("behaviour/serving#idle: C wakes every 5 s, and spins after SIGUSR2")
@pytest.mark.parametrize("closed", [False, True], ids=["open", "after SIGUSR2"])
def test_no_wakeup_when_nothing_happens(boot: Boot, closed: bool) -> None:
    system = up(boot)
    system.wait_level("2")
    if closed:
        system.wait_ready()
        system.signal(signal.SIGUSR2)
    time.sleep(0.3)
    before = switches(system)
    time.sleep(2)
    assert switches(system) == before
