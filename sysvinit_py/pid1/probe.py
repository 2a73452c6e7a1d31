"""Imports all that PID 1 needs, and does nothing: who installs or executes init asks if it can start."""

from __future__ import annotations

import _ctypes  # noqa: F401 - the seam to the kernel does so later

from sysvinit_py import __version__
from sysvinit_py.pid1 import sysv  # noqa: F401


def main() -> int:
    """Say so, and return the exit status: to have come here is the answer."""
    print(f"sysvinit_py {__version__} can start here")
    return 0
