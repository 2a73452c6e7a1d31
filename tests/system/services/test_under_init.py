"""runsvdir as an entry of the inittab: levels, shutdown, init's new image; inittab status and log show it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program
from tests.system.services.onefile import RUNIT
from tests.system.system import System
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    SV:{levels}:respawn:/usr/bin/env PATH={path} {runsvdir} /service
    l0:0:wait:/usr/bin/env PATH={path} /rc
"""
PATH = "/runit:/usr/bin:/bin"
#: Its last words come late, so that who ends the logger too early loses them.
WEB = "echo a line; trap 'sleep 0.3; echo last words; exit' TERM; while :; do sleep 0.05; done"
SCRIPTS = {"web/run": WEB, "web/log/run": "mkdir -p main; exec svlogd -tt main", "bad/run": "exit 1"}
#: The third stage of a page about runit.
RC = "sv -w20 force-stop /service/*; sv -w20 exit /service/*; cat /service/web/log/main/current"
WHO = ["ours", "C's", "C's runsvdir, ours below"]

Served = Callable[..., System]


@pytest.fixture
def served(boot: Boot, tmp_path: Path) -> Served:
    """Boot a system with services, whose programs are of ``who``, and wait until they run."""

    def served(who: str = "ours", runsvdir: str = "/runit/runsvdir -P", levels: str = "123456") -> System:
        files: dict[str, str | Path] = {"/inittab": OURS}
        try:
            for name in ("runsvdir", "runsv", "svlogd", "sv"):
                ours = who == "ours" or ("ours" in who and name != "runsvdir")
                files[f"/runit/{name}"] = RUNIT if ours else Path(program(name))
        except OracleError as reason:
            pytest.skip(f"no oracle: {reason}")
        for name, text in {**{f"service/{name}": text for name, text in SCRIPTS.items()}, "rc": RC}.items():
            files[f"/{name}"] = script = tmp_path / name.replace("/", "-")
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(0o755)
        system = boot(INITTAB.format(levels=levels, path=PATH, runsvdir=runsvdir), files=files)
        wait_until(lambda: " a line\n" in log(system), lambda: system.console.said.decode())
        return system

    return served


def log(system: System) -> str:
    path = system.path("/service/web/log/main/current")
    return path.read_text() if path.exists() else ""


def inside(system: System, *words: str) -> str:
    """What a command prints."""
    return system.run(["/usr/bin/env", f"PATH={PATH}", *words], 30).stdout


def states(system: System) -> dict[str, str]:
    """The states of the services below the entry."""
    entries = json.loads(inside(system, "/inittab", "status", "--json"))["entries"]
    (entry,) = [entry for entry in entries if entry["id"] == "SV"]
    return {service["id"]: service["state"] for service in entry.get("services", ())}


def pids(system: System) -> list[str]:
    """The pids of the service and its logger."""
    return [system.path(f"/service/web/{name}/supervise/pid").read_text() for name in (".", "log")]


def runsvdir(system: System) -> list[str]:
    """The pids of runsvdir, as they are here."""
    words = ["pgrep", "-f", "^(/usr/bin/python3 .*)?[^ ]*runsvdir (-P|-PH) /service"]
    return system.run(words, 30).stdout.split()


def kill_runsvdir(system: System) -> None:
    """Kill it, and wait until init has started it again, and it serves."""
    (old,) = runsvdir(system)
    assert system.run(["kill", "-9", old], 30).returncode == 0
    wait_until(lambda: runsvdir(system) not in ([], [old]), lambda: old)
    wait_until(lambda: "run: " in inside(system, "sv", "check", "/service/web"), lambda: "no runsv")


