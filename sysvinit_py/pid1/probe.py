"""Imports all that PID 1 needs, and does nothing: inittab-install asks whether init could start here."""

from __future__ import annotations

import ctypes  # noqa: F401 - the seam to the kernel does so later

from sysvinit_py.pid1 import init  # noqa: F401

#: The option by which the program knows that it is only asked.
OPTION = "--probe"


def main() -> int:
    """Return the exit status: to have come here is the answer."""
    return 0
