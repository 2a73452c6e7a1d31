"""behaviour/throttle: ten starts in two minutes. The end of the rest is tested with the machine alone."""

from __future__ import annotations

from signal import SIGHUP

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd

DISABLED = 'Id "r" respawning too fast: disabled for 5 minutes'


@pytest.mark.parametrize("action", ["respawn", "ondemand"])
def test_ten_starts(boot: Boot, log: Syslogd, action: str) -> None:
    """Other entries go on undisturbed."""
    system = boot(f"""
        id:2:initdefault:
        r:2:{action}:/w R
        o:2:respawn:/w OTHER stay
    """, before=log.listen)  # fmt: skip
    log.expect(DISABLED)
    system.console.expect(f"\rINIT: {DISABLED}\r\r\n".encode())
    other = system.witness.wait("OTHER")
    system.run(["kill", str(other.pid)])
    system.witness.wait("OTHER", n=2)
    assert system.witness.started().count("R") == 10


@pytest.mark.parametrize("way", ["q", "3", "a", "SIGHUP"])
def test_a_reread_lifts_it(boot: Boot, log: Syslogd, way: str) -> None:
    system = boot("id:2:initdefault:\nr:23:respawn:/w R\n", before=log.listen)
    log.expect(DISABLED)
    if way == "SIGHUP":
        system.signal(SIGHUP)
    else:
        system.telinit(way)
    log.expect(DISABLED)
    system.witness.wait("R", n=20)
    assert system.witness.started().count("R") == 20


def test_commands_that_cannot_be_executed_are_throttled(boot: Boot, log: Syslogd) -> None:
    system = boot("id:2:initdefault:\nr:2:respawn:/missing\na:2:once:/w A\n", before=log.listen)
    system.witness.wait("A")
    log.expect(DISABLED)
    assert len([text for text in log.texts if text.startswith('cannot execute "/missing"')]) == 10


def test_entries_that_are_not_respawned_are_not_throttled(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nf:2:powerfail:/w FAIL\na:2:once:/w A stay\n")
    system.witness.wait("A")
    system.wait_ready()
    for n in range(1, 13):
        system.request(2)
        system.witness.wait("FAIL", "end", n=n)
        system.wait_gone(system.witness.wait("FAIL", n=n).pid)
