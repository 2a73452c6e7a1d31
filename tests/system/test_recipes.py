"""Each command of docs/status.rst and docs/recipes.rst works, in their order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.docs.test_commands import REPOSITORY, commands
from tests.system.conftest import OURS, Boot
from tests.system.test_status import inside
from tests.system.witness import wait_until

INITTAB = """
    id:2:initdefault:
    si::sysinit:/bin/ln -s /inittab /usr/local/bin/inittab
    # inittab: log
    web:2:respawn:/bin/sh -c 'echo up; exec /w WEB stay'
    job:2:once:/w JOB
"""


@pytest.mark.ours_only("C has no such requests")
@pytest.mark.parametrize("page", ["status.rst", "recipes.rst"])
def test_each_command_works(boot: Boot, page: str) -> None:
    system = boot(INITTAB, files={"/inittab": OURS})
    system.witness.wait("WEB")
    wait_until(lambda: not inside(system, "health").returncode, lambda: inside(system, "health").stderr)
    found = [
        command
        for command in commands(Path(REPOSITORY / "docs" / page))
        if command.split()[0] == "inittab"
        and "--watch" not in command  # which goes on: test_watch.py
        and "simulate" not in command  # which needs files of the reader: test_simulate.py
    ]
    assert len(found) > 10
    for command in found:
        line = command.replace("inittab", "/inittab", 1).replace("PID", "1")
        line = line.replace("{ inittab", "{ /inittab").replace("; inittab", "; /inittab")
        done = system.run(["/bin/sh", "-c", line], 30)
        assert done.returncode == 0, (command, done)
        time.sleep(0.05)
