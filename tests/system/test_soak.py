"""Soak: respawns and orphans without end. Nothing grows, and nobody stays a zombie.

SYSVINIT_PY_SOAK=100000 for the long form (``make soak``): so many respawns, and so many orphans.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.system.conftest import Boot
from tests.system.system import INITCTL, MAGIC, System

pytestmark = pytest.mark.ours_only(
    "about what Python might do over time; and C's throttle is by another clock"
)

SOAK = int(os.environ.get("SYSVINIT_PY_SOAK", "1500"))
#: Respawns and orphans before the first look: until then memory is still being found for all that is used.
WARM_UP = min(SOAK // 3, 5000)

#: Each adds a byte to the file that counts its like; the orphans' parent does not wait for them.
RESPAWNED = "".join(f"r{n}:2:respawn:echo >>/run/respawns\n" for n in range(20))
ORPHANS = "".join(
    f"o{n}:2:respawn:for n in 1 2 3 4 5; do (echo >>/run/orphans & echo >>/run/orphans &); done\n"
    for n in range(2)
)


def size(system: System, path: str) -> int:
    return os.stat(system.path(path)).st_size if system.path(path).exists() else 0


def memory(system: System) -> int:
    """KiB that are resident."""
    for line in system.path("/proc/1/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class Zombies:
    """How long the one that was a zombie the longest was seen as one."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._since: dict[int, float] = {}

    def look(self, system: System) -> None:
        now = time.monotonic()
        zombies = [p.pid for p in system.processes() if p.state == "Z" and p.ppid == 1]
        self._since = {pid: self._since.get(pid, now) for pid in zombies}
        self.longest = max([self.longest, *(now - since for since in self._since.values())])


@pytest.mark.timeout(60 + SOAK // 10)
def test_soak(boot: Boot) -> None:
    system = boot("id:2:initdefault:\n" + RESPAWNED + ORPHANS)
    system.wait_level("2")
    system.wait_ready()
    zombies, most_open = Zombies(), 0

    def counts() -> tuple[int, int]:
        return size(system, "/run/respawns"), size(system, "/run/orphans")

    def go_on(count: int) -> None:
        """Until so many were respawned, and so many orphans came; clears the throttles meanwhile."""
        nonlocal most_open
        until = [came + count for came in counts()]
        while any(came < wanted for came, wanted in zip(counts(), until, strict=True)):
            system.send(INITCTL.pack(MAGIC, 1, ord("q"), 5, b""))
            time.sleep(0.1)
            zombies.look(system)
            most_open = max(most_open, len(os.listdir(system.path("/proc/1/fd"))))

    go_on(WARM_UP)
    before, open_before, start, came_before = memory(system), most_open, time.monotonic(), counts()
    go_on(SOAK)
    after, took = memory(system), time.monotonic() - start
    respawns, orphans = (came - before for came, before in zip(counts(), came_before, strict=True))
    print(
        f"{respawns} respawns and {orphans} orphans in {took:.0f} s: RSS {before} KiB before, {after} after; "
        f"descriptors at most {open_before} and {most_open}; longest zombie {zombies.longest:.2f} s"
    )
    assert after <= before * 1.05
    assert most_open <= open_before
    assert zombies.longest <= 1.0
    assert b"error in init" not in system.console.said
