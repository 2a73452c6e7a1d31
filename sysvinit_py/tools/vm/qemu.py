"""How QEMU is to be started."""

from __future__ import annotations

from sysvinit_py.tools.vm.image import Image

PROGRAM = "qemu-system-x86_64"
#: The console is the serial line; the screen is there, too, for gettys on tty1 to tty6.
APPEND = "root=/dev/vda ro console=tty0 console=ttyS0 quiet"


def command(image: Image, append: str = APPEND, accelerator: str = "tcg") -> list[str]:
    """Return the command but for serial line, monitor and snapshots; ``append``: the kernel's command line.

    There is a keyboard and a screen that nobody looks at, and no network.
    """
    return [
        PROGRAM, "-nodefaults", "-no-user-config", "-accel", accelerator, "-smp", "1", "-m", "512",
        "-vga", "std", "-display", "none",
        "-drive", f"file={image.disk},format=raw,if=virtio",
        "-kernel", str(image.kernel), "-initrd", str(image.initramfs), "-append", append,
    ]  # fmt: skip
