"""behaviour/children#accounting: utmp and wtmp, and what other programs read in them."""

from __future__ import annotations

import fcntl
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import Boot, Init
from tests.system.system import (
    BOOT_TIME,
    DEAD_PROCESS,
    INIT_PROCESS,
    LOGIN_PROCESS,
    RUN_LVL,
    UTMP,
    Record,
    System,
)
from tests.system.witness import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount there")

UTMP_FILE, WTMP_FILE = "/run/utmp", "/var/log/wtmp"
RELEASE = platform.release()
BOOT = (BOOT_TIME, 0, "~", "~~", "reboot")

INITTAB = """
    id:2:initdefault:
    si::sysinit:/w SYSINIT
    bw::bootwait:+/w BOOTWAIT
    a:2:wait:/w A
    b:2:wait:+/w B
    r:23:respawn:/w R stay
    s:2:once:/w S stay
    c:3:once:/w C stay
"""


def level(new: str, old: str) -> tuple[object, ...]:
    return (RUN_LVL, ord(new) + 256 * ord(old), "~", "~~", "runlevel")


def fields(record: Record) -> tuple[object, ...]:
    """All that is not the same in every record."""
    return record[:5]


def in_both_levels(boot: Boot, **options: object) -> System:
    """Level 2, and then 3."""
    system = boot(INITTAB, **options)
    for tag in "RS":
        system.witness.wait(tag)
    system.telinit("3")
    system.witness.wait("C")
    return system


def wait_record(system: System, wanted: tuple[object, ...], path: str = UTMP_FILE) -> None:
    wait_until(
        lambda: wanted in map(fields, system.records(path)),
        lambda: f"{wanted} in {[fields(record) for record in system.records(path)]}",
    )


def test_every_record(boot: Boot, init: Init) -> None:
    started = int(time.time())
    system = in_both_levels(boot)
    a, r, s, c = (system.witness.wait(tag).pid for tag in "ARSC")
    wait_record(system, (INIT_PROCESS, c, "", "c", ""), WTMP_FILE)
    wait_record(system, (INIT_PROCESS, c, "", "c", ""))
    utmp, wtmp = system.records(), system.records(WTMP_FILE)
    # The process that is a child of init's is the leader, and C notes the other one's start.
    sysinit = next(record.pid for record in wtmp if record.id == "si" and record.type == DEAD_PROCESS)
    wtmp = [record for record in wtmp if record.id != "si" or record.type != INIT_PROCESS]
    # C adds one with pid 0, behaviour/children#accounting.
    wtmp = [record for record in wtmp if not (record.type == DEAD_PROCESS and record.pid == 0)]
    assert sorted(map(fields, wtmp)) == sorted([
        (DEAD_PROCESS, sysinit, "", "si", ""),
        BOOT,
        level("2", "N"),
        (INIT_PROCESS, a, "", "a", ""),
        (DEAD_PROCESS, a, "", "a", ""),
        (INIT_PROCESS, r, "", "r", ""),
        (INIT_PROCESS, s, "", "s", ""),
        level("3", "2"),
        (DEAD_PROCESS, s, "", "s", ""),
        (INIT_PROCESS, c, "", "c", ""),
    ])  # fmt: skip
    order = [fields(record) for record in wtmp]
    assert order.index(BOOT) < order.index(level("2", "N")) < order.index(level("3", "2"))
    assert {(record.type, record.id) for record in utmp} == {
        (DEAD_PROCESS, "si"),
        (BOOT_TIME, "~~"),
        (RUN_LVL, "~~"),
        (DEAD_PROCESS, "a"),
        (INIT_PROCESS, "r"),
        (DEAD_PROCESS, "s"),
        (INIT_PROCESS, "c"),
    }
    assert level("3", "2") in map(fields, utmp)
    assert len(utmp) == 7
    for record in utmp + wtmp:
        assert record.host == (RELEASE if record in wtmp else "")
        assert (record.termination, record.exit, record.session) == (0, 0, 0)
        assert started <= record.seconds <= time.time()
        assert 0 <= record.microseconds < 1_000_000
    # Nothing stands in the rest of a record either.
    for path, file_records in ((UTMP_FILE, utmp), (WTMP_FILE, system.records(WTMP_FILE))):
        content = system.path(path).read_bytes()
        assert len(content) == UTMP.size * len(file_records)
        for at in range(0, len(content), UTMP.size):
            assert content[at + 2 : at + 4] == b"\0\0"
            assert content[at + UTMP.size - 36 : at + UTMP.size] == bytes(36)


