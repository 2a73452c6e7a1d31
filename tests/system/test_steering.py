"""inittab stop, start, restart, kill, wait, health, history, reload: with a real PID 1."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.protocol import control, initctl
from tests.system.conftest import OURS, Boot
from tests.system.system import System
from tests.system.test_status import entries, inside, states
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    si::sysinit:/w SI
    b:2:respawn:/w B stay
    d:2:respawn:/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
    r:2:respawn:/w R stay
    g:2:respawn:/bin/sh -c 'trap "" TERM; sleep 1.5 & trap - TERM; exec /w G stay'
    o:2:once:/bin/false
    e:2:kbrequest:/w E
    x:3:respawn:/w X stay
    w:2:wait:/w W stay
    p:2:respawn:/w P stay
"""

pytestmark = pytest.mark.ours_only("C has no such requests")


def settled(boot: Boot, inittab: str = INITTAB, **options: Any) -> System:
    system = boot(inittab, files={"/inittab": OURS}, **options)
    system.witness.wait("W" if " W " in inittab else "R")
    return system


def code(system: System, *words: str, user: bool = False) -> int:
    return inside(system, *words, user=user).returncode


def test_stop_start_restart(boot: Boot) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    assert code(system, "stop", "r") == 0
    assert not system.alive(first.pid)
    assert states(system)["r"] == "stopped"
    told = entries(inside(system, "status", "--json"))["r"]
    assert (told["last"]["signal"], told["last"]["why"]) == (15, "stopped")
    assert told["asked"].startswith("0")
    assert code(system, "status", "r") == 3
    time.sleep(0.3)
    assert len(system.witness.events("R", "start")) == 1
    assert code(system, "stop", "r") == 0
    assert code(system, "start", "r") == 0
    second = system.witness.wait("R", n=2)
    assert code(system, "start", "r") == 0
    assert code(system, "restart", "r") == 0
    assert system.witness.wait("R", n=3).pid != second.pid
    assert len(system.witness.events("R", "start")) == 3
    assert entries(inside(system, "status", "--json"))["r"]["last"]["why"] == "restarted"


def test_a_restart_waits_for_the_last_of_the_group(boot: Boot) -> None:
    system = settled(boot)
    first = system.witness.wait("G")
    begun = time.monotonic()
    assert code(system, "restart", "g") == 0
    assert time.monotonic() - begun > 0.3
    second = system.witness.wait("G", n=2)
    assert second.pid != first.pid


def test_what_does_not_end_is_killed_in_the_time_asked_for(boot: Boot) -> None:
    system = settled(boot)
    begun = time.monotonic()
    assert code(system, "stop", "-t", "1", "d") == 0
    assert 0.9 < time.monotonic() - begun < 4
    assert entries(inside(system, "status", "--json"))["d"]["last"]["signal"] == 9
    assert code(system, "start", "d") == 0
    done = inside(system, "stop", "-t", "30", "--timeout", "1", "d")
    assert (done.returncode, done.stderr) == (5, "inittab: d: stopping still, after 1 s\n")
    assert code(system, "stop", "--no-wait", "d") == 0


def test_what_is_refused_and_why(boot: Boot) -> None:
    system = settled(boot)
    for words, status, reason in (
        (["start", "x"], 6, "x: init refuses to start it: it has no place in level 2 (its levels: 3)"),
        (["start", "p"], 6, "p: init refuses to start it: it waits behind w"),
        (["restart", "si"], 6, "si: init refuses to restart it: it has no place in level 2 (its levels: #)"),
        (["start", "id"], 6, "id: init refuses to start it: it has no command, or its action starts none"),
        (["kill", "x"], 6, "x: init refuses to kill it: it does not run"),
        (["stop", "none"], 4, "none: no entry has this id, and not exactly one runs a program of this name"),
        (["wait", "none", "running"], 4, "none: no entry has this id, and not exactly one runs"),
    ):
        done = inside(system, *words)
        assert done.returncode == status, done
        assert done.stderr.startswith(f"inittab: {reason}"), done
    for words in (["stop"], ["stop", "-t", "x", "r"], ["kill", "-s", "NONE", "r"], ["wait", "r", "gone"]):
        assert code(system, *words) == 2, words


def test_a_wait_entry_is_stopped_and_the_rest_goes_on(boot: Boot) -> None:
    system = settled(boot)
    assert code(system, "stop", "w") == 0
    system.witness.wait("P")
    assert states(system)["w"] == "stopped"


