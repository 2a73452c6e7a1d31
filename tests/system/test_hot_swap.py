"""Hot swap: our init takes over from a running C sysvinit, and C's from ours, without a reboot.

See behaviour/reexec.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.system.conftest import OURS
from tests.system.system import RUN_LVL, System
from tests.system.witness import program, wait_until

INITTAB = """\
    # inittab-file: grace=25
    id:2:initdefault:
    si::sysinit:/w SYSINIT
    bo::boot:/w BOOT stay
    bw::bootwait:/w BOOTWAIT
    wa:2:wait:/w WAIT
    on:23:once:/w ONCE stay
    no:23:once:/w NEXT_ONCE
    # inittab: stop=QUIT grace=3
    re:23:respawn:/w RESPAWN stay
    sh:2:respawn:+@/w TWO stay
    od:a:ondemand:/w DEMAND stay
    th:3:respawn:/w THREE stay
    kb:23:kbrequest:/w KEY
    ca::ctrlaltdel:/w CAD
    mt:2:once:
"""
RELOADING = re.compile(rb"version \S+ reloading")


@pytest.fixture
def swappable(namespaces: None, oracle_programs: Path) -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


def swap(system: System, init: Path) -> None:
    """Put another init in the place of /sbin/init, and have it take over."""
    times = len(RELOADING.findall(system.console.said))
    new = system.path("/sbin/init.new")
    new.write_bytes(init.read_bytes())
    new.chmod(0o755)
    os.replace(new, system.path("/sbin/init"))
    system.telinit("u")
    wait_until(
        lambda: len(RELOADING.findall(system.console.said)) > times,
        lambda: repr(system.console.said[-300:]),
        10,
    )
    system.wait_ready()
    system.wait_level("2")


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "C first"])
def test_there_and_back(ours_first: bool, swappable: ExitStack, oracle_programs: Path) -> None:
    """Both take over all that runs, all marks, the level and the variables, and give them back."""
    first, second = OURS, oracle_programs / "init"
    if not ours_first:
        first, second = second, first
    system = swappable.enter_context(
        System(init=first, inittab=dedent(INITTAB), files={"/w": program(), "/sbin/init.new": first})
    )
    system.witness.wait("RESPAWN")
    system.witness.wait("TWO")
    system.telinit("a")
    system.telinit("-e", "INIT_X=yes")
    system.witness.wait("DEMAND")
    started = system.witness.started()
    children = {p.pid for p in system.processes() if p.title.startswith("/w ")}

    swap(system, second)
    assert system.witness.started() == started
    assert {p.pid for p in system.processes() if p.title.startswith("/w ")} == children
    system.run(["kill", str(system.witness.wait("RESPAWN").pid)])
    assert system.witness.wait("RESPAWN", n=2).env["INIT_X"] == "yes"
    system.run(["kill", str(system.witness.wait("DEMAND").pid)])
    system.witness.wait("DEMAND", n=2)
    system.signal(28)  # kbrequest
    system.witness.wait("KEY")
    system.signal(2)  # ctrlaltdel
    system.witness.wait("CAD")
    started = system.witness.started()

    swap(system, first)
    assert system.witness.started() == started
    system.telinit("-t", "1", "3")
    three = system.witness.wait("THREE")
    assert (three.env["RUNLEVEL"], three.env["PREVLEVEL"], three.env["INIT_X"]) == ("3", "2", "yes")
    system.witness.wait("TWO", "TERM")
    system.signal(28)
    system.witness.wait("KEY", n=2)
    system.telinit("-t", "1", "2")
    system.witness.wait("TWO", n=2)
    assert system.witness.started().count("WAIT") == 2
    for tag in ("SYSINIT", "BOOT", "BOOTWAIT", "ONCE", "NEXT_ONCE", "CAD"):
        assert system.witness.started().count(tag) == 1, tag
    assert [chr(record.pid & 0xFF) for record in system.records() if record.type == RUN_LVL] == ["2"]
    assert not [p for p in system.processes() if p.state == "Z"]


@pytest.mark.parametrize("ours_first", [True, False], ids=["to C", "to ours"])
def test_a_wait_entry_that_runs_is_waited_for(
    ours_first: bool, swappable: ExitStack, oracle_programs: Path
) -> None:
    first, second = OURS, oracle_programs / "init"
    if not ours_first:
        first, second = second, first
    inittab = "id:2:initdefault:\nw1:2:wait:/w WAITED stay\nr1:2:respawn:/w AFTER stay\n"
    system = swappable.enter_context(System(init=first, inittab=inittab, files={"/w": program()}))
    waited = system.witness.wait("WAITED")
    system.wait_ready()
    swap(system, second)
    system.telinit("-e", "INIT_X=1")  # something to do, for an init that does not wait
    assert system.witness.started() == ["WAITED"]
    system.run(["kill", str(waited.pid)])
    system.witness.wait("AFTER")
    assert system.witness.started() == ["WAITED", "AFTER"]


def test_what_died_in_the_gap_is_respawned_by_c(swappable: ExitStack, oracle_programs: Path) -> None:
    inittab = "id:2:initdefault:\nr1:2:respawn:/w A stay\nr2:2:respawn:/w B stay\n"
    system = swappable.enter_context(System(init=OURS, inittab=inittab, files={"/w": program()}))
    a, b = system.witness.wait("A").pid, system.witness.wait("B").pid
    new = system.path("/sbin/init")
    new.unlink()
    new.write_bytes((oracle_programs / "init").read_bytes())
    new.chmod(0o755)
    system.run(["/bin/sh", "-c", f"/sbin/telinit u; kill {a} {b}"])
    system.witness.wait("A", n=2)
    system.witness.wait("B", n=2)
