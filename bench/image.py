"""Make the smallest image, boot it in turn with the same that has Debian's sysvinit-core, and compare them.

Each is booted to ``login:``, and powered off by ``poweroff``; then its file system has to be clean. No Python
is in the one with sysvinit-core. The image stays in the folder that is named at the end.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from sysvinit_py.vm import qemu, small
from sysvinit_py.vm.cli import CACHE
from sysvinit_py.vm.image import SUITE, Image, image
from tests.vm.machine import BOOT, Machine

TARGET = Path("dist/image")


class Boot(NamedTuple):
    """Seconds by the clock and of processor time to ``login:``, by the clock to power-off; MB in use."""

    clock: float
    processor: float
    down: float
    memory: float


def boot(of: Image) -> Boot:
    """Boot it and switch it off. Raises AssertionError unless it ends in order."""
    with Machine(of) as machine:
        machine.expect("vm login: ", BOOT)
        clock, processor = time.monotonic() - machine.switched_on, machine.cpu_seconds()
        machine.type("root")
        machine.shell()
        memory = machine.run("free | awk '/^Mem:/ { print $3 }'")
        begin = time.monotonic()
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        down = time.monotonic() - begin
        machine.check_disk()
    return Boot(clock, processor, down, int(memory) / 1024)


def root_size(of: Image) -> float:
    """Return the MB that the root file system has in use."""
    blocks = of.disk.stat().st_blocks * 512
    return blocks / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="make image", description=__doc__)
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--suite", default=SUITE)
    parser.add_argument("--arch", choices=qemu.MACHINES, default="amd64")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    images = {
        name: image(init, CACHE.resolve(), small.recipe(options.suite, options.arch, not init))
        for name, init in (("sysvinit_py", options.init.read_bytes()), ("sysvinit-core", b""))
    }
    boots: dict[str, list[Boot]] = {name: [] for name in images}
    for _ in range(options.rounds):
        for name, of in images.items():
            boots[name].append(boot(of))
    print(f"{options.suite}, {options.arch}, {options.rounds} boots each in turn, medians\n")
    print(f"{'':32}" + "".join(f"{name:>16}" for name in images))
    rows = {
        "root file system, MB": [root_size(of) for of in images.values()],
        "kernel, MB": [of.kernel.stat().st_size / 1e6 for of in images.values()],
        "initramfs, MB": [of.initramfs.stat().st_size / 1e6 for of in images.values()],
        **{
            title: [statistics.median(getattr(one, field) for one in boots[name]) for name in images]
            for field, title in {
                "clock": "power-on to login, s",
                "processor": "the same, s of processor time",
                "down": "poweroff to power-off, s",
                "memory": "memory in use at login, MB",
            }.items()
        },
    }
    for title, values in rows.items():
        print(f"{title:32}" + "".join(f"{value:16.1f}" for value in values))
    target = TARGET / f"{options.suite}-{options.arch}"
    target.mkdir(parents=True, exist_ok=True)
    for path in images["sysvinit_py"][:3]:
        shutil.copy(path, target)
    print(f"\nThe image is {target}: disk, vmlinuz, initrd.img.")


if __name__ == "__main__":
    main()
