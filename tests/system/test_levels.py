"""behaviour/runlevels: requests, re-reading, and what follows for the entries."""

from __future__ import annotations

from signal import SIGHUP

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd
from tests.system.system import RUN_LVL


def test_request_for_the_level_there_is(boot: Boot, log: Syslogd) -> None:
    system = boot("id:2:initdefault:\nw:2:wait:/w W\na:2:once:/w A\n", before=log.listen)
    system.witness.wait("A", "end")
    system.telinit("2")
    system.telinit("3")
    log.expect("Switching to runlevel: 3")
    assert "Switching to runlevel: 2" not in log.texts
    system.witness.wait_started("W", "A")


@pytest.mark.parametrize("level", "059")
def test_switch(boot: Boot, log: Syslogd, level: str) -> None:
    start = "4" if level != "4" else "5"
    system = boot(f"id:{start}:initdefault:\na:{start}:once:/w A\nb::once:/w B\n", before=log.listen)
    system.witness.wait("A")
    system.telinit(level)
    log.expect(f"Switching to runlevel: {level}")
    system.wait_level(level)
    (record,) = [r for r in system.records() if r.type == RUN_LVL]
    assert (record.user, record.id, record.line) == ("runlevel", "~~", "~")
    assert record.pid == ord(level) + 256 * ord(start)


