"""What it costs to look, and to be looked at: python -m bench.looking INIT.

Of each program's runs the cheapest counts, by processor time: what else the machine does makes none cheaper.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from sysvinit_py.inittab.entry import Entry
from sysvinit_py.machine.job import Job
from sysvinit_py.report import slots
from sysvinit_py.report.history import Ring
from sysvinit_py.sandbox.sandbox import Sandbox

PYTHON = "/usr/bin/python3"
RUNS, RESPAWNS = 25, 1000


def cost(command: list[str]) -> float:
    """Return the milliseconds of processor time that a run takes."""
    costs = []
    for _ in range(RUNS):
        quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
        _, status, used = os.wait4(pid, 0)
        if status:
            raise RuntimeError(f"{command}: status {status}")
        costs.append((used.ru_utime + used.ru_stime) * 1e3)
    return min(costs)


def status(init: Path, count: int) -> float:
    """Return that of ``inittab status`` where there are so many entries."""
    entries = "".join(f"{number:04}:5:once:/bin/true\n" for number in range(count - 1))
    with Sandbox(init, f"id:2:initdefault:\n{entries}") as sandbox, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "inittab")
        path.symlink_to(init.resolve())
        until = time.monotonic() + 10
        while not os.path.exists(sandbox.path("/run/inittab/status")) and time.monotonic() < until:
            time.sleep(0.05)
        return cost([str(path), "status", "--pid", str(sandbox.pid)])


def publishing() -> float:
    """Return the microseconds that init needs to publish a respawn: a slot, and a line of the history."""
    ring, job = Ring(), Job(("r", "respawn", 0), Entry("r", "2", "respawn", "x"))
    handle = os.memfd_create("status")
    os.pwrite(handle, bytes(slots.HEADER + slots.SLOT) + ring.content, 0)
    costs = []
    for _ in range(RUNS):
        began = time.process_time()
        for number in range(RESPAWNS):
            job.started(number + 2)
            at, line = ring.add(
                [(5.0, "end", "r", number + 1, 9, ""), (5.0, "begin", "r", number + 2, 0, "")]
            )
            os.pwrite(handle, slots.slot(job, False), slots.HEADER)
            os.pwrite(handle, line, slots.HEADER + slots.SLOT + at)
        costs.append((time.process_time() - began) / RESPAWNS * 1e6)
    os.close(handle)
    return min(costs)


def main() -> None:
    init = Path(sys.argv[1])
    bare, usual = cost([PYTHON, "-ISc", "pass"]), cost([PYTHON, "-c", "pass"])
    print(f"python3 -IS, python3      {bare:8.2f} ms, {usual:.2f} ms")
    for count in (10, 1000):
        took = status(init, count)
        print(
            f"inittab status, {count:5,}     {took:8.2f} ms  {took / bare:.2f}, {took / usual:.2f} times that"
        )
    print(f"a respawn, published      {publishing():8.2f} µs")


if __name__ == "__main__":
    main()
