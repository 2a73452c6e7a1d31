"""behaviour/boot#events, and behaviour/signals: the power, ctrl-alt-del, the keyboard."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd
from tests.system.system import System

POWER = """
    id:2:initdefault:
    n:2:powerfailnow:/w NOW
    o:2:powerokwait:/w OK
    w:2:powerwait:/w WAIT sleep=0.05
    f:2:powerfail:/w FAIL
    a:2:once:/w TWO stay
"""
POWERFAIL, POWERFAILNOW, POWEROK = 2, 3, 4


# Which entries


@pytest.mark.parametrize(
    ("command", "called"), [(POWERFAIL, ["WAIT", "FAIL"]), (POWERFAILNOW, ["NOW"]), (POWEROK, ["OK"])]
)
def test_power_requests(boot: Boot, command: int, called: list[str]) -> None:
    system = boot(POWER)
    system.witness.wait("TWO")
    system.wait_ready()
    system.request(command)
    system.witness.wait_started("TWO", *called)
    for tag in called:
        system.witness.wait(tag, "end")
    system.request(command)
    system.witness.wait_started("TWO", *called, *called)


@pytest.mark.parametrize(
    ("status", "called"),
    [
        ("OK\n", ["OK"]),
        ("Okay", ["OK"]),
        ("LOW\n", ["NOW"]),
        ("L", ["NOW"]),
        ("FAIL\n", ["WAIT", "FAIL"]),
        ("ok\n", ["WAIT", "FAIL"]),
        ("low\n", ["WAIT", "FAIL"]),
        (" OK", ["WAIT", "FAIL"]),
        ("", ["WAIT", "FAIL"]),
        (None, ["WAIT", "FAIL"]),
    ],
)
def test_sigpwr_and_its_file(boot: Boot, status: str | None, called: list[str]) -> None:
    system = boot(POWER, files={"/run/powerstatus": status})
    system.witness.wait("TWO")
    system.signal(signal.SIGPWR)
    system.witness.wait_started("TWO", *called)
    assert not system.path("/run/powerstatus").exists()


def test_older_powerstatus_file(boot: Boot) -> None:
    system = boot(POWER, files={"/etc/powerstatus": "OK\n"})
    system.witness.wait("TWO")
    system.signal(signal.SIGPWR)
    system.witness.wait_started("TWO", "OK")
    assert not system.path("/etc/powerstatus").exists()
    system.console.expect(b"\rINIT: ")
    system.console.expect(b"/etc/powerstatus")


@pytest.mark.parametrize(("number", "called"), [(signal.SIGINT, "CAD"), (signal.SIGWINCH, "KB")])
def test_keys(boot: Boot, number: int, called: str) -> None:
    system = boot("""
        id:2:initdefault:
        c:2:ctrlaltdel:/w CAD
        k:2:kbrequest:/w KB
        a:2:once:/w TWO stay
    """)
    system.witness.wait("TWO")
    system.signal(number)
    system.witness.wait(called, "end")
    system.signal(number)
    system.witness.wait_started("TWO", called, called)


@pytest.mark.parametrize(
    ("action", "in_s"),
    [
        ("powerwait", True),
        ("powerfail", True),
        ("powerfailnow", True),
        ("powerokwait", True),
        ("ctrlaltdel", True),
        ("kbrequest", False),
    ],
)
def test_empty_runlevels_and_level_s(boot: Boot, action: str, in_s: bool) -> None:
    system = boot(f"e::{action}:/w EVENT\nd:S:{action}:/w IN_S\ns:S:once:/w S stay\n", arguments=["S"])
    system.witness.wait("S")
    call(system, action)
    system.witness.wait("IN_S")
    system.witness.wait_started("S", "IN_S", *(["EVENT"] if in_s else []))


def call(system: System, action: str) -> None:
    """Make happen what entries of the action wait for."""
    system.wait_ready()
    calls: dict[str, Callable[[], None]] = {
        "powerwait": lambda: system.request(POWERFAIL),
        "powerfail": lambda: system.request(POWERFAIL),
        "powerfailnow": lambda: system.request(POWERFAILNOW),
        "powerokwait": lambda: system.request(POWEROK),
        "ctrlaltdel": lambda: system.signal(signal.SIGINT),
        "kbrequest": lambda: system.signal(signal.SIGWINCH),
    }
    calls[action]()


def wait_served(system: System, log: Syslogd) -> None:
    """Wait until init has seen to all that it was sent before."""
    system.request(0)
    log.expect("got unimplemented initrequest.")


FIRST = ["powerwait", "powerfail", "powerfailnow", "powerokwait", "ctrlaltdel"]
WAITED = ["powerwait", "powerfailnow", "powerokwait", "ctrlaltdel"]


# Their order


@pytest.mark.parametrize("action", FIRST)
def test_power_and_ctrlaltdel_go_before_all_others(boot: Boot, action: str) -> None:
    """Not even a wait entry that runs holds them back."""
    system = boot(f"id:2:initdefault:\nw:2:wait:/w WAIT stay\ne:2:{action}:/w EVENT\n")
    system.witness.wait("WAIT")
    call(system, action)
    system.witness.wait("EVENT")


def test_kbrequest_stays_in_file_order(boot: Boot) -> None:
    system = boot("""
        id:2:initdefault:
        k:2:kbrequest:/w BEFORE
        w:2:wait:/w WAIT read
        l:2:kbrequest:/w AFTER
    """)
    system.witness.wait("WAIT")
    call(system, "kbrequest")
    system.witness.wait_started("WAIT", "BEFORE")
    system.console.type(b"\n")
    system.witness.wait_started("WAIT", "BEFORE", "AFTER")
    assert system.witness.wait("AFTER").time > system.witness.wait("WAIT", "end").time


@pytest.mark.parametrize("action", [*FIRST, "kbrequest"])
def test_who_is_waited_for(boot: Boot, action: str) -> None:
    """Meanwhile nothing that has ended is respawned."""
    system = boot(
        f"id:2:initdefault:\nr:2:respawn:/w RESPAWN stay\nx:3:once:/w X\ne:2:{action}:/w EVENT read\n"
    )
    respawned = system.witness.wait("RESPAWN")
    call(system, action)
    system.witness.wait("EVENT")
    system.run(["kill", str(respawned.pid)])
    system.witness.wait("RESPAWN", "TERM")
    if action in WAITED:
        system.wait_gone(respawned.pid)
        assert system.witness.started() == ["RESPAWN", "EVENT"]
        system.console.type(b"\n")
        system.witness.wait("EVENT", "end")
    again = system.witness.wait("RESPAWN", n=2)
    if action in WAITED:
        assert again.time > system.witness.wait("EVENT", "end").time


# Marks


@pytest.mark.parametrize("action", [*FIRST, "kbrequest"])
def test_a_mark_made_during_boot_is_kept(boot: Boot, log: Syslogd, action: str) -> None:
    system = boot(
        f"id:2:initdefault:\nsi::sysinit:/w SYSINIT read\ne:2:{action}:/w EVENT\na:2:once:/w TWO stay\n",
        before=log.listen,
    )
    system.witness.wait("SYSINIT")
    call(system, action)
    call(system, action)
    wait_served(system, log)
    system.console.type(b"\n")
    system.witness.wait_started("SYSINIT", "EVENT", "TWO")


@pytest.mark.parametrize("action", [*FIRST, "kbrequest"])
def test_a_mark_made_in_another_level_is_kept(boot: Boot, action: str) -> None:
    system = boot(f"id:2:initdefault:\ne:3:{action}:/w EVENT\na:2:once:/w TWO\nb:3:once:/w THREE\n")
    system.witness.wait("TWO", "end")
    call(system, action)
    system.telinit("3")
    system.witness.wait_started("TWO", "EVENT", "THREE")
    system.witness.wait("EVENT", "end")
    system.telinit("2")
    system.witness.wait("TWO", "end", n=2)
    system.telinit("3")
    system.witness.wait_started("TWO", "EVENT", "THREE", "TWO", "THREE")


@pytest.mark.parametrize("action", [*FIRST, "kbrequest"])
def test_a_mark_made_while_it_runs_is_kept_once(boot: Boot, log: Syslogd, action: str) -> None:
    system = boot(f"id:2:initdefault:\ne:2:{action}:/w EVENT read\na:2:once:/w TWO stay\n", before=log.listen)
    system.witness.wait("TWO")
    for _ in range(3):
        call(system, action)
        system.witness.wait("EVENT")
    wait_served(system, log)
    system.console.type(b"\n")
    system.witness.wait("EVENT", n=2)
    system.console.type(b"\n")
    system.witness.wait("EVENT", "end", n=2)
    system.witness.wait_started("TWO", "EVENT", "EVENT")
