"""The smallest image: a kernel, BusyBox, e2fsck, and init; ours with what it needs of Python, or Debian's.

The packages are only unpacked. None of their scripts runs, so an image for another architecture needs no
emulator. docs/image.rst describes what is in it, and how to make it by hand.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from sysvinit_py.install.cli import INIT, INITTAB, PROGRAMS, SBIN, TELINIT
from sysvinit_py.vm.image import Recipe
from sysvinit_py.vm.qemu import MACHINES

FILES = Path(__file__).with_name("small")

PACKAGES = ("busybox", "e2fsprogs", "linux-image-cloud-{}")
#: What the image's two programs need; both are in the initramfs, too.
LIBRARIES = ("blkid", "c", "com_err", "e2p", "ext2fs", "resolv", "uuid")
#: What is kept of them, and of what they depend on.
KEPT = (
    "/boot/vmlinuz-*", "*/bin/busybox", "*/sbin/e2fsck", "*/ld-linux*",
    *(f"*/lib{name}.so*" for name in LIBRARIES),
    "*/kernel/drivers/virtio/*", "*/virtio_blk.ko*", "*/kernel/fs/*", "*/kernel/lib/*", "*/crc32c_*.ko*",
)  # fmt: skip
#: The same for our init, and for Debian's.
OURS = ("python3-minimal",)
OURS_KEPT = ("/usr/bin/python3*", "/usr/lib/python3*", *(f"*/lib{name}.so*" for name in ("expat", "m", "z")))
DEBIANS = ("sysvinit-core",)
DEBIANS_KEPT = (
    *(f"*/sbin/{name}" for name in (INIT, TELINIT, *PROGRAMS)), "*/libpcre2-8.so*", "*/libselinux.so*",
)  # fmt: skip
#: Drivers that are loaded, with what they depend on. What a kernel has built in is not there.
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_input", "ext4")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
INITRAMFS = (
    "bin/busybox", "usr/sbin/e2fsck", "lib*/ld-linux*", "lib/*/ld-linux*",
    *(f"lib/*/lib{name}.so.*" for name in LIBRARIES),
)  # fmt: skip
MERGE_USR = 'for name in bin sbin lib lib64; do mkdir -p "$1/usr/$name"; ln -s usr/$name "$1/$name"; done'
#: All that init needs, and python3-minimal does not have. Their packages would bring 30 MB more.
MORE_OF_PYTHON = """\
cd "$1/tmp"
python=$(basename ../usr/lib/python3.*)
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download -qq lib$python-stdlib libffi8
dpkg-deb --fsys-tarfile libffi8_*.deb | tar -x -C .. --wildcards './usr/lib/*/libffi.so*'
dpkg-deb --fsys-tarfile lib$python-stdlib_*.deb | tar -x -C .. --wildcards \\
    '*/lib-dynload/_ctypes.*' '*/lib-dynload/termios.*'
rm *.deb
"""

FOLDERS = (
    "dev", "etc/inittab.d", "mnt", "proc", "root", "run", "sys", "tmp", "usr/sbin", "var/log",
)  # fmt: skip
TEXTS = {
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
    "etc/group": "root:x:0:\ntty:x:5:\nutmp:x:43:\n",
    "etc/hostname": "vm\n",
    "etc/hosts": "127.0.0.1 localhost vm\n",
    "etc/passwd": "root::0:0:root:/root:/bin/sh\n",
    "var/log/wtmp": "",
}
SIZE = "64M"


def recipe(suite: str, architecture: str, c_init: bool = False) -> Recipe:
    """Return how it is made."""
    packages = [name.format(architecture) for name in (*PACKAGES, *(DEBIANS if c_init else OURS))]
    kept = (*KEPT, *(DEBIANS_KEPT if c_init else OURS_KEPT))
    options = () if c_init else (f"--extract-hook={MORE_OF_PYTHON}",)
    return Recipe(architecture, bootstrap(suite, architecture, packages, kept, *options), _furnish, SIZE)


def bootstrap(
    suite: str, architecture: str, packages: Iterable[str], kept: Iterable[str], *options: str
) -> tuple[str, ...]:
    """Return the command, but for its target, that unpacks what is kept of packages and those they need."""
    return (
        "mmdebstrap", "--quiet", "--variant=extract", "--mode=root", f"--architectures={architecture}",
        f"--include={','.join(packages)}", '--aptopt=Acquire::Check-Valid-Until "false"',
        "--dpkgopt=path-exclude=/*", *(f"--dpkgopt=path-include={path}" for path in kept),
        f"--setup-hook={MERGE_USR}", *options, suite,
    )  # fmt: skip


def _furnish(root: Path, init: bytes, folder: Path, architecture: str) -> None:
    """Put into the root what no package has; move kernel and drivers to ``folder``."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in "hostname", "resolv.conf":
        (root / "etc" / name).unlink(missing_ok=True)  # mmdebstrap's, from the machine that it runs on
    for path, text in TEXTS.items():
        (root / path).write_text(text)
    shutil.copy(FILES / "rc", root / "etc/rc")
    inittab = (FILES / "inittab").read_text().replace("ttyS0", MACHINES[architecture].console)
    (root / "etc/inittab").write_text(inittab)
    if init:
        _install(root, init)
    for applet in _applets(root):
        if not any(os.path.lexists(root / place / applet) for place in ("bin", "sbin")):
            (root / "usr/bin" / applet).symlink_to("busybox")
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    shutil.copyfile(kernel, folder / "vmlinuz")
    kernel.unlink()
    (folder / "initrd.img").write_bytes(b"".join(_archive([*_initramfs(root)])))
    shutil.rmtree(root / "lib/modules")


