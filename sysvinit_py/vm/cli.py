"""Boot a Debian machine with our init in QEMU, its console on the terminal.

Log in as root, without password. Ctrl-A x ends it. The next start is a fresh machine, unless --disk keeps it.
A suite or an architecture that is not the default means --small.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sysvinit_py.build import onefile
from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.vm import qemu, small
from sysvinit_py.vm.image import SUITE, ImageError, files_disk, full, image, is_ours

CACHE = Path(".cache/vm")
REFUSED = out.FAILED

PROGRAM = Program(
    "vm",
    __doc__ or "",
    (
        Option("--init", "FILE", "a built init (default: it is built now)", Path, complete="file"),
        Option("--c-init", help="leave Debian's C init in its place"),
        Option("--small", help="the smallest image, without any C init package"),
        Option("--suite", "SUITE", f"Debian's, of the smallest image (default: {SUITE})", default=SUITE),
        Option("--arch", "ARCH", f"{' or '.join(qemu.MACHINES)}, of the smallest image (default: amd64)",
            tuple(qemu.MACHINES), "amd64"),
        Option("--append", "WORDS", "more for the kernel's command line", default=""),
        Option("--serial", "FILE", "write what the console says to a new FILE", Path, complete="file"),
        Option("--disk", "FILE", "a disk that lasts; a copy of the image's is made", Path, complete="file"),
        Option("--any-disk", help="let --disk be another disk than one made here"),
        Option("--bring", "PATH", "a file, or what is in a folder, to be found in /mnt", Path,
            complete="file"),
        Option("--net", "NET", f"QEMU's network: {', '.join(qemu.NETWORKS)} (default: none)",
            tuple(qemu.NETWORKS), "none"),
        Option("--accel", "NAME", "QEMU's accelerator (default: tcg)", default="tcg"),
        Option("--cache", "DIR", f"default: {CACHE}", Path, CACHE, complete="folder"),
    ),
    prefixes=True,
    failed=REFUSED,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: returns QEMU's exit status, or 1 after having said why there is no machine."""
    return PROGRAM.run(run, arguments)


def run(options: Values) -> int:
    """Boot the machine that is asked for, and wait until it ends."""
    with tempfile.TemporaryDirectory(prefix="vm-") as folder:
        return subprocess.run(_prepare(options, Path(folder)), check=False).returncode


def _prepare(options: Values, folder: Path) -> list[str]:
    """Make what is missing, and return the command. Raises ImageError, OSError."""
    hardware = qemu.MACHINES[options.arch]
    if not shutil.which(hardware.program):
        raise ImageError(f"no {hardware.program} here: apt-get install {hardware.package}")
    if options.disk and os.path.lexists(options.disk) and not (options.any_disk or is_ours(options.disk)):
        raise ImageError(
            f"{options.disk}: not a disk made by this command (--any-disk takes it all the same)"
        )
    if options.serial and os.path.lexists(options.serial) and not _can_be_logged_to(options.serial):
        raise ImageError(f"{options.serial}: there is such a file already, and it would be overwritten")
    init = b"" if options.c_init else options.init.read_bytes() if options.init else onefile.build()
    say("looking for the image; making it takes a minute or two the first time, seconds for a new init")
    is_small = options.small or (options.suite, options.arch) != (SUITE, "amd64")
    recipe = small.recipe(options.suite, options.arch, options.c_init) if is_small else full()
    machine = image(init, options.cache.resolve(), recipe)
    if options.disk:
        if not options.disk.exists():
            copy(machine.disk, options.disk)
        machine = machine._replace(disk=options.disk)
    files = files_disk(folder, options.bring) if options.bring else None
    words = "net.ifnames=0 " if options.net != "none" else ""
    append = f"{qemu.words(options.arch)} {words}{options.append}"
    command = qemu.command(machine, append, options.accel, options.net, files)
    command += ["-serial", f"file:{options.serial}" if options.serial else "mon:stdio"]
    if not options.disk:
        command.append("-snapshot")
    say("booting" if options.serial else "booting; Ctrl-A x ends it")
    return command


def _can_be_logged_to(path: Path) -> bool:
    """Return whether nothing is lost: an empty file, or a terminal or /dev/null."""
    return path.is_char_device() or (path.is_file() and not path.stat().st_size)


def copy(source: Path, target: Path) -> None:
    """Copy a file atomically: half a disk would be taken for a whole one the next time."""
    fd, name = tempfile.mkstemp(prefix=f"{target.name}.", dir=target.parent)
    os.close(fd)
    draft = Path(name)
    try:
        shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def say(line: str) -> None:
    """Write a message to standard error."""
    out.say(PROGRAM.name, line)


if __name__ == "__main__":
    sys.exit(main())
