"""Descriptors of /dev/null."""

from __future__ import annotations

from sysvinit_py.linux import calls


def open_nothing() -> int:
    """Open /dev/null; as long as /dev is empty during the boot, a pipe whose other end is closed."""
    try:
        return calls.open("/dev/null", calls.O_RDWR)
    except FileNotFoundError:
        nothing, other_end = calls.pipe2(calls.O_CLOEXEC)
        calls.close(other_end)
        return nothing
