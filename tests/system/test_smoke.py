"""The few scenarios that show that the harness works; what they boot is simple on purpose."""

from __future__ import annotations

import pytest

from tests.system.conftest import Boot, Init
from tests.system.system import BOOT_TIME, RUN_LVL


def test_boot_order(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        l2:2:once:/w LEVEL stay
        bw::bootwait:/w BOOTWAIT
        bt::boot:/w BOOT
        si::sysinit:/w SYSINIT
        l3:3:once:/w OTHER
    """)
    start = system.witness.wait("LEVEL")
    system.witness.wait("BOOT")
    assert system.witness.started()[:1] == ["SYSINIT"]
    assert sorted(system.witness.started()[1:]) == ["BOOT", "BOOTWAIT", "LEVEL"]
    assert system.witness.wait("SYSINIT", "end").time < system.witness.wait("BOOTWAIT").time
    assert system.witness.wait("BOOTWAIT", "end").time < start.time
    assert start.pid == start.sid == start.pgid
    assert start.tty == 0
    assert start.env["RUNLEVEL"] == "2"
    assert start.umask == 0o022


def test_runlevel_switch(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:respawn:/w A stay
        b:23:respawn:/w B stay
        c:3:once:/w C stay
    """)
    b = system.witness.wait("B")
    system.witness.wait("A")
    system.telinit("3")
    system.witness.wait("C")
    system.witness.wait("A", "TERM")
    assert system.alive(b.pid)
    assert system.witness.started().count("B") == 1
    assert [record.type for record in system.records()][:2] == [BOOT_TIME, RUN_LVL]
    assert system.records()[1].pid == ord("3") + 256 * ord("2")


def test_respawn(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:respawn:/w A sleep=0.02
    """)
    assert system.witness.wait("A", n=1).pid != system.witness.wait("A", n=3).pid


def test_request_from_outside(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        b:2:once:/w B
        c:3:once:/w C
    """)
    system.witness.wait("B")
    system.wait_ready()
    system.request(1, "3", 1)
    system.witness.wait("C")


def test_console_and_halt(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        si::sysinit:/w ASK read
        l2:2:wait:/w SAY say=hello
        l0:0:wait:/sbin/halt
    """)
    system.witness.wait("ASK")
    system.console.type(b"yes\n")
    assert system.witness.wait("ASK", "read").line == "yes\n"
    system.console.expect(b"hello")
    system.telinit("0")
    assert system.wait_end().halted


@pytest.mark.ours_only("shows the marker; nothing differs here")
def test_ours_only(init: Init) -> None:
    assert init.ours


def test_file_of_proc(boot: Boot) -> None:
    system = boot("si::sysinit:/w A run=grep+-q+mine+/proc/cmdline\n", files={"/proc/cmdline": "mine\n"})
    assert system.witness.wait("A", "ran").status == "0"
