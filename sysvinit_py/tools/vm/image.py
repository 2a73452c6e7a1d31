"""The machine's disk: a small Debian with sysvinit and its boot scripts, and with our init installed.

The Debian is fetched once, and kept as a tar file; the disk is made from it anew, in seconds, for each init.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from sysvinit_py.tools import install

REPOSITORY = Path(__file__).parents[3]
SUITE = "bookworm"
PACKAGES = (
    "e2fsprogs", "initramfs-tools", "initscripts", "linux-image-amd64", "procps", "python3", "sysv-rc",
    "sysvinit-core", "udev",
)  # fmt: skip
#: What no virtual machine needs, and what makes a third of the size.
LEFT_OUT = (
    "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*",
    *(f"/lib/modules/*/kernel/{part}/*" for part in ("sound", "drivers/gpu", "drivers/media", "drivers/net")),
)  # fmt: skip
#: An initramfs with nothing but the disk's drivers boots faster.
LEAN_INITRAMFS = """\
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/lean"
printf 'virtio_pci\\nvirtio_blk\\next4\\n' > "$1/usr/share/initramfs-tools/modules.d/vm"
"""
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--include={','.join(PACKAGES)}",
    *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
    f"--essential-hook={LEAN_INITRAMFS}", SUITE,
)  # fmt: skip
SIZE = "1G"
#: Seconds that an image is kept after it was last asked for: there are as many as there are builds of init.
KEPT = 3600
#: Bytes that are left where a program had no room.
FULL = 1 << 20
SERIAL_GETTY = "T0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100"

#: The programs that make the disk, and the Debian packages that they are in.
PROGRAMS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "tar": "tar"}


class ImageError(Exception):
    """There is no image; the text says why."""


class Image(NamedTuple):
    """A disk to boot from, and the kernel and initramfs to boot it with."""

    disk: Path
    kernel: Path
    initramfs: Path


def image(init: bytes, cache: Path, programs: dict[str, str] = PROGRAMS) -> Image:
    """Return the image with ``init`` as /sbin/init, from ``cache`` if it is there. Raises ImageError."""
    missing = {name: package for name, package in programs.items() if not shutil.which(name)}
    if missing:
        raise ImageError(
            f"no {', '.join(missing)} here: apt-get install {' '.join(sorted(set(missing.values())))}"
        )
    base = cache / f"debian-{_digest(*BOOTSTRAP)}.tar"
    folder = cache / f"image-{_digest(base.name, init, Path(__file__).read_bytes())}"
    made = Image(folder / "disk", folder / "vmlinuz", folder / "initrd.img")
    if folder.exists():
        os.utime(folder)
        return made
    if os.geteuid() != 0:
        raise ImageError("only root can make the image")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # what two ask for is made once
            if not folder.exists():
                _make_in(cache, base, folder, init)
        finally:
            os.close(lock)
    except OSError as error:
        raise ImageError(f"{error.filename or cache}: {error.strerror}") from None
    return made


def _make_in(cache: Path, base: Path, folder: Path, init: bytes) -> None:
    """Make the image, and where it is missing the Debian that it is made from. Raises OSError, ImageError."""
    draft = cache / f"draft-{os.getpid()}"  # so that no half of anything is taken for the whole
    try:
        draft.mkdir()
        if not base.exists():
            _run(*BOOTSTRAP, str(draft / base.name))
            (draft / base.name).replace(base)
        _make(draft, base, init)
        for old in (*cache.glob("image-*"), *cache.glob("draft-*")):  # drafts: of who was killed
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old)
        draft.rename(folder)
    except ImageError as error:
        if shutil.disk_usage(cache).free < FULL:  # mmdebstrap does not say so
            raise ImageError(f"{cache}: {os.strerror(errno.ENOSPC)}") from error
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make(folder: Path, base: Path, init: bytes) -> None:
    """Make disk, kernel and initramfs in ``folder``."""
    root = folder / "root"
    root.mkdir()
    _run("tar", "-xf", str(base), "-C", str(root))
    _configure(root)
    file = folder / "init"
    file.write_bytes(init)
    _run(sys.executable, install.__file__, "--root", str(root), "--init", str(file))
    for name in "vmlinuz", "initrd.img":
        shutil.copyfile(root / name, folder / name)
    _run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(root), str(folder / "disk"), SIZE)
    file.unlink()
    shutil.rmtree(root)


def _configure(root: Path) -> None:
    """What an installer would ask: names, file systems, the password of root, a getty on the serial line."""
    for path, text in {
        "etc/hostname": "vm\n",
        "etc/hosts": "127.0.0.1 localhost vm\n",
        "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
        "etc/issue": "Debian GNU/Linux 12 \\n \\l: log in as root, there is no password\n\n",
    }.items():
        (root / path).write_text(text)
    inittab = root / "etc/inittab"
    inittab.write_text(f"{inittab.read_text()}\n{SERIAL_GETTY}\n")
    shadow = root / "etc/shadow"
    shadow.write_text(shadow.read_text().replace("root:*:", "root::"))


def _run(*command: str) -> None:
    """Run a program in a group of its own: mmdebstrap, when it fails, ends all that are in its group."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace", env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            errors = process.communicate()[1]
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode:
        said = [line for line in errors.splitlines() if line.strip()] or ["failed"]
        reasons = [line for line in said if line.startswith("E: ")] or said[-1:]
        raise ImageError(f"{Path(command[0]).name}: {reasons[0]}")


def _digest(*parts: str | bytes) -> str:
    """Return a name for things made from ``parts``."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:16]
