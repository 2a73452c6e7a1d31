"""What our init costs, in counts that do not depend on how fast or busy the machine is (times: bench/).

The numbers are what it needs now, and a little room. Who makes one larger knows why, and says so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.conftest import Boot
from tests.system.system import System

REPOSITORY = Path(__file__).parents[2]

#: System calls of PID 1 from one wait to the next.
RESPAWN_CALLS = 33
#: More for a line that goes to the shell: a look into each folder of PATH, for the program.
SHELL_CALLS = 4
ORPHAN_CALLS = 5
#: Modules of the standard library that PID 1 imports.
MODULES = 22
FORBIDDEN = {
    "argparse", "asyncio", "collections", "dataclasses", "enum", "lark", "logging", "random", "re", "signal",
    "socket", "subprocess", "sysvinit_py.inittab._grammar", "tempfile", "typing",
}  # fmt: skip

INITTAB = """\
id:2:initdefault:
r:2:respawn:/w R stay
"""
#: So many that one look at each would be seen.
MANY = "".join(f"{number:04}:5:once:/w X\n" for number in range(1000))
ORPHANS = 50


class Calls(Counter[str]):
    """System calls by their names, and the lines in which strace told them."""

    log = ""


@contextmanager
def calls_of(system: System, log: Path) -> Iterator[Calls]:
    """Count PID 1's system calls while the block runs; complete when the block is left."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    command = ["strace", "-p", str(system.pid), "-o", str(log)]
    calls = Calls()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr
        said = tracer.stderr.readline()
        if "attached" not in said:
            pytest.skip(f"strace cannot attach: {said.strip()}")
        try:
            yield calls
            time.sleep(0.3)  # for the last of what was asked for
        finally:
            tracer.terminate()
    calls.log = log.read_text()
    calls.update(re.findall(r"^(\w+)\(", calls.log, re.MULTILINE))


@pytest.mark.ours_only("a budget of ours")
@pytest.mark.parametrize(
    ("inittab", "most"),
    [
        (INITTAB, RESPAWN_CALLS),
        (INITTAB + MANY, RESPAWN_CALLS),
        (INITTAB.replace("stay", 'stay "a word"'), RESPAWN_CALLS + SHELL_CALLS),
    ],
    ids=["alone", "among 1,000", "by way of the shell"],
)
def test_system_calls_of_a_respawn(boot: Boot, tmp_path: Path, inittab: str, most: int) -> None:
    system = boot(inittab)
    first = system.witness.wait("R")
    system.wait_level("2")
    time.sleep(0.3)
    with calls_of(system, tmp_path / "strace") as calls:
        system.run(["kill", "-KILL", str(first.pid)])
        system.witness.wait("R", n=2)
    assert 0 < sum(calls.values()) <= most, calls
    assert "python3" not in calls.log, "something is imported, long after the start"


@pytest.mark.ours_only("a budget of ours")
def test_system_calls_of_an_orphan(boot: Boot, tmp_path: Path) -> None:
    system = boot(INITTAB)
    system.witness.wait("R")
    system.wait_level("2")
    time.sleep(0.3)
    make_them = f"i=0; while [ $i -lt {ORPHANS} ]; do (sleep 0.01 &); i=$((i+1)); done"
    with calls_of(system, tmp_path / "strace") as calls:
        system.run(["sh", "-c", make_them])
    assert calls["wait4"] >= ORPHANS
    assert sum(calls.values()) <= ORPHANS * ORPHAN_CALLS, calls


def test_modules_of_pid_1() -> None:
    code = (
        f"import sys; sys.path.append({str(REPOSITORY)!r}); before = set(sys.modules);"
        "import sysvinit_py.__main__, sysvinit_py.pid1.sysv; print(*set(sys.modules) - before)"
    )
    command = ["/usr/bin/python3", "-IS", "-c", code]
    modules = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "sysvinit_py.machine.machine" in modules
    assert not FORBIDDEN & modules
    of_python = {name for name in modules if not name.startswith("sysvinit_py")}
    assert len(of_python) <= MODULES, of_python
