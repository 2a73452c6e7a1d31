"""What the kernel says in /proc."""

from __future__ import annotations

from sysvinit_py.linux import calls


def kernel_command_line() -> str:
    """Return what the boot loader has given the kernel."""
    try:
        return contents("/proc/cmdline")
    except OSError:
        return ""


def contents(path: str) -> str:
    """Return what is in a short file. Raises OSError."""
    file = calls.open(path, calls.O_RDONLY)
    try:
        return calls.read(file, 4096).decode("ascii", "replace")
    finally:
        calls.close(file)
