"""Debian's C init, the oracle: unpacked into .cache/oracle, never installed."""

from __future__ import annotations

import fcntl
import os
import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache"
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
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "oracle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test runs may be parallel
        programs = CACHE / "oracle" / "sbin"
        if not (programs / "init").exists():
            _download(CACHE / "oracle")
    told = subprocess.run([programs / "init", "--version"], capture_output=True, text=True, check=False)
    if VERSION not in told.stdout + told.stderr:
        raise OracleError(
            f"sysvinit {VERSION} is wanted, but this is {(told.stdout + told.stderr).strip()!r}"
        )
    return programs


def _download(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if not list(folder.glob("*.deb")):
        _run(["apt-get", "download", PACKAGE], folder)
    _run(["dpkg", "-x", *(str(file) for file in folder.glob("*.deb")), "."], folder)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    except FileNotFoundError as error:
        raise OracleError(f"no {error.filename} here to obtain {PACKAGE} with") from None
    except subprocess.TimeoutExpired:
        raise OracleError(f"{' '.join(command)} took over a minute") from None
    except subprocess.CalledProcessError as error:
        raise OracleError(f"{' '.join(command)}: {error.stderr.strip().splitlines()[-1]}") from None
