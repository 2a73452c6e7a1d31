"""A control group of the sandbox's own, which limits the memory of all that runs inside: cgroups(7)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from errno import EBUSY
from pathlib import Path

PREFIX = "inittab-try."
#: By version: its lines in /proc/self/cgroup, its root, the files that limit memory and swap.
VERSIONS = (
    ("0::", "/sys/fs/cgroup", "memory.max", "memory.swap.max", "0"),
    (":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", ""),
)


def make(memory: int) -> str:
    """Make one below our own, or else below the nearest above it that has memory to give; return its path.

    Returns an empty text without one: no controller, not mounted, or not ours to change.
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
    """Put a process into it."""
    Path(group, "cgroup.procs").write_text(str(pid))


def remove(group: str, patience: float = 5) -> None:
    """Remove it, as soon as nothing runs in it any more; but wait no longer than so many seconds."""
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
    """Make one there with its limit, and remove those of sandboxes that were killed with their callers.

    Other PID namespaces have theirs in the same place, and other processes by the same numbers.
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
