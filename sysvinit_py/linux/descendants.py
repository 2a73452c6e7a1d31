"""The descendants of this process, as the kernel lists them."""

from __future__ import annotations

from sysvinit_py.linux import calls, proc


def descendants(supervisor: bytes = b"") -> set[int]:
    """Return the pids of all descendants of this process; empty without /proc.

    supervisor  the name of processes whose descendants are left out
    """
    found: set[int] = set()
    parents = ["self"]
    while parents:
        parent = parents.pop()
        if supervisor and _read(f"/proc/{parent}/comm") == supervisor + b"\n":
            continue
        new = children(parent) - found
        found |= new
        parents += map(str, new)
    return found


def children(process: str = "self") -> set[int]:
    """Return the children of all threads of a process; empty if it is gone."""
    try:
        threads = calls.listdir(f"/proc/{process}/task")
    except OSError:
        return set()
    texts = [_read(f"/proc/{process}/task/{thread}/children") for thread in threads]
    return {int(pid) for text in texts for pid in text.split()}


def _read(path: str) -> bytes:
    """Return the content of a file; empty if its process is gone."""
    try:
        return proc.read(path)
    except OSError:
        return b""
