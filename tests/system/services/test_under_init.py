"""Services of Debian's runit below an entry of the inittab: inittab status and log show them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.oracle import OracleError
from tests.system.runit_oracle import program
from tests.system.system import System
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    SV:2:respawn:/usr/bin/env PATH=/runit:/usr/bin:/bin /runit/runsvdir -P /service
"""
SCRIPTS = {
    "web/run": "echo a line; exec sleep 1000",
    "web/log/run": "mkdir -p main; exec svlogd -tt main",
    "bad/run": "exit 1",
}


@pytest.mark.ours_only("C publishes nothing")
def test_services_are_seen_below_runsvdir(boot: Boot, tmp_path: Path) -> None:
    try:
        files = {f"/runit/{name}": Path(program(name)) for name in ("runsvdir", "runsv", "svlogd")}
    except OracleError as reason:
        pytest.skip(f"no oracle: {reason}")
    for name, text in SCRIPTS.items():
        files[f"/service/{name}"] = script = tmp_path / name.replace("/", "-")
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    system = boot(INITTAB, files={"/inittab": OURS, **files})
    wait_until(lambda: states(system).get("web/log") == "running", lambda: str(states(system)))
    assert {id: state for id, state in states(system).items() if id != "bad"} == {
        "web": "running", "web/log": "running",
    }  # fmt: skip
    table = [line.split()[0] for line in inside(system, "status").splitlines()[2:]]
    assert [id for id in table if id not in ("id", "bad")] == ["SV", "web", "web/log", "~~"]
    assert system.path("/service/bad/supervise/status").exists()
    wait_until(lambda: " a line\n" in inside(system, "log", "web"), lambda: inside(system, "log", "web"))
    assert "-- started, process " in inside(system, "log", "web")


def inside(system: System, *words: str) -> str:
    """What inittab prints."""
    return system.run(["/inittab", *words], 30).stdout


def states(system: System) -> dict[str, str]:
    """The states of the services below the entry."""
    entries = {entry["id"]: entry for entry in json.loads(inside(system, "status", "--json"))["entries"]}
    return {service["id"]: service["state"] for service in entries.get("SV", {}).get("services", ())}
