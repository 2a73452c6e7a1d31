"""Debian packages of other inits: downloaded and unpacked into .cache/bench, never installed."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
CACHE = REPOSITORY / ".cache" / "bench"


class PackageError(Exception):
    """It could not be obtained; says why."""


@cache
def unpacked(package: str) -> Path:
    """Return the folder in which the package's files are. Raises PackageError."""
    folder = CACHE / package
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _run(package, "apt-get", "download", package)
        unfinished = folder.with_suffix(".new")
        _run(package, "dpkg", "-x", str(next(CACHE.glob(f"{package}_*.deb"))), str(unfinished))
        unfinished.rename(folder)
    return folder


@cache
def version(package: str) -> str:
    """Return the version of the package that is unpacked."""
    unpacked(package)
    return _run(package, "dpkg-deb", "-f", str(next(CACHE.glob(f"{package}_*.deb"))), "Version").strip()


def _run(package: str, *command: str) -> str:
    try:
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=True, timeout=120)
    except FileNotFoundError as error:
        raise PackageError(f"no {error.filename} here to obtain {package} with") from None
    except subprocess.TimeoutExpired:
        raise PackageError(f"{' '.join(command)} took too long") from None
    except subprocess.CalledProcessError as error:
        raise PackageError(f"{' '.join(command)}: {error.stderr.strip().splitlines()[-1]}") from None
    return done.stdout
