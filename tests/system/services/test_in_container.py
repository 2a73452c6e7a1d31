"""runsvdir as an entry of a container's init: a stop ends services as runsv does, their loggers last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.container import Container
from tests.system.runit_oracle import search_path
from tests.system.services.conftest import given
from tests.system.services.onefile import RUNIT, linked

SCRIPTS = {
    "web/run": 'trap "sleep 0.3; echo last words; exit" TERM; echo up; while :; do sleep 0.05; done',
    "web/log/run": 'while read -r line; do echo "log: $line"; done; sleep 0.3; echo "log ends"',
    "deaf/run": 'trap "" TERM; echo deaf; while :; do sleep 1; done',
}

pytestmark = pytest.mark.usefixtures("namespaces")


def service(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{SCRIPTS[name]}\n")
        file.chmod(0o755)


def inittab(tmp_path: Path, who: str, main: str = "") -> str:
    """Return an inittab with an entry."""
    path = search_path() if given(who) == "oracle" else "/usr/bin:/bin"
    if who == "ours":
        path = f"{linked(RUNIT, tmp_path / 'bin', 'runsvdir', 'runsv')}:{path}"
    entry = f"SV:2:respawn:/usr/bin/env PATH={path} runsvdir -P {tmp_path}/service"
    return f"id:2:initdefault:\n{main}{entry}\n"


@pytest.mark.parametrize("main", ["", "# inittab: main\n"], ids=["a service", "the main job"])
def test_loggers_end_last(tmp_path: Path, who: str, main: str) -> None:
    """Regression: all descendants were told at once, loggers and children of services among them."""
    service(tmp_path / "service", "web/run", "web/log/run")
    with Container(tmp_path, inittab(tmp_path, who, main)) as container:
        assert container.line() == "SV | log: up\n"
        container.kill()
        status, out, _ = container.end()
    assert out == "SV | log: last words\nSV | log ends\n"
    assert status == 0


def test_what_does_not_end_is_killed(tmp_path: Path, who: str) -> None:
    service(tmp_path / "service", "deaf/run")
    with Container(tmp_path, inittab(tmp_path, who), "--grace", "1") as container:
        assert container.line() == "SV | deaf\n"
        container.kill()
        status, _, _ = container.end()
    assert status == 137
