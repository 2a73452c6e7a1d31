"""Whether all is well: the status of a program in the container, and what the engine makes of it."""

from __future__ import annotations

import json
import time

import pytest

from tests.container.conftest import Start
from tests.container.engine import Container, Engine
from tests.container.test_application import HARDENED

STATUS = ("/sbin/container-init", "--status")
#: Its set-up lasts until there is a file.
FILE = """\
si::sysinit:sh -c 'until [ -e /dev/shm/go ]; do sleep 0.05; done'
a:2:respawn:sleep 1000
b:2:once:true
c:2:once:sh -c 'sleep 0.1; until [ -e /dev/shm/fail ]; do sleep 0.05; done; exit 3'
"""


def becomes(container: Container, status: int, *command: str) -> None:
    """Wait until a command ends with a status."""
    for _ in range(100):
        done = container.execute(*command)
        if done.returncode == status:
            return
        time.sleep(0.05)
    raise AssertionError(done)


@pytest.mark.parametrize("options", [(), HARDENED], ids=["", "hardened"])
def test_status(start: Start, options: tuple[str, ...]) -> None:
    """0 if all is well, done or up; 1 while it still starts, and when an entry has failed."""
    container = start(FILE, options=options)
    assert container.execute(*STATUS).returncode == 1
    container.execute("touch", "/dev/shm/go")
    becomes(container, 0, *STATUS)
    items = json.loads(container.execute("inittab", "status", "--json").stdout)
    states = {item["id"]: item["state"] for item in items["entries"]}
    assert (states["a"], states["b"]) == ("running", "done")
    container.execute("touch", "/dev/shm/fail")
    becomes(container, 1, *STATUS)
    assert container.execute(*STATUS, "a").returncode == 0
    assert container.execute(*STATUS, "c").returncode == 1
    assert container.execute(*STATUS, "nothing").returncode == 1
    assert container.execute(*STATUS, "--nonsense").returncode == 2
    container.stop()
    assert container.wait() == 0


def test_health_check(engine: Engine, start: Start) -> None:
    """``HEALTHCHECK`` needs no more than that."""
    container = start(FILE, options=[f"--health-cmd={' '.join(STATUS)}", *engine.health_options])
    for is_well, file in ((False, "go"), (True, "fail"), (False, "")):
        end = time.monotonic() + 20
        while engine.is_well(container) is not is_well:
            assert time.monotonic() < end, is_well
            time.sleep(0.1)
        if file:
            container.execute("touch", f"/dev/shm/{file}")
