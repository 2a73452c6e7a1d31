"""Debian's packages of other inits, 12's unless another release is named: unpacked, never installed."""

from __future__ import annotations

import fcntl
import subprocess
from functools import cache
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache" / "debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITE = "bookworm"


class PackageError(Exception):
    """It could not be obtained; says why."""


def _apt(folder: Path) -> tuple[str, ...]:
    """Return apt-get with a source, lists and a cache of its own: the machine's are left alone."""
    return (
        "apt-get", "-o", f"Dir::Etc::SourceList={folder}/sources.list", "-o", "Dir::Etc::SourceParts=-",
        "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::State::Status={folder}/status",
        "-o", f"Dir::Cache={folder}/cache", "-o", "APT::Sandbox::User=",
        "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3",
    )  # fmt: skip


@cache
def unpacked(package: str, suite: str = SUITE) -> Path:
    """Return the folder in which the package's files are. Raises PackageError."""
    place = CACHE / suite
    folder, apt = place / package, _apt(place)
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test runs may be parallel
        if not folder.exists():
            if not list((place / "lists").glob("*Packages*")):
                (place / "lists" / "partial").mkdir(parents=True, exist_ok=True)
                source = f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n"
                (place / "sources.list").write_text(source)
                (place / "status").touch()  # else it would look for the version that is installed
                _run(package, *apt, "update", "--error-on=any", cwd=place)
            _run(package, *apt, "download", package, cwd=place)
            unfinished = folder.with_suffix(".new")
            _run(package, "dpkg", "-x", _file(package, place), str(unfinished), cwd=place)
            unfinished.rename(folder)
    return folder


@cache
def version(package: str) -> str:
    """Return the version of the package that is unpacked."""
    file = _file(package, unpacked(package).parent)
    return _run(package, "dpkg-deb", "-f", file, "Version").strip()


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
            SUITE,
            str(archive),
        )
        told.write_text(str(archive.stat().st_size))
        archive.unlink()
    return int(told.read_text())


def _file(package: str, folder: Path) -> str:
    return str(next(folder.glob(f"{package}_*.deb")))


def _run(package: str, *command: str, cwd: Path = CACHE) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=300)
    except FileNotFoundError as error:
        raise PackageError(f"no {error.filename} here to obtain {package} with") from None
    except subprocess.TimeoutExpired:
        raise PackageError(f"{' '.join(command)} took too long") from None
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines() or ["no reason given"]
        raise PackageError(f"{' '.join(command)}: {why[-1]}") from None
    return done.stdout