def test_start_tells_what_became_of_it(boot: Boot) -> None:
    system = settled(boot)
    wait_until(lambda: states(system)["o"] == "failed", lambda: str(states(system)))
    done = inside(system, "start", "o")
    assert (done.returncode, done.stderr) == (1, "inittab: o: failed: exit 1\n")
    assert code(system, "start", "e") == 0, "an event's entry has run"
    assert len(system.witness.events("E", "start")) == 1
    assert code(system, "restart", "--stable", "1", "r") == 0


def test_kill(boot: Boot) -> None:
    system = settled(boot)
    first = system.witness.wait("R")
    assert code(system, "kill", "-s", "KILL", "r") == 0
    assert system.witness.wait("R", n=2).pid != first.pid
    assert entries(inside(system, "status", "--json"))["r"]["last"]["signal"] == 9
    assert code(system, "kill", "-s", "sigusr1", "r", "b") == 0


def test_wait(boot: Boot) -> None:
    system = settled(boot)
    assert code(system, "wait", "r", "running") == 0
    assert code(system, "wait", "r", "stopped", "--timeout", "0") == 5
    assert code(system, "wait", "o", "done") == 1
    assert code(system, "wait", "o", "stopped") == 0


def test_health(boot: Boot) -> None:
    """Outside the first PID namespace what was stopped is not well."""
    system = settled(boot, INITTAB.replace("o:2:once:/bin/false\n", "").replace("w:2:wait:/w W stay\n", ""))
    wait_until(lambda: not code(system, "health"), lambda: inside(system, "health").stderr)
    assert code(system, "health", user=os.geteuid() == 0) == 0
    assert code(system, "stop", "r") == 0
    assert (code(system, "health"), inside(system, "health").stderr) == (1, "inittab: r: stopped\n")
    assert code(system, "health", "b") == 0
    assert code(system, "health", "nothing") == 1
    assert code(system, "health", "--pid", "77777") == 1


def test_history(boot: Boot) -> None:
    system = settled(boot)
    pid = system.witness.wait("R").pid
    assert code(system, "restart", "r") == 0
    done = inside(system, "history", "--json", "r", user=os.geteuid() == 0)
    events = json.loads(done.stdout)["events"]
    assert [event["event"] for event in events] == ["begin", "restart", "end", "begin"]
    assert events[2] | {"number": 0, "time": ""} == {
        "number": 0, "time": "", "event": "end", "id": "r", "pid": pid,
        "exit": None, "signal": 15, "core": False, "why": "restarted",
        "by": None, "level": None, "refused": None,
    }  # fmt: skip
    lines = inside(system, "history").stdout.splitlines()
    assert lines[0].split() == ["TIME", "ID", "EVENT"]
    assert any(line.endswith("level 2") for line in lines)
    assert f"process {pid} ended: signal 15 TERM (restarted)" in "\n".join(lines)
    assert len(inside(system, "history", "-n", "2").stdout.splitlines()) == 3
    inode = system.path("/run/inittab/status").stat().st_ino
    system.telinit("u")
    wait_until(lambda: system.path("/run/inittab/status").stat().st_ino != inode, lambda: "re-executed")
    after = json.loads(inside(system, "history", "--json").stdout)["events"]
    before = json.loads(done.stdout)["events"]
    assert [event for event in after if event["id"] == "r"] == before, "kept over telinit u"


def test_a_stop_is_kept_over_telinit_u_and_lasts_until_the_level_is_left(boot: Boot) -> None:
    system = settled(boot)
    assert code(system, "stop", "r") == 0
    inode = system.path("/run/inittab/status").stat().st_ino
    system.telinit("u")
    wait_until(
        lambda: system.path("/run/inittab/status").stat().st_ino != inode, lambda: "the new init publishes"
    )
    system.telinit("q")
    assert code(system, "wait", "r", "stopped") == 0
    assert states(system)["r"] == "stopped"
    system.telinit("3")
    assert code(system, "wait", "x", "running", "--timeout", "20") == 0
    system.telinit("2")
    system.witness.wait("R", n=2)


def test_reload_shows_what_is_refused(boot: Boot) -> None:
    system = settled(boot)
    assert code(system, "reload") == 0
    system.write("/etc/inittab", INITTAB.replace("    ", "") + "broken\nn:2:once:/w NEW\n")
    done = inside(system, "reload")
    assert done.returncode == 1
    assert "/etc/inittab[13]: id field too long" in done.stderr
    assert "NEW" not in system.witness.started(), "it has its turn after w"
    system.path("/etc/inittab").unlink()
    done = inside(system, "reload")
    assert done.returncode == 1
    assert "all stays as it was" in done.stderr


