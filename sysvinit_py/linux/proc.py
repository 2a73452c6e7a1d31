"""Reading /proc."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import

from sysvinit_py.linux import calls

#: Of the kernel's clock, in a second.
TICKS: int = posix.sysconf("SC_CLK_TCK")
_CHUNK = 1 << 16


def kernel_command_line() -> str:
    """Return the kernel's command line; empty without /proc."""
    try:
        return contents("/proc/cmdline")
    except OSError:
        return ""


def contents(path: str) -> str:
    """Return the content of a short file as text. Raises OSError."""
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


def read(path: str) -> bytes:
    """Return the content of a file of any length. Raises OSError."""
    file = calls.open(path, calls.O_RDONLY | calls.O_CLOEXEC)
    try:
        data = b""
        while chunk := calls.read(file, _CHUNK):
            data += chunk
        return data
    finally:
        calls.close(file)


def filesystem_at(path: str) -> str:
    """Return the type of the file system that a file is on; empty if it is not in the mount table."""
    device = calls.stat(path).st_dev
    number = f"{device >> 8 & 0xFFF}:{device & 0xFF | device >> 12 & 0xFFF00}"
    for line in read("/proc/self/mountinfo").decode("utf-8", "replace").splitlines():
        fields = line.split(" ")
        if fields[2] == number:
            return fields[fields.index("-") + 1]
    return ""
