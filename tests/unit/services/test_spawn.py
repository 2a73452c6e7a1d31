"""Starting programs: what is scheduled first, and that no service stays so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: A process of its own, as a Spawner sets limits, signals and the scheduling of the whole process.
_PROGRAM = """
import os, signal, sys
from sysvinit_py.linux import calls
from sysvinit_py.services.folder import Folder
from sysvinit_py.services.spawn import Spawner

def policies():
    child = spawner.spawn(Folder(sys.argv[1]), ["./run"])
    found = os.sched_getscheduler(0), os.sched_getscheduler(child), os.getpriority(os.PRIO_PROCESS, child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return found

os.nice(3)
spawner = Spawner()
print(*policies())
assert spawner.hurry() == (len(sys.argv) > 2)
assert not spawner.hurry()
print(*policies())
spawner.calm()
print(*policies())
"""


def test_who_is_first(tmp_path: Path) -> None:
    """Only the supervisor stays first, and only until it is told; its children keep its nice value."""
    run = tmp_path / "run"
    run.write_text("#!/bin/sh\nexec sleep 100\n")
    run.chmod(0o755)
    words = [sys.executable, "-c", _PROGRAM, str(tmp_path), *(["may"] * _may_be_first())]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    first = os.SCHED_RR if _may_be_first() else os.SCHED_OTHER
    assert lines == [f"{os.SCHED_OTHER} {os.SCHED_OTHER} 3", f"{first} {os.SCHED_OTHER} 3",
                     f"{os.SCHED_OTHER} {os.SCHED_OTHER} 3"]  # fmt: skip


def test_another_policy_is_kept(tmp_path: Path) -> None:
    """Who has been given a policy of its own is not moved to another one, nor back to the usual one."""
    program = (
        "import os; from sysvinit_py.services.spawn import Spawner\n"
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))\n"
        "spawner = Spawner(); spawner.hurry(); spawner.calm(); print(os.sched_getscheduler(0))"
    )
    words = [sys.executable, "-c", program]
    assert subprocess.check_output(words, text=True) == f"{os.SCHED_BATCH}\n"


def _may_be_first() -> bool:
    """Return whether a process may have a real-time priority here, by trying it in one."""
    program = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