def test_only_who_may_write_to_the_fifo_is_obeyed(boot: Boot) -> None:
    system = settled(boot)
    if os.geteuid() == 0:
        done = inside(system, "stop", "r", user=True)
        assert (done.returncode, "superuser" in done.stderr) == (4, True)
    system.path("/run/initctl").unlink()
    system.path("/run/initctl").mkdir()
    assert code(system, "stop", "r") == 4
    assert states(system)["r"] == "running"


def test_from_outside(boot: Boot) -> None:
    """Another init's FIFO is not opened by way of a link that its root has put there."""
    system = settled(boot)
    command = [
        sys.executable,
        "-m",
        "sysvinit_py.clients.inittab.program",
        "stop",
        "--pid",
        str(system.pid),
        "r",
    ]

    def stop() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    done = stop()
    assert done.returncode == 0, done
    assert states(system)["r"] == "stopped"
    system.path("/run/initctl").rename(system.path("/run/real"))
    os.symlink("/run/real", system.path("/run/initctl"))
    assert stop().returncode == 4


@pytest.mark.parametrize(
    "junk", [b"", b"0123abcd stop 0 0", b"0123abcd \xff\xfe 0 0 r", b"\0" * 300, b"A" * 368]
)
def test_a_forged_request_changes_nothing(boot: Boot, junk: bytes) -> None:
    system = settled(boot)
    request = initctl.encode(initctl.Request(initctl.ENTRY, data=junk))
    with open(system.path("/run/initctl"), "wb", buffering=0) as fifo:
        for _ in range(200):
            fifo.write(request)
        fifo.write(request[:100])
    pid = system.witness.wait("R").pid
    assert code(system, "status", "r") == 0
    assert entries(inside(system, "status", "--json"))["r"]["pid"] == pid


def test_a_flood_of_requests_is_answered_to_the_end(boot: Boot) -> None:
    system = settled(boot)
    order = control.Order("0123abcd", "stop", "none", "0")
    flood = initctl.encode(initctl.Request(initctl.ENTRY, data=control.encode(order)))
    with open(system.path("/run/initctl"), "wb", buffering=0) as fifo:
        for _ in range(3000):
            fifo.write(flood)
    assert code(system, "stop", "r") == 0
    assert code(system, "start", "r") == 0


def test_thirty_at_once_are_all_answered(boot: Boot) -> None:
    system = settled(boot)
    loop = "for i in $(seq 30); do /inittab kill -s CONT r || echo $? & done; wait"
    done = system.run(["sh", "-c", loop], 60)
    assert (done.stdout, done.stderr) == ("", "")
    told = json.loads(inside(system, "history", "--json").stdout)["events"]
    assert sum(event["event"] == "kill" for event in told) == 30
    assert "answer" not in {event["event"] for event in told}


def test_no_longer_than_asked_for_is_an_answer_waited_for(boot: Boot) -> None:
    system = settled(boot)
    system.signal(signal.SIGSTOP)
    begun = time.monotonic()
    done = inside(system, "stop", "--timeout", "1", "r")
    system.signal(signal.SIGCONT)
    assert (done.returncode, "not answered in 1 s" in done.stderr) == (5, True)
    assert time.monotonic() - begun < 4


def test_c_takes_over_and_leaves_alone_what_was_stopped(boot: Boot, oracle_programs: Path) -> None:
    """Until it reads the inittab; and we go on after it."""
    system = settled(boot)
    assert code(system, "stop", "r") == 0
    count = len(system.witness.events("R", "start"))
    ours = system.path("/sbin/init").read_bytes()

    def become(program: bytes) -> None:
        system.write("/sbin/init.new", program)
        system.path("/sbin/init.new").chmod(0o755)
        system.path("/sbin/init.new").rename(system.path("/sbin/init"))
        system.telinit("u")

    become((oracle_programs / "init").read_bytes())
    wait_until(lambda: code(system, "status") == 7, lambda: "C", 10)
    assert code(system, "stop", "b") == 7
    time.sleep(0.5)
    assert len(system.witness.events("R", "start")) == count
    become(ours)
    wait_until(lambda: code(system, "status") == 0, lambda: "ours", 10)
    assert states(system)["r"] == "disabled"
    told = entries(inside(system, "status", "--json"))
    assert told["r"]["last"]["signal"] == 15, "C has kept the status"
    assert told["b"]["since"], "and /proc knows when it began"
    system.telinit("q")
    assert len([system.witness.wait("R", n=count + 1)]) == 1
