#!/usr/bin/python3 -IS
"""The sandbox's halt, poweroff, reboot and shutdown, which do not sync or warn users.

halt, poweroff, reboot [-f]   in level 0 or 6, or with -f: reboot(2), which ends the PID namespace;
                              in other levels they go to that level
shutdown [-h|-P|-H|-r] TIME   to level 0 or 6, without an option to level 1, at once

Not clients/halt.py: the init inside may be another one, and the Python of another root older than 3.11, which
the one file refuses; and sync(2) would be for the disks of the host.
"""

from __future__ import annotations

import ctypes
import os
import sys

#: For each program the command for reboot(2), and the runlevel for it.
POWER = {
    "halt": (0xCDEF0123, "0"),
    "poweroff": (0x4321FEDC, "0"),
    "reboot": (0x01234567, "6"),
}


def main() -> None:
    """Act as the program whose name this one was called by."""
    name = os.path.basename(sys.argv[0])
    options = "".join(word[1:] for word in sys.argv[1:] if word.startswith("-"))
    if name == "shutdown":
        switch_to("6" if "r" in options else "0" if set(options) & set("hHP") else "1")
    command, level = POWER[name]
    if "f" not in options and os.environ.get("RUNLEVEL") not in ("0", "6"):
        switch_to(level)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.reboot(ctypes.c_int(command))
    sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")


def switch_to(level: str) -> None:
    """Execute telinit."""
    os.execv("/sbin/telinit", ["telinit", level])


if __name__ == "__main__":
    main()
