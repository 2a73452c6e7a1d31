"""What the kernel says in /proc."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import

from sysvinit_py.linux import calls

#: Of the kernel's clock, in a second.
TICKS: int = posix.sysconf("SC_CLK_TCK")


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


def start_time(pid: int) -> int:
    """Return when a process was started, in ticks since the boot; 0 if it is gone. Raises OSError."""
    try:
        return int(contents(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def filesystem_at(path: str) -> str:
    """Return the type of the file system that a file is on; empty if the kernel does not say."""
    device = calls.stat(path).st_dev
    number = f"{device >> 8 & 0xFFF}:{device & 0xFF | device >> 12 & 0xFFF00}"
    file = calls.open("/proc/self/mountinfo", calls.O_RDONLY | calls.O_CLOEXEC)
    try:
        text = b""
        while chunk := calls.read(file, 1 << 16):
            text += chunk
    finally:
        calls.close(file)
    for line in text.decode("utf-8", "replace").splitlines():
        fields = line.split(" ")
        if fields[2] == number:
            return fields[fields.index("-") + 1]
    return ""