def _install(root: Path, init: bytes) -> None:
    """Do what inittab-install --programs does, but for its looks at what is there."""
    file = root / SBIN[1:] / INIT
    file.write_bytes(init)
    file.chmod(0o755)
    for name in (TELINIT, *PROGRAMS):
        file.with_name(name).symlink_to(INIT)
    (root / "usr/bin" / INITTAB).symlink_to(f"{SBIN}/{INIT}")


def _applets(root: Path) -> list[str]:
    """Return BusyBox's applets by the table in the program, which may be another architecture's."""
    program = (root / "bin/busybox").read_bytes()
    begin = program.index(b"[\0[[\0")
    return program[begin : program.index(b"\0\0", begin)].decode().split("\0")


def _modules(root: Path) -> list[tuple[str, bytes]]:
    """Return the modules that there are of DRIVERS, uncompressed, each after those that it depends on."""
    files = {path.name.partition(".")[0]: path for path in (root / "lib/modules").rglob("*.ko*")}
    code: dict[str, bytes] = {}
    graph: dict[str, list[str]] = {}
    wanted = [*DRIVERS]
    while wanted:
        if (name := wanted.pop()) in files and name not in code:
            content = files[name].read_bytes()
            code[name] = lzma.decompress(content) if files[name].suffix == ".xz" else content
            depends = _DEPENDS.search(code[name])
            graph[name] = depends[1].decode().replace("-", "_").split(",") if depends else []
            wanted += graph[name]
    return [(f"{name}.ko", code[name]) for name in TopologicalSorter(graph).static_order() if name in code]


def _initramfs(root: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yield path, mode and content of what is in it, without the folders."""
    yield "init", stat.S_IFREG | 0o755, b"#!/bin/busybox sh\n" + (FILES / "initramfs").read_bytes()
    for path in (path for glob in INITRAMFS for path in root.glob(glob)):
        link = path.is_symlink()
        content = os.fsencode(path.readlink()) if link else path.read_bytes()
        yield str(path.relative_to(root)), (stat.S_IFLNK | 0o777) if link else (stat.S_IFREG | 0o755), content
    for order, (name, code) in enumerate(_modules(root)):
        yield f"lib/modules/{order}-{name}", stat.S_IFREG | 0o644, code


def _archive(files: list[tuple[str, int, bytes]]) -> Iterator[bytes]:
    """Yield a cpio archive, as Documentation/driver-api/early-userspace/buffer-format.rst of Linux has it."""
    parents = {str(parent) for path, _, _ in files for parent in Path(path).parents} - {"."}
    folders = [(name, stat.S_IFDIR | 0o755, b"") for name in sorted({*parents, "dev", "proc", "root", "run"})]
    for number, (name, mode, content) in enumerate([*folders, *files, ("TRAILER!!!", 0, b"")]):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        header = f"070701{''.join(f'{field:08x}' for field in fields)}{name}\0".encode()
        for part in header, content:
            yield part + bytes(-len(part) % 4)
