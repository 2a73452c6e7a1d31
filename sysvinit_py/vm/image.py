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
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sysvinit_py.cli.options import RefusedError

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "sysvinit_py"
SUITE = "bookworm"
PACKAGES = (
    "e2fsprogs", "ifupdown", "initramfs-tools", "initscripts", "linux-image-amd64", "procps", "python3",
    "sysv-rc", "sysvinit-core", "udev",
)  # fmt: skip
#: What no virtual machine needs, and what makes a third of the size.
LEFT_OUT = (
    "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*",
    *(f"/lib/modules/*/kernel/{part}/*" for part in ("sound", "drivers/gpu", "drivers/media", "drivers/net")),
)  # fmt: skip
LEFT_IN = (
    "/lib/modules/*/kernel/drivers/net/*virtio_net.ko",
    "/lib/modules/*/kernel/drivers/net/net_failover.ko",
)
#: An initramfs with nothing but the disk's drivers boots faster.
LEAN_INITRAMFS = """\
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/lean"
printf 'virtio_pci\\nvirtio_blk\\next4\\n' > "$1/usr/share/initramfs-tools/modules.d/vm"
"""
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--include={','.join(PACKAGES)}",
    *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
    *(f"--dpkgopt=path-include={path}" for path in LEFT_IN),
    f"--essential-hook={LEAN_INITRAMFS}", SUITE,
)  # fmt: skip
SIZE = "1G"
#: Seconds that an image is kept after it was last asked for: there are as many as there are builds of init.
KEPT = 3600
#: Bytes that are left where a program had no room.
FULL = 1 << 20
#: The name of the disk's file system, by which a disk of ours is known.
LABEL = "sysvinit_py"
#: Where the superblock of ext4 has its magic number and that name.
_MAGIC, _MAGIC_AT, _LABEL_AT, _LABEL_SIZE = b"\x53\xef", 1024 + 56, 1024 + 120, 16
#: Where Debian's python3 finds modules that are in no package.
MODULES = "usr/local/lib/python3.11/dist-packages"
INSTALLER = '#!/bin/sh\nexec python3 -m sysvinit_py.install.cli "$@"\n'
#: Debian's inittab calls it, and no package of Debian has it.
POWER_FAIL = """\
#!/bin/sh
# Called by init when a UPS says so; /etc/inittab has the words.
case $1 in
    start) exec shutdown -h +2 "power failure" ;;
    now) exec shutdown -h now "the battery is low" ;;
    stop) exec shutdown -c "the power is back" ;;
    *) echo "usage: powerfail start|now|stop" >&2; exit 2 ;;
esac
"""
INTERFACES = """\
auto lo
iface lo inet loopback
allow-hotplug eth0
iface eth0 inet static
    address 10.0.2.15/24
    gateway 10.0.2.2
"""
SERIAL_GETTY = "T0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100"

#: The programs that make the disk, and the Debian packages that they are in.
PROGRAMS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "tar": "tar"}


class ImageError(RefusedError):
    """There is no image; the text says why."""


class Image(NamedTuple):
    """A disk to boot from, and the kernel and initramfs to boot it with."""

    disk: Path
    kernel: Path
    initramfs: Path
    architecture: str = "amd64"


class Recipe(NamedTuple):
    """How an image is made: from a Debian, which ``bootstrap`` fetches into the file that follows it.

    ``furnish``: is given its root, init, the folder that kernel and initramfs go to, and the architecture.
    """

    architecture: str
    bootstrap: tuple[str, ...]
    furnish: Callable[[Path, bytes, Path, str], None]
    size: str


def full(*packages: str) -> Recipe:
    """Return the recipe of the Debian that ``make vm`` boots, with more packages."""
    more = [f"--include={package}" for package in packages]
    return Recipe("amd64", (*BOOTSTRAP[:-1], *more, BOOTSTRAP[-1]), _furnish, SIZE)


def is_ours(disk: Path) -> bool:
    """Return whether it is a regular file with the file system of a disk of ours. Raises OSError."""
    if not disk.is_file():
        return False
    with disk.open("rb") as file:
        begin = file.read(_LABEL_AT + _LABEL_SIZE)
    return begin[_MAGIC_AT:].startswith(_MAGIC) and begin[_LABEL_AT:].rstrip(b"\0") == LABEL.encode()


