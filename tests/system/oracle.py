"""Debian's C init, the oracle: unpacked into .cache/debian, never installed.

Debian 12's, which docs/behaviour was measured on, or that of VERSIONS that SYSVINIT_PY_ORACLE_VERSION names.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from bench.packages import PackageError, unpacked

#: Debian's releases by the version of sysvinit that they have.
VERSIONS = {"3.06": "bookworm", "3.14": "trixie"}
VERSION = os.environ.get("SYSVINIT_PY_ORACLE_VERSION") or "3.06"
PACKAGE = "sysvinit-core"
PROGRAMS = ("init", "telinit", "shutdown", "halt", "runlevel")
_LINKER, _LIBRARY = "ld-linux-*.so.*", "libc.so.6"


class OracleError(Exception):
    """It could not be obtained; says why."""


@cache
def oracle() -> Path:
    """Return the folder of its init, telinit, shutdown, halt and runlevel; downloads it the first time.

    SYSVINIT_PY_ORACLE names another folder to use as it is. Raises OracleError.
    """
    if given := os.environ.get("SYSVINIT_PY_ORACLE"):
        return Path(given)
    if VERSION not in VERSIONS:
        raise OracleError(f"SYSVINIT_PY_ORACLE_VERSION={VERSION}: not one of {', '.join(VERSIONS)}")
    try:
        files = unpacked(PACKAGE, VERSIONS[VERSION])
        programs = next(files.glob("**/sbin/init")).parent
        if VERSION not in (told := _version_of(programs)) and "GLIBC" in told:
            programs = _with_its_c_library(programs)
            told = _version_of(programs)
    except PackageError as reason:
        raise OracleError(str(reason)) from None
    if VERSION not in told:
        raise OracleError(f"sysvinit {VERSION} is wanted, but this is {told!r}")
    return programs


def libraries() -> dict[str, Path]:
    """Return the C library that its programs bring, if this machine's is too old, by path."""
    try:
        found = [*oracle().glob(_LINKER), *oracle().glob(_LIBRARY)]
    except OracleError:
        return {}
    return {str(path): path for path in found}


def _version_of(programs: Path) -> str:
    told = subprocess.run([programs / "init", "--version"], capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).strip()


def _with_its_c_library(programs: Path) -> Path:
    """Copy the programs, and the C library of their release, which they use in the place of this machine's.

    Where anybody may execute them, which is not so of a checkout in root's home. Raises PackageError.
    """
    folder = Path(tempfile.mkdtemp(prefix="sysvinit-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    library = unpacked("libc6", VERSIONS[VERSION])
    patchelf = unpacked("patchelf") / "usr/bin/patchelf"
    for name in _LINKER, _LIBRARY:
        shutil.copy(next(path for path in library.glob(f"usr/lib/*/{name}") if not path.is_symlink()), folder)
    (linker,) = folder.glob(_LINKER)
    for name in PROGRAMS:
        shutil.copy(programs / name, folder)
        command: list[str | Path] = [
            patchelf,
            "--set-interpreter",
            linker,
            "--set-rpath",
            folder,
            folder / name,
        ]
        subprocess.run(command, check=True)
    return folder
