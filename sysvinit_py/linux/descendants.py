"""The descendants of this process, as the kernel lists them: nobody else's process is among them."""

from __future__ import annotations

from sysvinit_py.linux import calls

_CHUNK = 1 << 16


def descendants(supervisor: bytes = b"") -> set[int]:
    """Return the pids of all that descend from this process; empty where /proc does not say.

    supervisor  the name of processes whose descendants are not wanted
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
    """Return what is in a file; nothing if it is gone."""
    try:
        file = calls.open(path, calls.O_RDONLY | calls.O_CLOEXEC)
    except OSError:
        return b""
    text = b""
    try:
        while chunk := calls.read(file, _CHUNK):
            text += chunk
    except OSError:
        pass
    finally:
        calls.close(file)
    return text