@pytest.mark.ours_only("C publishes nothing")
@pytest.mark.parametrize("who", WHO)
def test_services_are_seen_below_runsvdir(served: Served, who: str) -> None:
    system = served(who)
    wait_until(lambda: states(system).get("web/log") == "running", lambda: str(states(system)))
    assert {id: state for id, state in states(system).items() if id != "bad"} == {
        "web": "running", "web/log": "running",
    }  # fmt: skip
    table = [line.split()[0] for line in inside(system, "/inittab", "status").splitlines()[2:]]
    assert [id for id in table if id not in ("id", "bad")] == ["SV", "web", "web/log", "l0", "~~"]
    assert system.path("/service/bad/supervise/status").exists()
    wait_until(
        lambda: " a line\n" in inside(system, "/inittab", "log", "web"),
        lambda: inside(system, "/inittab", "log", "web"),
    )
    assert "-- started, process " in inside(system, "/inittab", "log", "web")


@pytest.mark.ours_only("C publishes nothing")
def test_services_are_watched(served: Served) -> None:
    """inittab status -o and --watch have them among the entries; inittab log -f goes on."""
    system = served()
    rows = [line.split("\t") for line in inside(system, "/inittab", "status", "-o", "id,state").splitlines()]
    assert ["web/log", "running"] in rows
    assert inside(system, "/inittab", "status", "-o", "id,state", "web") == "web\trunning\n"
    watching = "/inittab status --watch -o id,state >/said & /inittab log -f web >/followed & sleep 1"
    inside(system, "/bin/sh", "-c", f"exec </dev/null >/dev/null 2>&1; {watching}")
    said, followed = system.path("/said"), system.path("/followed")
    inside(system, "/runit/sv", "down", "/service/web")
    wait_until(lambda: "web\tstopped\n" in said.read_text(), said.read_text)
    inside(system, "/runit/sv", "up", "/service/web")
    wait_until(lambda: followed.read_text().count(" a line\n") == 2, followed.read_text)


@pytest.mark.parametrize("who", ["ours", "C's"])
def test_sv_knows_nothing_of_init(served: Served, who: str) -> None:
    system = served(who)
    told = inside(system, "env", "SVDIR=/service", "sv", "status", "web", "SV")
    assert re.fullmatch(
        r"run: web: \(pid \d+\) \d+s; run: log: \(pid \d+\) \d+s\n"
        r"fail: SV: unable to change to service directory: file does not exist\n", told,
    )  # fmt: skip


def test_runsvdir_that_is_killed_is_started_again_above_the_services(served: Served) -> None:
    """Before that, init starts a new image of itself, and another level; nobody notices."""
    system = served()
    before = pids(system)
    system.telinit("u")
    system.telinit("3")
    system.wait_level("3")
    kill_runsvdir(system)
    kill_runsvdir(system)
    assert pids(system) == before


def test_a_level_without_it(served: Served) -> None:
    """TERM ends only runsvdir; in a level that has it, the next one goes on with what runs."""
    system = served(levels="2")
    before = pids(system)
    system.telinit("3")
    wait_until(lambda: runsvdir(system) == [], lambda: str(runsvdir(system)))
    assert inside(system, "sv", "status", "/service/web").startswith("run: ")
    system.telinit("2")
    wait_until(lambda: runsvdir(system) != [], lambda: str(runsvdir(system)))
    wait_until(lambda: inside(system, "sv", "check", "/service/web"), lambda: "no runsv")
    assert pids(system) == before


def test_with_term_handled_a_level_without_it_ends_all(served: Served) -> None:
    """The logger last, after it has read all."""
    system = served(runsvdir="/runit/runsvdir -PH", levels="2")
    system.telinit("3")
    wait_until(lambda: log(system).endswith("last words\n"), lambda: log(system))
    wait_until(lambda: system.run(["pgrep", "-x", "svlogd"], 30).stdout == "", lambda: "a logger")
    assert runsvdir(system) == []


@pytest.mark.parametrize("who", ["ours", "C's"])
def test_shutdown(served: Served, who: str) -> None:
    """What init calls for level 0 ends the services, and the loggers after them."""
    system = served(who)
    system.telinit("0")
    system.console.expect(b"ok: down: /service/web: ")
    system.console.expect(b"last words")
    system.console.expect(b"no more processes left in this runlevel")
