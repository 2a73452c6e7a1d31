"""Debian's C init, the oracle: unpacked into .cache/debian, never installed."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from bench.packages import PackageError, unpacked

#: docs/behaviour was measured on this one.
VERSION = "3.06"
PACKAGE = "sysvinit-core"


class OracleError(Exception):
    """It could not be obtained; says why."""


@cache
def oracle() -> Path:
    """Return the folder of its init, telinit, shutdown, halt and runlevel; downloads it the first time.

    SYSVINIT_PY_ORACLE names another folder to use as it is. Raises OracleError.
    """
    if given := os.environ.get("SYSVINIT_PY_ORACLE"):
        return Path(given)
    try:
        programs = unpacked(PACKAGE) / "sbin"
    except PackageError as reason:
        raise OracleError(str(reason)) from None
    told = subprocess.run([programs / "init", "--version"], capture_output=True, text=True, check=False)
    if VERSION not in told.stdout + told.stderr:
        raise OracleError(
            f"sysvinit {VERSION} is wanted, but this is {(told.stdout + told.stderr).strip()!r}"
        )
    return programs
