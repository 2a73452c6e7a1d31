"""behaviour/runlevels#on-demand: a, b and c, and ondemand entries."""

from __future__ import annotations

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd

INITTAB = """
    id:2:initdefault:
    d:a:ondemand:/w DEMAND stay
    e:3A:respawn:/w RESPAWN stay
    f:a3:once:/w ONCE
    g:ab:wait:/w WAIT
    h:b:ondemand:/w OTHER stay
    i:2:once:/w TWO
    j:3:once:/w THREE
"""
CALLED = ["DEMAND", "RESPAWN", "ONCE", "WAIT"]


@pytest.mark.parametrize("letter", "aA")
def test_call(boot: Boot, log: Syslogd, letter: str) -> None:
    system = boot(INITTAB, before=log.listen)
    system.witness.wait_started("TWO")
    system.telinit(letter)
    log.expect("Activating demand-procedures for 'A'")
    system.witness.wait_started("TWO", *CALLED)
    assert system.title == "init [2]"
    assert system.witness.wait("DEMAND").env["RUNLEVEL"] == "2"


@pytest.mark.parametrize("letter", "bc")
def test_other_letters(boot: Boot, log: Syslogd, letter: str) -> None:
    system = boot(f"id:2:initdefault:\na:abc:once:/w A\nb:{letter}:ondemand:/w B stay\nc:a:ondemand:/w C\n")
    system.wait_level("2")
    system.telinit(letter)
    system.witness.wait_started("A", "B")


def test_call_again(boot: Boot) -> None:
    """What has ended runs again, what runs is left alone."""
    system = boot(INITTAB)
    system.witness.wait_started("TWO")
    system.telinit("a")
    system.witness.wait_started("TWO", *CALLED)
    system.witness.wait("ONCE", "end")
    system.witness.wait("WAIT", "end")
    system.telinit("a")
    system.witness.wait_started("TWO", *CALLED, "ONCE", "WAIT")
    system.telinit("b")
    system.witness.wait_started("TWO", *CALLED, "ONCE", "WAIT", "OTHER", "WAIT")


def test_call_reads_inittab(boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait_started("TWO")
    system.write("/etc/inittab", "id:2:initdefault:\ni:2:once:/w TWO\nn:a:ondemand:/w NEW stay\n")
    system.telinit("a")
    system.witness.wait_started("TWO", "NEW")


def test_respawned(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nd:a:ondemand:/w DEMAND sleep=0.02\n")
    system.wait_level("2")
    system.telinit("a")
    system.witness.wait("DEMAND", n=3)


def test_called_entries_live_through_levels_and_rereads(boot: Boot) -> None:
    system = boot(INITTAB)
    system.witness.wait_started("TWO")
    system.telinit("a")
    demand, respawn = system.witness.wait("DEMAND"), system.witness.wait("RESPAWN")
    system.telinit("3")
    system.witness.wait("THREE", "end")
    system.telinit("4")
    system.wait_level("4")
    system.telinit("q")
    system.telinit("3")
    system.witness.wait("THREE", n=2)
    assert system.alive(demand.pid)
    assert system.alive(respawn.pid)


def test_called_entries_that_have_ended_do_not_run_on_entering_their_level(boot: Boot) -> None:
    """Called, they have a place in every digit level, and have run: neither q nor a level changes that."""
    system = boot(INITTAB + "s:S:once:/w SINGLE stay\n")
    system.witness.wait_started("TWO")
    system.telinit("a")
    system.witness.wait("ONCE", "end")
    system.witness.wait("WAIT", "end")
    system.telinit("q")
    for count, (level, tag) in enumerate((("3", "THREE"), ("2", "TWO"), ("3", "THREE")), 1):
        system.telinit(level)
        system.witness.wait(tag, n=1 + count // 2)
    started = ["TWO", *CALLED, "THREE", "TWO", "THREE"]
    system.witness.wait_started(*started)
    system.telinit("S")
    system.witness.wait("SINGLE")
    system.telinit("3")  # S has ended what was called: from here on they are as any other
    system.witness.wait_started(*started, "SINGLE", "THREE", "RESPAWN", "ONCE")


def test_called_entries_with_a_place_in_s_live_on_when_it_is_left(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        r:aS:respawn:/w CALLED stay
        s:S:once:/w SINGLE stay
        i:1:once:/w ONE
        j:2:once:/w TWO
    """)
    system.witness.wait("TWO")
    system.telinit("a")
    called = system.witness.wait("CALLED")
    system.telinit("S")
    system.witness.wait("SINGLE")
    system.telinit("1")
    system.witness.wait("ONE")
    assert system.alive(called.pid)


def test_digit_levels_of_ondemand_entries(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nd:3a:ondemand:/w DEMAND stay\na:2:once:/w TWO\n")
    system.witness.wait("TWO")
    system.telinit("3")
    system.witness.wait("DEMAND")
    system.telinit("2")
    system.witness.wait("DEMAND", "TERM")
    system.witness.wait_started("TWO", "DEMAND", "TWO")


@pytest.mark.ours_only("behaviour/runlevels#on-demand: power, key and resume entries are not concerned")
def test_event_entries_are_not_concerned(boot: Boot) -> None:
    events = ("powerwait", "powerfail", "powerfailnow", "powerokwait", "ctrlaltdel", "kbrequest", "resume")
    lines = [f"{n}:2a:{action}:/w {action}" for n, action in enumerate(events)]
    system = boot("\n".join(["id:2:initdefault:", *lines, "a:a:wait:/w A sleep=0.1"]) + "\n")
    system.wait_level("2")
    system.telinit("a")
    system.witness.wait("A", "end")
    system.witness.wait_started("A")
