"""behaviour/boot#single-user: level S, the way into it and the way out."""

from __future__ import annotations

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd
from tests.system.system import RUN_LVL
from tests.system.witness import wait_until


def test_boot_into_s(boot: Boot, log: Syslogd) -> None:
    """No message and no record; then the boot entries, and the level of initdefault."""
    system = boot("""
        id:2:initdefault:
        si::sysinit:/w SYSINIT
        b::boot:/w BOOT
        s:S:wait:/w SINGLE read
        a:2:once:/w TWO stay
    """, arguments=["S"], before=log.listen)  # fmt: skip
    single = system.witness.wait("SINGLE")
    assert (single.env["RUNLEVEL"], single.env["PREVLEVEL"]) == ("S", "N")
    assert system.title == "init [S]"
    assert system.witness.started() == ["SYSINIT", "SINGLE"]
    assert RUN_LVL not in {record.type for record in system.records()}
    assert log.texts == []
    system.console.type(b"\n")
    two = system.witness.wait("TWO")
    assert (two.env["RUNLEVEL"], two.env["PREVLEVEL"]) == ("2", "N")
    system.witness.wait_started("SYSINIT", "SINGLE", "BOOT", "TWO")
    wait_until(lambda: log.texts, lambda: "the message")
    assert log.texts == ["Entering runlevel: 2"]


def test_all_of_s_must_have_ended(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        o:S:once:/w ONCE read
        s:S:wait:/w SINGLE
        a:2:once:/w TWO
    """, arguments=["S"])  # fmt: skip
    system.witness.wait("SINGLE", "end")
    system.console.type(b"\n")
    assert system.witness.wait("TWO").time > system.witness.wait("ONCE", "end").time


def test_to_s_and_back(boot: Boot, log: Syslogd) -> None:
    """Boot entries live on and do not run again; the wait and once entries of the level do."""
    system = boot("""
        id:2:initdefault:
        b::boot:/w BOOT stay
        s:S:wait:/w SINGLE read
        w:2:wait:/w WAIT
        a:2:respawn:/w TWO stay
    """, before=log.listen)  # fmt: skip
    system.witness.wait("TWO")
    booted = system.witness.wait("BOOT")
    system.telinit("S")
    single = system.witness.wait("SINGLE")
    assert (single.env["RUNLEVEL"], single.env["PREVLEVEL"]) == ("S", "2")
    log.expect("Going single user")
    assert ord("S") + 256 * ord("2") in {r.pid for r in system.records() if r.type == RUN_LVL}
    system.witness.wait("TWO", "TERM")
    system.console.type(b"\n")
    two = system.witness.wait("TWO", n=2)
    assert (two.env["RUNLEVEL"], two.env["PREVLEVEL"]) == ("2", "S")
    log.expect("Entering runlevel: 2")
    system.witness.wait_started("BOOT", "WAIT", "TWO", "SINGLE", "WAIT", "TWO")
    assert system.alive(booted.pid)


@pytest.mark.parametrize("small", "sS")
def test_small_s(boot: Boot, small: str) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\ns:S:once:/w S stay\n")
    system.witness.wait("A")
    system.telinit(small)
    assert system.witness.wait("S").env["RUNLEVEL"] == "S"


def test_inittab_is_not_read_again_when_s_has_ended(boot: Boot) -> None:
    system = boot("id:2:initdefault:\ns:S:wait:/w SINGLE read\na:23:once:/w A\n", arguments=["S"])
    system.witness.wait("SINGLE")
    system.write("/etc/inittab", "id:3:initdefault:\ns:S:wait:/w SINGLE read\na:23:once:/w NEW\n")
    system.console.type(b"\n")
    assert system.witness.wait("A").env["RUNLEVEL"] == "2"


def test_question_when_s_has_ended(boot: Boot) -> None:
    system = boot("b::boot:/w BOOT\ns:S:wait:/w SINGLE\na:3:once:/w A\n", arguments=["S"])
    system.console.expect(b"Enter runlevel: ")
    system.witness.wait_started("SINGLE")
    system.console.type(b"3\n")
    system.witness.wait_started("SINGLE", "BOOT", "A")


def test_question_answered_with_s_when_s_has_ended(boot: Boot) -> None:
    system = boot("s:S:wait:/w SINGLE\na:3:once:/w A\n", arguments=["S"])
    system.console.expect(b"Enter runlevel: ")
    system.console.type(b"S\n")
    system.witness.wait("SINGLE", n=2)
    system.console.expect(b"Enter runlevel: ")


def test_initdefault_s(boot: Boot) -> None:
    """Its entries run again and again; boot entries do not run."""
    system = boot("id:S:initdefault:\nb::boot:/w BOOT\ns:S:wait:/w SINGLE read\n")
    for n in (1, 2, 3):
        system.witness.wait("SINGLE", n=n)
        system.console.type(b"\n")
    assert set(system.witness.started()) == {"SINGLE"}


@pytest.mark.ours_only("behaviour/boot#single-user: never a busy loop")
@pytest.mark.parametrize("entry", ["s:S:wait:/w SINGLE", "s:S:once:/missing"])
def test_question_where_nothing_lasts_in_s(boot: Boot, entry: str) -> None:
    system = boot(f"id:S:initdefault:\n{entry}\n")
    system.console.expect(b"Enter runlevel: ")
    assert len(system.witness.started()) <= 11
    system.console.type(b"3\n")
    system.console.expect(b"\rINIT: Entering runlevel: 3\r\r\n")


def test_request_leaves_s(boot: Boot) -> None:
    """The boot entries have not run, and a request does not make them run."""
    system = boot("""
        id:2:initdefault:
        b::boot:/w BOOT
        s:S:wait:/w SINGLE stay
        a:3:once:/w THREE stay
    """, arguments=["S"])  # fmt: skip
    system.witness.wait("SINGLE")
    system.wait_ready()
    system.telinit("3")
    three = system.witness.wait("THREE")
    assert (three.env["RUNLEVEL"], three.env["PREVLEVEL"]) == ("3", "S")
    system.witness.wait("SINGLE", "TERM")
    system.witness.wait_started("SINGLE", "THREE")


def test_what_was_called_ends_in_s_and_cannot_be_called_there(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        d:a:ondemand:/w DEMAND stay
        r:a:respawn:/w CALLED stay
        s:S:wait:/w SINGLE stay
        a:2:once:/w TWO
    """)
    system.witness.wait("TWO")
    system.telinit("a")
    system.witness.wait("DEMAND")
    system.witness.wait("CALLED")
    system.telinit("S")
    system.witness.wait("SINGLE")
    system.witness.wait("DEMAND", "TERM")
    system.witness.wait("CALLED", "TERM")
    system.telinit("a")
    system.telinit("q")
    system.telinit("2")
    system.witness.wait("TWO", n=2)
    system.witness.wait_started("TWO", "DEMAND", "CALLED", "SINGLE", "TWO")


@pytest.mark.ours_only(
    "behaviour/inittab#actions: ondemand is for the digit levels it names; C starts it in S too"
)
def test_ondemand_entries_have_no_place_in_s(boot: Boot) -> None:
    system = boot(
        "id:2:initdefault:\nd:aS:ondemand:/w DEMAND stay\ns:S:wait:/w SINGLE read\na:2:once:/w TWO\n"
    )
    system.witness.wait("TWO")
    system.telinit("a")
    system.witness.wait("DEMAND")
    system.telinit("S")
    system.witness.wait("SINGLE")
    system.witness.wait("DEMAND", "TERM")
    system.console.type(b"\n")
    system.witness.wait_started("TWO", "DEMAND", "SINGLE", "TWO")
