"""Descriptors that lead nowhere."""

from __future__ import annotations

from sysvinit_py.linux import calls


def open_nothing() -> int:
    """Open /dev/null; where /dev is empty until a boot script has filled it, a pipe that has no other end."""
    try:
        return calls.open("/dev/null", calls.O_RDWR)
    except FileNotFoundError:
        nothing, other_end = calls.pipe2(calls.O_CLOEXEC)
        calls.close(other_end)
        return nothing
