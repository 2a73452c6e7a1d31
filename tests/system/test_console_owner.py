"""behaviour/children#terminal: who owns the console, and how it is given back."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import pytest

from tests.system.conftest import Boot
from tests.system.system import System
from tests.system.witness import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a terminal from a session")


def assert_owns_console(system: System, child: SimpleNamespace) -> None:
    """The console is its terminal and it is in the foreground; its session is led by its parent."""
    terminal = os.stat(system.path("/dev/console")).st_rdev
    assert child.tty == terminal
    assert child.tpgid == child.pgid
    assert child.sid == child.pgid == child.ppid != child.pid
    assert child.ppid != 1


def test_waited_for_in_sysinit_and_boot(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        si::sysinit:/w SYSINIT read
        bt::boot:/w BOOT stay
        bw::bootwait:/w BOOTWAIT
        w:2:wait:/w WAIT
        o:2:once:/w ONCE stay
    """)
    assert_owns_console(system, system.witness.wait("SYSINIT"))
    system.console.type(b"typed\n")
    assert system.witness.wait("SYSINIT", "read").line == "typed\n"
    assert_owns_console(system, system.witness.wait("BOOTWAIT"))
    for tag in ("BOOT", "WAIT", "ONCE"):
        assert system.witness.wait(tag).tty == 0


def test_waited_for_in_level_s(boot: Boot) -> None:
    system = boot("""
        id:S:initdefault:
        s1:S:wait:/w WAIT read
        s2:S:once:/w ONCE stay
        s3:S:respawn:/w RESPAWN stay
    """)
    assert_owns_console(system, system.witness.wait("WAIT"))
    system.console.type(b"\n")
    for tag in ("ONCE", "RESPAWN"):
        child = system.witness.wait(tag)
        assert (child.tty, child.ppid) == (0, 1)


@needs_root
def test_taken_by_force(boot: Boot) -> None:
    """A session that has it, such as that of a login, loses it."""
    system = boot("id:2:initdefault:\no:2:once:/w A run=setsid+-cw+/w+THIEF+stay\ns:S:wait:/w S stay\n")
    thief = system.witness.wait("THIEF")
    assert thief.tty
    system.telinit("S")
    assert_owns_console(system, system.witness.wait("S"))


@needs_root
@pytest.mark.parametrize("job_control", ["", "set -m\n"])
def test_given_back(boot: Boot, job_control: str) -> None:
    """A background job of a sysinit script gets no SIGHUP and can go on writing; the next one owns it."""
    script = f"#!/bin/bash\n{job_control}/w JOB run=/wait say=still+here stay & /wait-for-job\n"
    system = boot(
        """
        id:2:initdefault:
        si::sysinit:/script
        s2::sysinit:/w NEXT
        o:2:once:/w ONCE run=touch+/go stay
        """,
        files={
            "/script": script,
            "/wait": "#!/bin/sh\nuntil [ -e /go ]; do sleep 0.02; done\n",
            "/wait-for-job": "#!/bin/sh\nuntil grep -q JOB /w.log; do sleep 0.02; done\n",
        },
    )
    assert_owns_console(system, system.witness.wait("NEXT"))
    system.witness.wait("ONCE")
    job = system.witness.wait("JOB")
    system.witness.wait("JOB", "ran")
    system.console.expect(b"still+here")
    assert system.alive(job.pid)
    assert [event.event for event in system.witness.events("JOB")] == ["start", "ran"]


def test_nobody_has_it_afterwards(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nsi::sysinit:/w SI\no:2:once:/w A stay\n")
    system.witness.wait("A")
    wait_until(lambda: len(system.processes()) == 2, lambda: str(system.processes()))
    assert all(process.tty == 0 for process in system.processes())
    # so that a getty can have it without force
    with system.path("/dev/console").open() as console:
        taken = system.run(["setsid", "-cw", "/w", "GETTY"], stdin=console)
    assert not taken.returncode, taken
    assert system.witness.wait("GETTY").tty


def test_keys_reach_the_command(boot: Boot) -> None:
    """Ctrl-C ends it, and the process that leads its session lives on to give the console back."""
    system = boot("id:2:initdefault:\nsi::sysinit:/w SI stay\ns2::sysinit:/w NEXT stay\n")
    system.witness.wait("SI")
    time.sleep(0.5)  # the leader ignores the key only after it has started the command
    system.console.type(b"\x03")
    system.witness.wait("SI", "INT")
    assert_owns_console(system, system.witness.wait("NEXT"))


def test_ended_by_a_request(boot: Boot) -> None:
    """All of its group, the leader of the session too."""
    system = boot("id:2:initdefault:\nsi::sysinit:/w SI member=M stay\no:2:once:/w A stay\n")
    leader = system.witness.wait("SI").ppid
    system.witness.wait("M")
    system.telinit("2")
    system.witness.wait("A")
    for tag in ("SI", "M"):
        system.witness.wait(tag, "TERM")
    system.wait_gone(leader)


def test_settings_are_sane_for_each(boot: Boot) -> None:
    system = boot(
        """
        id:2:initdefault:
        si::sysinit:/bin/stty raw -echo < /dev/console
        s2::sysinit:/w A read
        """
    )
    system.witness.wait("A")
    system.console.type(b"a\x7fb\n")
    assert system.witness.wait("A", "read").line == "b\n"


@pytest.mark.ours_only(
    "behaviour/children#terminal: event entries in S do not take the terminal from sulogin; C's do"
)
def test_events_leave_it_to_level_s(boot: Boot) -> None:
    system = boot("id:S:initdefault:\ns:S:wait:/w S read\nca:S:ctrlaltdel:/w KEYS\n")
    system.witness.wait("S")
    system.signal(signal.SIGINT)
    system.witness.wait("KEYS", "end")
    assert system.witness.wait("KEYS").tty == 0
    (s,) = [process for process in system.processes() if process.pid == system.witness.wait("S").pid]
    assert (s.tty, s.tpgid) == (os.stat(system.path("/dev/console")).st_rdev, s.pgid)
    system.console.type(b"still mine\n")
    assert system.witness.wait("S", "read").line == "still mine\n"
