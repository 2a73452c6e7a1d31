"""The process title, ``init [2]``, as ps shows it (behaviour/boot#title)."""

from __future__ import annotations

from sysvinit_py.pid1 import kernel

_ARG_START, _ARG_END = 47, 48  # fields of /proc/self/stat, from 0


def show(title: str) -> None:
    """Write the title over the memory in which the kernel put argv; without /proc there is none."""
    try:
        stat = kernel.open("/proc/self/stat", kernel.O_RDONLY)
        try:
            text = kernel.read(stat, 4096)
        finally:
            kernel.close(stat)
        # The name in parentheses may hold blanks; the fields after it are counted from the third.
        fields = text.rpartition(b")")[2].split()
        start, end = (int(fields[number - 2]) for number in (_ARG_START, _ARG_END))
        memory = kernel.open("/proc/self/mem", kernel.O_RDWR)
        try:
            room = end - start
            kernel.pwrite(memory, title.encode()[: room - 1].ljust(room, b"\0"), start)
        finally:
            kernel.close(memory)
    except (OSError, ValueError, IndexError):
        pass
