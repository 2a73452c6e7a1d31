"""How QEMU is to be started."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sysvinit_py.vm.image import Image


class Hardware(NamedTuple):
    """QEMU for an architecture, its Debian package, and the name of the serial line there."""

    program: str
    package: str
    console: str
    options: tuple[str, ...]


#: There is a keyboard, and on a PC a screen that nobody looks at.
MACHINES = {
    "amd64": Hardware("qemu-system-x86_64", "qemu-system-x86", "ttyS0", ("-vga", "std")),
    "arm64": Hardware(
        "qemu-system-aarch64", "qemu-system-arm", "ttyAMA0",
        ("-machine", "virt", "-cpu", "cortex-a53", "-device", "virtio-keyboard-pci"),
    ),
}  # fmt: skip
PROGRAM = MACHINES["amd64"].program


def words(architecture: str = "amd64") -> str:
    """Return the kernel's command line: the console is the serial line, and the screen is there, too."""
    return f"root=/dev/vda ro console=tty0 console={MACHINES[architecture].console} quiet"


APPEND = words()

#: A card that QEMU's own network serves: 10.0.2.15, gateway 10.0.2.2, name server 10.0.2.3.
NETWORKS = {"none": [], "user": ["-nic", "user,model=virtio-net-pci"]}
_DRIVE = "format=raw,if=virtio"


def command(
    image: Image,
    append: str = APPEND,
    accelerator: str = "tcg",
    network: str = "none",
    second: Path | None = None,
) -> list[str]:
    """Return the command but for serial line, monitor and snapshots; ``append``: the kernel's command line.

    ``second``: one more disk, which is only read.
    """
    hardware = MACHINES[image.architecture]
    more = ["-drive", f"file={_quoted(second)},{_DRIVE},readonly=on"] if second else []
    return [
        hardware.program, "-nodefaults", "-no-user-config", "-accel", accelerator, "-smp", "1", "-m", "512",
        *hardware.options, "-display", "none",
        "-drive", f"file={_quoted(image.disk)},{_DRIVE}", *more, *NETWORKS[network],
        "-kernel", str(image.kernel), "-initrd", str(image.initramfs), "-append", append,
    ]  # fmt: skip


def _quoted(path: Path) -> str:
    """Return the path as an option has it, where a comma begins the next option."""
    return str(path).replace(",", ",,")