def test_runlevel_and_prevlevel(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2345:respawn:/w A stay\nb:3:once:/w B\nc:4:once:/w C\n")
    first = system.witness.wait("A")
    assert (first.env["RUNLEVEL"], first.env["PREVLEVEL"]) == ("2", "N")
    system.telinit("3")
    assert system.witness.wait("B").env["PREVLEVEL"] == "2"
    system.telinit("4")
    later = system.witness.wait("C")
    assert (later.env["RUNLEVEL"], later.env["PREVLEVEL"]) == ("4", "3")


@pytest.mark.parametrize("character", ["d", "x", "T", "-", "/"])
def test_bad_runlevel(boot: Boot, log: Syslogd, character: str) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A stay\n", before=log.listen)
    a = system.witness.wait("A")
    system.wait_ready()
    system.request(1, character)
    log.expect(f"bad runlevel: {character.upper()}")
    assert system.title == "init [2]"
    assert system.alive(a.pid)


# Who runs in the new level

ACTIONS = """
    id:2:initdefault:
    s2:23:wait:/w STAYED_WAIT
    s3:23:once:/w STAYED_ONCE stay
    s4:23:respawn:/w STAYED_RESPAWN stay
    s5:23:ondemand:/w STAYED_DEMAND stay
    l2:2:wait:/w LEFT_WAIT
    l3:2:once:/w LEFT_ONCE stay
    l4:2:respawn:/w LEFT_RESPAWN stay
    l5:2:ondemand:/w LEFT_DEMAND stay
    b:2:boot:/w BOOT stay
    n2:3:wait:/w NEW_WAIT
    n3:3:once:/w NEW_ONCE stay
    n4:3:respawn:/w NEW_RESPAWN stay
    n5:3:ondemand:/w NEW_DEMAND stay
    o:23:off:/w OFF
"""
STAYED = ["STAYED_WAIT", "STAYED_ONCE", "STAYED_RESPAWN", "STAYED_DEMAND", "BOOT"]
LEFT = ["LEFT_WAIT", "LEFT_ONCE", "LEFT_RESPAWN", "LEFT_DEMAND"]
NEW = ["NEW_WAIT", "NEW_ONCE", "NEW_RESPAWN", "NEW_DEMAND"]


def test_who_stays_who_leaves_who_is_new(boot: Boot) -> None:
    system = boot(ACTIONS)
    system.witness.wait_started(*STAYED, *LEFT)
    system.telinit("3")
    system.witness.wait_started(*STAYED, *LEFT, *NEW)
    for tag in LEFT[1:]:
        system.witness.wait(tag, "TERM")
    for tag in STAYED[1:]:
        assert system.alive(system.witness.wait(tag).pid), tag
    system.telinit("2")  # only what has left the level has forgotten that it ran
    system.witness.wait_started(*STAYED, *LEFT, *NEW, *LEFT)


def test_ended_wait_and_once_entries_of_both_levels_do_not_run_again(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:23:wait:/w A\nb:23:once:/w B\nc:3:wait:/w C\nd:4:once:/w D\n")
    system.witness.wait("B", "end")
    system.telinit("3")
    system.witness.wait("C", "end")
    system.telinit("2")
    system.wait_level("2")
    system.telinit("4")
    system.witness.wait_started("A", "B", "C", "D")
    system.telinit("3")
    system.witness.wait_started("A", "B", "C", "D", "A", "B", "C")


def test_wait_entries_hold_back_in_a_new_level_too(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nz:2:once:/w Z\na:3:wait:/w A read\nb:3:once:/w B\n")
    system.witness.wait("Z")
    system.telinit("3")
    system.witness.wait("A")
    system.console.type(b"\n")
    assert system.witness.wait("B").time > system.witness.wait("A", "end").time


# Re-reading

REREAD = {"telinit q": ("q",), "telinit Q": ("Q",), "SIGHUP": ()}


@pytest.fixture(params=REREAD)
def reread(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """How a re-read is asked for: the arguments for telinit, or none for the signal."""
    return REREAD[request.param]


BEFORE = """
id:2:initdefault:
s:2:respawn:/w SAME stay
o:2:once:/w SAME_ONCE
g:2:respawn:/w GONE stay
a:2:respawn:/w ACTION stay
l:2:respawn:/w LEVELS stay
p:2:respawn:/w PROCESS stay
f:2:respawn:/w OFF stay
i:2:respawn:/w ID stay
b::boot:/w BOOT stay
c::boot:/w GONE_BOOT stay
"""
AFTER = """
id:2:initdefault:
b::boot:/w BOOT stay
p:2:respawn:/w PROCESS2 stay
n:2:once:/w NEW stay
m:3:once:/w NEW_ELSEWHERE
a:2:once:/w ACTION2 stay
l:3:respawn:/w LEVELS2 stay
f:2:off:/w OFF2 stay
j:2:respawn:/w ID2 stay
s:2:respawn:/w SAME stay
o:2:once:/w SAME_ONCE
"""


def test_reread(boot: Boot, reread: tuple[str, ...]) -> None:
    system = boot(BEFORE)
    tags = ["SAME", "SAME_ONCE", "GONE", "ACTION", "LEVELS", "PROCESS", "OFF", "ID", "BOOT", "GONE_BOOT"]
    system.witness.wait_started(*tags)
    system.write("/etc/inittab", AFTER)
    if reread:
        system.telinit(*reread)
    else:
        system.signal(SIGHUP)
    for tag in ("GONE", "ACTION", "OFF", "ID", "GONE_BOOT"):
        system.witness.wait(tag, "TERM")
    system.witness.wait_started(*tags, "NEW", "ACTION2", "ID2")
    process = system.witness.wait("PROCESS")
    for tag in ("SAME", "PROCESS", "BOOT"):
        assert system.alive(system.witness.wait(tag).pid)
    # The new command is used at the next start.
    system.run(["kill", str(process.pid)])
    system.witness.wait("PROCESS2")


@pytest.mark.ours_only(
    "behaviour/runlevels#who-ends: as the file has its levels now; C goes by the reading before"
)
def test_reread_with_changed_levels(boot: Boot) -> None:
    system = boot(BEFORE)
    levels = system.witness.wait("LEVELS")
    system.wait_ready()
    system.write("/etc/inittab", AFTER)
    system.telinit("q")
    system.witness.wait("LEVELS", "TERM")
    system.wait_gone(levels.pid)
    system.telinit("3")
    system.witness.wait("LEVELS2")


def test_a_switch_reads_inittab_again(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\nb:3:once:/w OLD\n")
    system.witness.wait("A")
    system.write("/etc/inittab", "id:2:initdefault:\na:2:once:/w A\nb:3:once:/w NEW\nc:3:once:/w C\n")
    system.telinit("3")
    system.witness.wait_started("A", "NEW", "C")


def test_once_and_wait_entries_added_by_a_reread_run(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\n")
    system.witness.wait("A", "end")
    system.write("/etc/inittab", "id:2:initdefault:\na:2:once:/w A\nw:2:wait:/w W\no:2:once:/w O\n")
    system.telinit("q")
    system.witness.wait_started("A", "W", "O")
    assert system.witness.wait("O").time > system.witness.wait("W", "end").time


# Requests in the middle of something


@pytest.mark.parametrize(("levels", "ended"), [("2", True), ("23", False)])
def test_request_while_a_wait_entry_runs(boot: Boot, levels: str, ended: bool) -> None:
    """It is obeyed at once; what has a place in the new level stays, and holds back there."""
    system = boot(f"id:2:initdefault:\nw:{levels}:wait:/w WAIT read\na:23:once:/w A\nb:3:once:/w B\n")
    system.witness.wait("WAIT")
    system.wait_ready()
    system.telinit("3")
    system.wait_level("3")
    if ended:
        system.witness.wait("WAIT", "TERM")
        system.witness.wait_started("WAIT", "A", "B")
    else:
        system.console.type(b"\n")
        system.witness.wait_started("WAIT", "A", "B")
        assert system.witness.wait("A").time > system.witness.wait("WAIT", "end").time


@pytest.mark.ours_only("behaviour/runlevels#requests: it replaces the level under way; C enters each in turn")
def test_request_while_processes_are_ended(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:/w DEAF deaf stay
        b:3:once:/w THREE
        c:4:once:/w FOUR
        d:24:once:/w BOTH stay
    """)
    system.witness.wait("BOTH")
    system.witness.wait("DEAF")
    system.telinit("-t", "1", "3")
    system.witness.wait("DEAF", "TERM")
    system.telinit("-t", "1", "4")
    four = system.witness.wait("FOUR")
    assert (four.env["RUNLEVEL"], four.env["PREVLEVEL"]) == ("4", "2")
    assert "THREE" not in system.witness.started()


def test_levels_entered_one_after_the_other(boot: Boot) -> None:
    system = boot("id:2:initdefault:\n" + "".join(f"l{n}:{n}:wait:/w L{n}\n" for n in range(10)))
    system.witness.wait("L2", "end")
    entered = "2"
    for level in "38901765432":
        system.telinit(level)
        entered += level
        system.witness.wait(f"L{level}", "end", n=entered.count(level))
    assert system.title == "init [2]"


def test_off_is_ended(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:2:once:/w B\n")
    system.witness.wait("B")
    system.witness.wait("A")
    system.write("/etc/inittab", "id:2:initdefault:\na:2:off:/w A stay\nb:2:once:/w B\n")
    system.telinit("q")
    system.witness.wait("A", "TERM")
