"""Imports all modules of PID 1, and does nothing else: to test whether init can start here."""

from __future__ import annotations

import _ctypes  # noqa: F401 - linux.calls imports it later

from sysvinit_py import __version__
from sysvinit_py.pid1 import sysv  # noqa: F401


def main() -> int:
    """Print that init can start, and return the exit status 0."""
    print(f"sysvinit_py {__version__} can start here")
    return 0
