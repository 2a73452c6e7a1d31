"""How QEMU is to be started."""

from __future__ import annotations

from pathlib import Path

from sysvinit_py.vm.image import Image

PROGRAM = "qemu-system-x86_64"
#: The console is the serial line; the screen is there, too, for gettys on tty1 to tty6.
APPEND = "root=/dev/vda ro console=tty0 console=ttyS0 quiet"


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

    There is a keyboard and a screen that nobody looks at. ``second``: one more disk, which is only read.
    """
    more = ["-drive", f"file={_quoted(second)},{_DRIVE},readonly=on"] if second else []
    return [
        PROGRAM, "-nodefaults", "-no-user-config", "-accel", accelerator, "-smp", "1", "-m", "512",
        "-vga", "std", "-display", "none",
        "-drive", f"file={_quoted(image.disk)},{_DRIVE}", *more, *NETWORKS[network],
        "-kernel", str(image.kernel), "-initrd", str(image.initramfs), "-append", append,
    ]  # fmt: skip


def _quoted(path: Path) -> str:
    """Return the path as an option has it, where a comma begins the next option."""
    return str(path).replace(",", ",,")