def test_other_programs_read_it_right(
    boot: Boot, oracle_programs: Path, debian_program: Callable[[str, str], Path]
) -> None:
    readers = {
        "/readers/runlevel": oracle_programs / "runlevel",
        "/readers/who": debian_program("coreutils", "usr/bin/who"),
        "/readers/last": debian_program("util-linux", "usr/bin/last"),
    }
    system = in_both_levels(boot, files=readers)
    assert system.run(["/readers/runlevel"]).stdout == "2 3\n"
    assert system.run(["/readers/who", "-r"]).stdout.split()[:2] == ["run-level", "3"]
    assert "last=2" in system.run(["/readers/who", "-r"]).stdout
    assert "system boot" in system.run(["/readers/who", "-b"]).stdout
    said = system.run(["/readers/last", "-x", "-f", WTMP_FILE]).stdout.splitlines()
    assert [line.split()[0:4] for line in said[:3]] == [
        ["runlevel", "(to", "lvl", "3)"],
        ["runlevel", "(to", "lvl", "2)"],
        ["reboot", "system", "boot", RELEASE[:16]],
    ]


def test_what_was_there_before_the_boot_is_gone(boot: Boot) -> None:
    old = UTMP.pack(7, 4711, b"tty1", b"1", b"root", *[b""], 0, 0, 0, 0, 0, 0, 0, 0, 0)
    system = boot(INITTAB, files={UTMP_FILE: old, WTMP_FILE: old})
    system.witness.wait("S")
    assert 4711 not in [record.pid for record in system.records()]
    assert system.records(WTMP_FILE)[0].pid == 4711


def test_utmp_is_made_at_boot_and_wtmp_is_not(boot: Boot) -> None:
    system = boot(INITTAB, files={UTMP_FILE: None, WTMP_FILE: None})
    s = system.witness.wait("S").pid
    wait_record(system, (INIT_PROCESS, s, "", "s", ""))
    assert BOOT in map(fields, system.records())
    assert not system.path(WTMP_FILE).exists()


def test_a_missing_utmp_is_left_to_boot_scripts(boot: Boot) -> None:
    """Made anew by one, it gets the records of the boot."""
    system = boot(
        """
        id:2:initdefault:
        si::sysinit:/w A run=rm+/run/utmp
        w:2:wait:/w W read
        o:2:once:/w B stay
        """
    )
    system.witness.wait("W")
    assert not system.path(UTMP_FILE).exists()
    system.path(UTMP_FILE).touch()
    system.console.type(b"\n")
    b = system.witness.wait("B").pid
    wait_record(system, (INIT_PROCESS, b, "", "o", ""))
    wait_record(system, BOOT)
    wait_record(system, level("2", "N"))


def read_only_var(system: System) -> None:
    for command in ("mount -t tmpfs var /var/log", "touch /var/log/wtmp", "mount -o remount,ro /var/log"):
        assert not system.run(command.split()).returncode


@needs_root
def test_read_only_wtmp_is_written_once_it_can_be(boot: Boot) -> None:
    system = boot(
        """
        id:2:initdefault:
        w:2:wait:/w W read
        o:2:once:/w B stay
        """,
        before=read_only_var,
    )
    system.witness.wait("W")
    assert not system.records(WTMP_FILE)
    assert not system.run(["mount", "-o", "remount,rw", "/var/log"]).returncode
    system.console.type(b"\n")
    system.witness.wait("B")
    wait_record(system, BOOT, WTMP_FILE)
    wait_record(system, level("2", "N"), WTMP_FILE)


@needs_root
@pytest.mark.ours_only("behaviour/children#accounting: once it can be; C waits for the next record")
def test_read_only_wtmp_is_written_as_soon_as_it_can_be(boot: Boot) -> None:
    system = boot("id:2:initdefault:\no:2:once:/w B stay\n", before=read_only_var)
    system.witness.wait("B")
    system.wait_level("2")
    assert not system.run(["mount", "-o", "remount,rw", "/var/log"]).returncode
    wait_record(system, level("2", "N"), WTMP_FILE)
    assert [fields(record) for record in system.records(WTMP_FILE)][:2] == [BOOT, level("2", "N")]


# A getty writes a LOGIN_PROCESS record of its own.


def login_record(pid: int, id: str) -> bytes:
    return UTMP.pack(LOGIN_PROCESS, pid, b"tty7", id.encode(), b"LOGIN", b"", 0, 0, pid, 1, 2, 0, 0, 0, 0)


