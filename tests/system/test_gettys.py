"""A getty runs as long as its terminal is there; and initeventd's requests (docs/devices.rst)."""

from __future__ import annotations

import pytest

from sysvinit_py.protocol.initctl import RESUME, TERMINALS
from tests.system.conftest import Boot, Init
from tests.system.system import System

GETTY = {"/sbin/getty": '#!/bin/sh\nexec /w "$2" stay\n'}
INITTAB = """
    id:2:initdefault:
    u0:2:respawn:/sbin/getty 38400 ttyU0
    u1:2:respawn:exec getty 38400 ttyU1 >/dev/null
    zz:2:respawn:/w Z stay
"""
WAITS = b'Id "u0" waits for its terminal: /dev/ttyU0 does not exist'
OURS = pytest.mark.ours_only("behaviour/children#getty: C starts a getty whatever terminal it names")


def plug(system: System, name: str) -> None:
    system.path(f"/dev/{name}").symlink_to("null")


def pull(system: System, name: str) -> None:
    system.path(f"/dev/{name}").unlink()


def make_terminals(system: System) -> None:
    for name in ("ttyU0", "ttyU1"):
        plug(system, name)


def test_a_getty_on_a_terminal_that_is_there(boot: Boot) -> None:
    system = boot(INITTAB.replace("exec ", ""), files=GETTY, before=make_terminals)  # C puts exec before it
    system.witness.wait_started("ttyU0", "ttyU1", "Z")


@OURS
def test_a_getty_on_a_terminal_that_is_not_there(boot: Boot) -> None:
    """It waits, it is said once, and others are not held back; then it comes, and goes, and comes."""
    system = boot(INITTAB, files=GETTY)
    system.witness.wait("Z")
    system.console.expect(WAITS)
    system.wait_ready()
    plug(system, "ttyU0")
    system.request(TERMINALS)
    first = system.witness.wait("ttyU0")
    pull(system, "ttyU0")
    system.request(TERMINALS)
    system.witness.wait("ttyU0", "TERM")
    system.wait_gone(first.pid)
    system.console.expect(b"its terminal /dev/ttyU0 is gone")
    plug(system, "ttyU0")
    system.request(TERMINALS)
    assert system.witness.wait("ttyU0", n=2).pid != first.pid
    assert system.witness.started() == ["Z", "ttyU0", "ttyU0"]
    assert system.console.said.count(WAITS) == 1


@OURS
def test_a_getty_that_ends_as_its_terminal_goes_is_not_throttled(boot: Boot) -> None:
    """Nobody tells init: it sees it when it would start the getty again."""
    system = boot(
        "id:2:initdefault:\nu0:2:respawn:/sbin/getty 38400 ttyU0\nzz:2:respawn:/w Z stay\n",
        files={"/sbin/getty": "#!/bin/sh\n/w ttyU0\nrm /dev/ttyU0\n"},
        before=lambda system: plug(system, "ttyU0"),
    )
    system.console.expect(WAITS)
    system.telinit("q")
    system.telinit("q")
    assert system.witness.started().count("ttyU0") == 1
    plug(system, "ttyU0")
    system.telinit("q")
    system.witness.wait("ttyU0", n=2)


@OURS
def test_the_check_turned_off(boot: Boot) -> None:
    system = boot(INITTAB, files=GETTY | {"/proc/cmdline": "quiet init.ttycheck=0\n"})
    system.witness.wait_started("ttyU0", "ttyU1", "Z")
    system.wait_ready()
    system.request(TERMINALS)
    system.telinit("q")
    assert sorted(system.witness.started()) == ["Z", "ttyU0", "ttyU1"]
    assert b"waits" not in system.console.said


@OURS
def test_who_waits_still_waits_when_init_is_re_executed(boot: Boot) -> None:
    system = boot(INITTAB, files=GETTY)
    system.witness.wait("Z")
    system.console.expect(WAITS)
    system.telinit("u")
    system.wait_ready()
    plug(system, "ttyU0")
    system.request(TERMINALS)
    system.witness.wait("ttyU0")
    assert system.console.said.count(WAITS) == 1


def test_resume(boot: Boot, init: Init) -> None:
    system = boot("id:2:initdefault:\nzz:2:respawn:/w Z stay\n")
    if init.ours:
        system.write("/etc/inittab", "id:2:initdefault:\nzz:2:respawn:/w Z stay\nrs:2:resume:/w RESUME\n")
    system.witness.wait("Z")
    system.wait_ready()
    system.telinit("q")
    system.request(RESUME, seconds=5)
    if init.ours:
        system.witness.wait("RESUME")
    else:
        system.console.expect(b"got unimplemented initrequest.")


def test_c_says_one_line_about_terminals(boot: Boot, init: Init) -> None:
    system = boot("id:2:initdefault:\nzz:2:respawn:/w Z stay\nl3:3:once:/w THREE\n")
    system.witness.wait("Z")
    system.wait_ready()
    before = len(system.console.said)
    system.request(TERMINALS, seconds=5)
    if not init.ours:
        system.console.expect(b"got unimplemented initrequest.")
    system.telinit("3")
    system.witness.wait("THREE")
    lines = system.console.said[before:].count(b"unimplemented")
    assert lines == (0 if init.ours else 1)


def test_getty_is_no_more_than_its_name(boot: Boot) -> None:
    """Any other command on a terminal that is not there is started as SysV would."""
    system = boot("id:2:initdefault:\nzz:2:respawn:/w /dev/ttyU0 stay\n")
    system.witness.wait("/dev/ttyU0")
