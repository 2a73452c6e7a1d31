"""The process title, ``init [2]``, as ps shows it (behaviour/boot#title)."""

from __future__ import annotations

from sysvinit_py.linux import calls

_ARG_START, _ARG_END = 47, 48  # fields of /proc/self/stat, from 0


def show(title: str) -> None:
    """Overwrite the memory of argv with the title; without /proc nothing happens.

    If the title consists of several arguments they are separated by NUL.
    """
    try:
        stat = calls.open("/proc/self/stat", calls.O_RDONLY)
        try:
            text = calls.read(stat, 4096)
        finally:
            calls.close(stat)
        # The name in parentheses may contain spaces; the fields after it are counted from the third.
        fields = text.rpartition(b")")[2].split()
        start, end = (int(fields[number - 2]) for number in (_ARG_START, _ARG_END))
        memory = calls.open("/proc/self/mem", calls.O_RDWR)
        try:
            room = end - start
            calls.pwrite(
                memory, title.encode("utf-8", "surrogateescape")[: room - 1].ljust(room, b"\0"), start
            )
        finally:
            calls.close(memory)
    except (OSError, ValueError, IndexError):
        pass
