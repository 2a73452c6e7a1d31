"""Debian 12's packages of other inits, on whatever Debian: unpacked into .cache/debian, never installed."""

from __future__ import annotations

import fcntl
import subprocess
from functools import cache
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache" / "debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCE = f"deb [signed-by={KEYRING}] http://deb.debian.org/debian bookworm main\n"
#: apt with a source, lists and a cache of its own: it needs no rights, and the machine's are left alone.
APT = (
    "apt-get", "-o", f"Dir::Etc::SourceList={CACHE}/sources.list", "-o", "Dir::Etc::SourceParts=-",
    "-o", f"Dir::State::Lists={CACHE}/lists", "-o", f"Dir::State::Status={CACHE}/status",
    "-o", f"Dir::Cache={CACHE}/cache", "-o", "APT::Sandbox::User=",
    "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3",
)  # fmt: skip


class PackageError(Exception):
    """It could not be obtained; says why."""


@cache
def unpacked(package: str) -> Path:
    """Return the folder in which the package's files are. Raises PackageError."""
    folder = CACHE / package
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test runs may be parallel
        if not folder.exists():
            if not list((CACHE / "lists").glob("*Packages*")):
                (CACHE / "lists" / "partial").mkdir(parents=True, exist_ok=True)
                (CACHE / "sources.list").write_text(SOURCE)
                (CACHE / "status").touch()  # else it would look for the version that is installed
                _run(package, *APT, "update", "--error-on=any")
            _run(package, *APT, "download", package)
            unfinished = folder.with_suffix(".new")
            _run(package, "dpkg", "-x", _file(package), str(unfinished))
            unfinished.rename(folder)
    return folder


@cache
def version(package: str) -> str:
    """Return the version of the package that is unpacked."""
    unpacked(package)
    return _run(package, "dpkg-deb", "-f", _file(package), "Version").strip()


@cache
def size(package: str = "") -> int:
    """Return the bytes of a minimal Debian with the package and what that needs, without documentation."""
    CACHE.mkdir(parents=True, exist_ok=True)
    told = CACHE / f"size-{package}"
    if not told.exists():
        include = [f"--include={package}"] * bool(package)
        without = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
        archive = CACHE / "minimal.tar"
        _run(
            package,
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            *include,
            *without,
            "bookworm",
            str(archive),
        )
        told.write_text(str(archive.stat().st_size))
        archive.unlink()
    return int(told.read_text())


def _file(package: str) -> str:
    return str(next(CACHE.glob(f"{package}_*.deb")))


def _run(package: str, *command: str) -> str:
    try:
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=True, timeout=300)
    except FileNotFoundError as error:
        raise PackageError(f"no {error.filename} here to obtain {package} with") from None
    except subprocess.TimeoutExpired:
        raise PackageError(f"{' '.join(command)} took too long") from None
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines() or ["no reason given"]
        raise PackageError(f"{' '.join(command)}: {why[-1]}") from None
    return done.stdout