def image(
    init: bytes, cache: Path, recipe: Recipe | None = None, programs: dict[str, str] = PROGRAMS
) -> Image:
    """Return the image with ``init`` as /sbin/init, from ``cache`` if it is there. Raises ImageError.

    No bytes: Debian's C init stays.
    """
    missing = {name: package for name, package in programs.items() if not shutil.which(name)}
    if missing:
        raise ImageError(
            f"no {', '.join(missing)} here: apt-get install {' '.join(sorted(set(missing.values())))}"
        )
    recipe = recipe or full()
    base = cache / f"debian-{_digest(*recipe.bootstrap)}.tar"
    tools = (path.read_bytes() for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.glob("vm/small/*")]))
    folder = cache / f"image-{_digest(base.name, init, *tools)}"
    paths = Image(folder / "disk", folder / "vmlinuz", folder / "initrd.img", recipe.architecture)
    if folder.exists():
        os.utime(folder)
        return paths
    if os.geteuid() != 0:
        raise ImageError("only root can make the image")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # what two ask for is made once
            if not folder.exists():
                _make_in(cache, base, folder, init, recipe)
        finally:
            os.close(lock)
    except OSError as error:
        raise ImageError(f"{error.filename or cache}: {error.strerror}") from None
    return paths


def _make_in(cache: Path, base: Path, folder: Path, init: bytes, recipe: Recipe) -> None:
    """Make the image, and where it is missing the Debian that it is made from. Raises OSError, ImageError."""
    draft = cache / f"draft-{os.getpid()}"  # so that no half of anything is taken for the whole
    try:
        draft.mkdir()
        if not base.exists():
            _run(*recipe.bootstrap, str(draft / base.name))
            (draft / base.name).replace(base)
        _make(draft, base, init, recipe)
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


def _make(folder: Path, base: Path, init: bytes, recipe: Recipe) -> None:
    """Make disk, kernel and initramfs in ``folder``."""
    root = folder / "root"
    root.mkdir()
    _run("tar", "-xf", str(base), "-C", str(root))
    recipe.furnish(root, init, folder, recipe.architecture)
    disk = folder / "disk"
    _run("mke2fs", "-q", "-t", "ext4", "-L", LABEL, "-d", str(root), str(disk), recipe.size)
    shutil.rmtree(root)


def _furnish(root: Path, init: bytes, folder: Path, architecture: str) -> None:
    """Configure the full Debian, and install ``init``, if there is one."""
    _configure(root)
    if init:
        file = folder / "init"
        file.write_bytes(init)
        installer = [sys.executable, "-P", "-m", "sysvinit_py.install.cli"]
        _run(*installer, "--root", str(root), "--init", str(file))
        file.unlink()
    for name in "vmlinuz", "initrd.img":
        shutil.copyfile(root / name, folder / name)


def _configure(root: Path) -> None:
    """Set what an installer would ask for: names, file systems, root's password, a serial getty."""
    for path, text in {
        "etc/hostname": "vm\n",
        "etc/hosts": "127.0.0.1 localhost vm\n",
        "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n/dev/vdb /mnt ext4 ro,nofail 0 0\n",
        "etc/network/interfaces": INTERFACES,
        "etc/resolv.conf": "nameserver 10.0.2.3\n",
        "etc/init.d/powerfail": POWER_FAIL,
        "usr/local/sbin/inittab-install": INSTALLER,
        "etc/issue": "Debian GNU/Linux 12 \\n \\l: log in as root, there is no password\n\n",
    }.items():
        (root / path).write_text(text)
    for path in "etc/init.d/powerfail", "usr/local/sbin/inittab-install":
        (root / path).chmod(0o755)
    shutil.copytree(
        PACKAGE,
        root / MODULES / PACKAGE.name,
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    inittab = root / "etc/inittab"
    inittab.write_text(f"{inittab.read_text()}\n{SERIAL_GETTY}\n")
    shadow = root / "etc/shadow"
    shadow.write_text(shadow.read_text().replace("root:*:", "root::"))


def files_disk(folder: Path, source: Path) -> Path:
    """Make a disk in ``folder`` with the file, or what is in the folder, ``source``. Raises ImageError."""
    content, disk = folder / "content", folder / "files"
    if source.is_dir():
        shutil.copytree(source, content, symlinks=True)
    else:
        content.mkdir()
        shutil.copy(source, content)
    size = sum(path.lstat().st_size for path in content.rglob("*"))
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(content), str(disk), f"{(size * 3 // 2 >> 20) + 16}M")
    return disk


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
