"""Debian's runit, the oracle of services: unpacked into .cache/debian, never installed."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from bench.packages import PackageError, unpacked, version
from tests.system.oracle import OracleError

#: docs/behaviour/services was measured on this one.
VERSION = "2.1.2-54"
PACKAGE = "runit"
#: Where the package has programs.
_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin", "lib/runit")


@cache
def runit() -> Path:
    """Return the folder of the package's files; downloads it the first time.

    SYSVINIT_PY_RUNIT names another such folder to use as it is. Raises OracleError.
    """
    if given := os.environ.get("SYSVINIT_PY_RUNIT"):
        return Path(given)
    try:
        folder = unpacked(PACKAGE)
        found = version(PACKAGE)
    except PackageError as reason:
        raise OracleError(str(reason)) from None
    if not found.startswith(VERSION):
        raise OracleError(f"runit {VERSION} is wanted, but this is {found}")
    return folder


def program(name: str) -> str:
    """Return the path of one of its programs. Raises OracleError."""
    for folder in _FOLDERS:
        if (path := runit() / folder / name).exists():
            return str(path)
    raise OracleError(f"{PACKAGE} {VERSION} has no program {name}")


def search_path() -> str:
    """Return a PATH on which its programs come before all others."""
    return ":".join([*(str(runit() / folder) for folder in _FOLDERS), os.environ.get("PATH", os.defpath)])
