"""What the program inittab loads, and what publishing costs init."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.system.conftest import OURS, Boot
from tests.system.test_counts import INITTAB, calls_of
from tests.system.test_import_budget import FORBIDDEN, PYTHON, RUN

#: Of ours, to look: what reads the bytes, the rules, the table of options. None of PID 1.
MODULES = 47
#: What a respawn needs more, since init publishes: a slot, and two events of the history at once.
PWRITES = 2


def test_it_loads_nothing_of_pid_1(tmp_path: Path) -> None:
    """Of the one file: what it imports is in bundles of its own."""
    script = (
        f"import sys\n{RUN}"
        f"try: run({str(tmp_path / 'inittab')!r}, 'status', '-o', 'id')\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)\n"
    )
    (tmp_path / "inittab").symlink_to(OURS)
    done = subprocess.run([PYTHON, "-IS", "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    ours = {name for name in modules if name.startswith("sysvinit_py")}
    assert "sysvinit_py.report.item" in ours
    of_pid_1 = {name for name in ours if name.startswith(("sysvinit_py.pid1.", "sysvinit_py.linux."))}
    assert {name for name in of_pid_1 if name.count(".") > 1} <= {
        "sysvinit_py.pid1.container", "sysvinit_py.pid1.inputs", "sysvinit_py.pid1.outputs",
        "sysvinit_py.pid1.runit", "sysvinit_py.pid1.survival",
    }, "packages alone, which are empty"  # fmt: skip
    assert "sysvinit_py.machine.machine" not in ours
    assert len(ours) <= MODULES, ours
    assert not (FORBIDDEN - {"site"}) & {name.partition(".")[0] for name in modules}


@pytest.mark.ours_only("C publishes nothing")
def test_a_respawn_is_two_writes_and_idling_none(boot: Boot, tmp_path: Path) -> None:
    system = boot(INITTAB)
    first = system.witness.wait("R")
    system.wait_level("2")
    time.sleep(0.3)
    with calls_of(system, tmp_path / "strace") as calls:
        system.run(["kill", "-KILL", str(first.pid)])
        system.witness.wait("R", n=2)
    lines = [line for line in calls.log.splitlines() if line.startswith("pwrite64(12, ")]
    assert len(lines) == PWRITES
    with calls_of(system, tmp_path / "idle") as calls:
        for _ in range(20):
            assert system.path("/run/inittab/status").read_bytes()
    assert not set(calls) - {"restart_syscall"}, "who looks does not reach it"
