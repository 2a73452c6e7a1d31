"""Storms: floods of requests and signals. Other work goes on."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.system.conftest import Boot
from tests.system.system import INITCTL, MAGIC, System
from tests.system.witness import wait_until

pytestmark = pytest.mark.ours_only("behaviour/serving#floods: a flood starves C's respawning")

#: Writes on the FIFO what it is given on standard input, as often as it can, until it is ended.
FLOOD = """\
import os, sys, time
message = sys.stdin.buffer.read()
fifo = os.open(sys.argv[1], os.O_WRONLY)
count, start = 0, time.monotonic()
try:
    while time.monotonic() - start < float(sys.argv[2]):
        for _ in range(100):
            count += os.write(fifo, message) // len(message)
finally:
    print(count / (time.monotonic() - start))
"""


@contextmanager
def flood(system: System, message: bytes, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-IS", "-c", FLOOD, str(system.path("/run/initctl")), str(seconds)]
    # The path is one of this process's.
    with subprocess.Popen(
        [*command[:-2], f"/proc/{system.pid}/root/run/initctl", command[-1]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        process.stdin.write(message)
        process.stdin.close()
        yield process


MESSAGES = {
    "garbage": random.Random(6).randbytes(384),
    "unimplemented": INITCTL.pack(MAGIC, 0, 0, 0, b""),
    "setenv": INITCTL.pack(MAGIC, 6, 0, 0, b"INIT_X=1\0"),
    "the level it has": INITCTL.pack(MAGIC, 1, ord("2"), 5, b""),
    "bad runlevel": INITCTL.pack(MAGIC, 1, ord("x"), 5, b""),
    "power": INITCTL.pack(MAGIC, 4, 0, 5, b""),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_a_flood_of_requests(message: bytes, boot: Boot) -> None:
    """From a root process gone wrong: eight of ten who die are respawned within 50 ms all the same."""
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nb:2:respawn:/w B stay\nc:3:once:/w C\n")
    pids = {tag: system.witness.wait(tag).pid for tag in "AB"}
    system.wait_ready()
    took = []
    with flood(system, message, 3.0) as flooder:
        time.sleep(0.3)
        for n in range(2, 7):
            for tag in "AB":
                ended = time.monotonic()
                os.kill(_outside(system, pids[tag]), 15)
                start = system.witness.wait(tag, n=n)
                took.append(start.time - ended)
                pids[tag] = start.pid
        assert flooder.poll() is None
        assert flooder.stdout
        rate = float(flooder.stdout.read())
    assert sorted(took)[-3] < 0.05, (took, rate)
    system.telinit("3")
    system.witness.wait("C")


def test_a_flood_of_rereads_of_a_changed_inittab(boot: Boot) -> None:
    """Regression: each began the reading anew, so none was ever done."""
    inittab = "id:2:initdefault:\na:2:respawn:/w A stay\n"
    system = boot(inittab)
    system.witness.wait("A")
    system.wait_ready()
    system.write("/etc/inittab", inittab + "b:2:respawn:/w B stay\n")
    with flood(system, INITCTL.pack(MAGIC, 1, ord("q"), 5, b""), 10.0) as flooder:
        system.witness.wait("B")
        flooder.terminate()


def _outside(system: System, pid: int) -> int:
    with open(f"/proc/{system.pid}/task/{system.pid}/children") as children:
        for child in children.read().split():
            with open(f"/proc/{child}/status") as status:
                if re.search(rf"^NSpid:\t{child}\t.*\b{pid}$", status.read(), re.MULTILINE):
                    return int(child)
    raise AssertionError(pid)


def test_a_storm_of_signals(boot: Boot) -> None:
    system = boot("id:2:initdefault:\na:2:respawn:/w A stay\nk:2:kbrequest:/w KEY\nc:3:once:/w C\n")
    a = system.witness.wait("A")
    system.wait_ready()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for number in (1, 10, 28, 30, 17):
            system.signal(number)
    os.kill(_outside(system, a.pid), 15)
    system.witness.wait("A", n=2)
    wait_until(lambda: system.run(["/sbin/telinit", "3"]).returncode == 0, lambda: "telinit")
    system.witness.wait("C")
