"""Why no sandbox can be made, and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

#: Files that can forbid namespaces to users, with the contents that forbid and allow them.
SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    *(
        (f"user/max_{kind}_namespaces", "0", "1000")
        for kind in ("user", "mnt", "pid", "uts", "ipc", "net", "cgroup")
    ),
)


class NamespaceError(Exception):
    """A system call for the sandbox has failed; the message names it, and a remedy."""

    def __init__(self, call: str, number: int, settings: Path = Path("/proc/sys")) -> None:
        super().__init__(f"{call}: {os.strerror(number)}; {advice(call, number, settings)}")


def advice(call: str, number: int, settings: Path) -> str:
    """Return a remedy for the failure of ``call`` with the error ``number``."""
    if call.startswith("execve"):
        return "is the init a program, and its interpreter below /usr?"
    if number == errno.ENOSYS:
        return "Linux 5.12 or newer is needed, on a machine whose system calls are known here"
    if number == errno.EROFS:
        return "it lies in what is shown read-only: choose another place"
    for name, forbidding, allowing in SWITCHES:
        try:
            forbidden = (settings / name).read_text().strip() == forbidding
        except OSError:
            continue
        if forbidden:
            return f"{settings / name} forbids it: allow it with sysctl {name.replace('/', '.')}={allowing}"
    return "run it as root; in a container, the container must be allowed to make namespaces (--privileged)"
