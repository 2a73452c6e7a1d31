"""behaviour/signals: signals to init. HUP is in test_levels.py, INT, WINCH and PWR are in test_events.py."""

from __future__ import annotations

import signal

import pytest

from tests.system.conftest import Boot, Init
from tests.system.witness import wait_until


def test_tstp_pauses_until_cont(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n")
    a = system.witness.wait("A")
    system.wait_ready()
    system.signal(signal.SIGTSTP)
    system.run(["kill", str(a.pid)])
    system.witness.wait("A", "TERM")
    system.request(1, "3", 1)
    with pytest.raises(TimeoutError):
        system.wait_level("3", timeout=0.3)
    assert system.witness.started() == ["A"]
    system.signal(signal.SIGCONT)
    system.witness.wait("B")


@pytest.mark.ours_only("behaviour/signals: 3.10 and newer", but=["3.14"])
def test_rtmin_4_shuts_down(boot: Boot) -> None:
    system = boot(
        "id:2:initdefault:\na:2:once:/w A\n", files={"/sbin/shutdown": '#!/bin/sh\nexec /w DOWN "$@"\n'}
    )
    system.witness.wait("A")
    system.signal(signal.SIGRTMIN + 4)
    down = system.witness.wait("DOWN")
    assert down.argv == ["DOWN", "-hP", "now"]
    assert down.pid == down.sid
    system.wait_gone(down.pid)


ACTED_ON = {"SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGPWR", "SIGTSTP", "SIGWINCH", "SIGKILL", "SIGSTOP"}
C_HANDLES = {"SIGSEGV"}  # it takes it for a crash of its own


def test_all_others_change_nothing(boot: Boot, init: Init) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:3:once:/w B\n")
    a = system.witness.wait("A")
    system.wait_ready()
    for number in signal.valid_signals() - {signal.SIGRTMIN + 4}:
        if getattr(number, "name", "") not in (ACTED_ON if init.ours else ACTED_ON | C_HANDLES):
            system.signal(number)
    system.telinit("q")
    assert system.alive(a.pid)
    assert system.title == "init [2]"
    system.telinit("3")
    system.witness.wait_started("A", "B")


def test_children_and_orphans_are_reaped(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:wait:/w A leaver=ORPHAN\nb:2:once:/w B\n")
    system.witness.wait("B", "end")
    orphan = system.witness.wait("ORPHAN")
    system.run(["kill", str(orphan.pid)])
    wait_until(
        lambda: [process.pid for process in system.processes()] == [1], lambda: f"1; but {system.processes()}"
    )