GETTY = f"""#!/usr/bin/python3 -IS
import os, struct
words = (b"tty7", b"g", b"LOGIN", b"")
record = struct.pack({UTMP.format!r}, 6, os.getpid(), *words, 0, 0, os.getpid(), 1, 2, 0, 0, 0, 0)
with open("/run/utmp", "r+b") as file:
    records = [file.read({UTMP.size}) for _ in range(9)]
    file.seek(next(n for n, there in enumerate(records) if there[40:42] in (b"", b"g\\0")) * {UTMP.size})
    file.write(record)
os.execv("/w", ["/w", "GETTY", "stay"])
"""


def test_a_getty_keeps_its_record(boot: Boot) -> None:
    """And the record of its end has its line."""
    system = boot(
        """
        id:2:initdefault:
        g:2:once:/getty.py
        w:3:once:/w B stay
        """,
        files={"/getty.py": GETTY},
    )
    getty = system.witness.wait("GETTY").pid
    login = (LOGIN_PROCESS, getty, "tty7", "g", "LOGIN")
    wait_record(system, (INIT_PROCESS, getty, "", "g", ""), WTMP_FILE)
    assert [fields(record) for record in system.records() if record.id == "g"] == [login]
    system.telinit("3")
    system.witness.wait("B")
    wait_record(system, (DEAD_PROCESS, getty, "tty7", "g", ""), WTMP_FILE)
    assert [record.type for record in system.records() if record.id == "g"] == [DEAD_PROCESS]


@pytest.mark.ours_only(
    "behaviour/children#accounting: C writes before exec; ours leaves the record of a getty that was first"
)
def test_a_getty_that_was_first_keeps_its_record(boot: Boot) -> None:
    """Its record, with the pid that the next process will have, stands there before."""

    def first(system: System) -> None:
        system.path(UTMP_FILE).unlink()
        os.mkfifo(system.path(UTMP_FILE))  # so that init does not empty it

    system = boot("id:2:initdefault:\nw:2:wait:/w W read\ng:2:once:/w G stay\n", before=first)
    w = system.witness.wait("W").pid
    system.path(UTMP_FILE).unlink()
    system.path(UTMP_FILE).write_bytes(login_record(w + 1, "g"))
    system.console.type(b"\n")
    g = system.witness.wait("G").pid
    assert g == w + 1
    wait_record(system, (INIT_PROCESS, g, "", "g", ""), WTMP_FILE)
    assert fields(system.records()[0]) == (LOGIN_PROCESS, g, "tty7", "g", "LOGIN")


# What must not stop init.


def no_file(system: System) -> None:
    system.path(UTMP_FILE).unlink()


def directory(system: System) -> None:
    no_file(system)
    system.path(UTMP_FILE).mkdir()


def fifo(system: System) -> None:
    no_file(system)
    os.mkfifo(system.path(UTMP_FILE))


def torn(system: System) -> None:
    system.write(UTMP_FILE, b"x" * 500)


def full(system: System) -> None:
    no_file(system)
    system.path(UTMP_FILE).symlink_to("/dev/full")


@pytest.mark.parametrize("damage", [directory, torn])
def test_a_utmp_that_is_none_stops_nobody(boot: Boot, damage: Callable[[System], None]) -> None:
    in_both_levels(boot, before=damage)


@pytest.mark.ours_only("behaviour/serving#blocking: always serving; C opens or reads these forever")
@pytest.mark.parametrize("damage", [fifo, full])
def test_a_utmp_that_never_ends_stops_nobody(boot: Boot, damage: Callable[[System], None]) -> None:
    in_both_levels(boot, before=damage)


@pytest.mark.ours_only("behaviour/serving#blocking: always serving; C waits 10 s for the lock, each time")
def test_a_lock_on_utmp_stops_nobody(boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait("S")
    with system.path(UTMP_FILE).open("r+b") as utmp:
        fcntl.lockf(utmp, fcntl.LOCK_EX)
        asked = time.monotonic()
        system.telinit("3")
        c = system.witness.wait("C")
        assert c.time - asked < 2
        wait_record(system, (INIT_PROCESS, c.pid, "", "c", ""))


def test_a_link_is_followed(boot: Boot) -> None:
    """As from /run/utmp to a place that lasts."""

    def link(system: System) -> None:
        system.path(UTMP_FILE).unlink()
        system.path("/var/utmp").touch()
        system.path(UTMP_FILE).symlink_to("/var/utmp")

    system = boot(INITTAB, before=link)
    s = system.witness.wait("S").pid
    wait_record(system, (INIT_PROCESS, s, "", "s", ""), "/var/utmp")
