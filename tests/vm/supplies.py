"""Builds the module of tests/vm/supplies for the kernel of the image, with headers that are not installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "supplies"
MODULE = "test_supplies.ko"
NEEDED = ("apt-get", "dpkg", "gcc", "make", "strip")


class BuildError(Exception):
    """There is no module; the text says why."""


def release(kernel: Path) -> str:
    """The release of a kernel, as ``uname -r`` says it (Linux x86 boot protocol, kernel_version)."""
    image = kernel.read_bytes()
    at = int.from_bytes(image[0x20E:0x210], "little") + 0x200
    return image[at : at + 100].split(b" ")[0].decode()


def module(kernel: Path, cache: Path) -> bytes:
    """Return the module for this kernel. Raises BuildError."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        raise BuildError(f"no {', '.join(missing)} here")
    name = release(kernel)
    folder = cache / f"supplies-{name}"
    headers = folder / "usr" / "src" / f"linux-headers-{name}"
    if not headers.exists():
        draft = folder.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        version, flavour = name.rpartition("-")[::2]
        kbuild = f"linux-kbuild-{'.'.join(name.split('.')[:2])}"
        common = f"linux-headers-{version}-common"
        _run("apt-get", "download", f"linux-headers-{version}-{flavour}", common, kbuild, cwd=draft)
        for package in draft.glob("*.deb"):
            _run("dpkg", "-x", str(package), ".", cwd=draft)
        draft.rename(folder)
        # It leads to /usr, where nothing is installed.
        makefile = headers / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{folder}/usr/src/"))
    source = folder / "module"
    shutil.copytree(SOURCE, source, dirs_exist_ok=True)
    _run("make", "-C", str(headers), f"M={source}", "modules", cwd=source)
    _run("strip", "--strip-debug", MODULE, cwd=source)
    return (source / MODULE).read_bytes()


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{command[0]}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
