"""The descendants of this process, as the kernel lists them: nobody else's process is among them."""

from __future__ import annotations

from sysvinit_py.linux import calls

_CHUNK = 1 << 16


def descendants() -> set[int]:
    """Return the pids of all that descend from this process; empty where /proc does not say."""
    found: set[int] = set()
    parents = ["self"]
    while parents:
        new = children(parents.pop()) - found
        found |= new
        parents += map(str, new)
    return found


def children(process: str = "self") -> set[int]:
    """Return the children of all threads of a process; empty if it is gone."""
    try:
        threads = calls.listdir(f"/proc/{process}/task")
    except OSError:
        return set()
    return {pid for thread in threads for pid in _children_of(f"/proc/{process}/task/{thread}/children")}


def _children_of(path: str) -> list[int]:
    try:
        file = calls.open(path, calls.O_RDONLY | calls.O_CLOEXEC)
    except OSError:
        return []
    text = b""
    try:
        while chunk := calls.read(file, _CHUNK):
            text += chunk
    except OSError:
        pass
    finally:
        calls.close(file)
    return [*map(int, text.split())]
