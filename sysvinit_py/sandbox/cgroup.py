"""A control group for the sandbox, which limits its memory: cgroups(7)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from errno import EBUSY
from pathlib import Path

PREFIX = "inittab-try."
#: By version: a part of its lines in /proc/self/cgroup, its root, the files that limit memory and swap.
VERSIONS = (
    ("0::", "/sys/fs/cgroup", "memory.max", "memory.swap.max", "0"),
    (":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", ""),
)


def make(memory: int) -> str:
    """Make a group below our own, or else below the nearest parent with a memory controller; return its path.

    Returns an empty text if that fails: no controller, not mounted, or no permission.
    """
    with suppress(OSError):
        own = Path("/proc/self/cgroup").read_text().splitlines()
        for key, mounted, limit, swap, swappable in VERSIONS:
            for line in own:
                if key in line:
                    top = Path(mounted)
                    place = top / line.split(":", 2)[2].lstrip("/")
                    for above in (place, *place.parents):
                        if above.is_relative_to(top) and (group := _make(above, limit, str(memory))):
                            with suppress(OSError):  # without swap accounting
                                (group / swap).write_text(swappable or str(memory))
                            return str(group)
    return ""


def enter(group: str, pid: int) -> None:
    """Move a process to the group."""
    Path(group, "cgroup.procs").write_text(str(pid))


def remove(group: str, patience: float = 5) -> None:
    """Remove the group when it is empty; wait for that up to ``patience`` seconds."""
    end = time.monotonic() + patience
    with suppress(OSError):
        while time.monotonic() < end:
            try:
                os.rmdir(group)
                break
            except OSError as error:
                if error.errno != EBUSY:
                    raise
            time.sleep(0.02)


def _make(above: Path, limit: str, memory: str) -> Path | None:
    """Make a group there with its limit; remove those of sandboxes that were killed with their caller.

    The name has the PID namespace, as others may have groups in the same place for the same pids.
    """
    prefix = f"{PREFIX}{os.stat('/proc/self/ns/pid').st_ino}."
    with suppress(OSError):
        for left in above.glob(f"{prefix}*"):
            if not Path("/proc", left.name.removeprefix(prefix)).exists():
                remove(str(left), 0.01)
    group = above / f"{prefix}{os.getpid()}"
    try:
        group.mkdir(exist_ok=True)
        if (group / limit).exists():
            (group / limit).write_text(memory)
            return group
    except OSError:
        pass
    remove(str(group))
    return None
