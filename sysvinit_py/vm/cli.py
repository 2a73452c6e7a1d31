"""Boot a Debian machine with our init in QEMU, its console on the terminal.

Log in as root, without password. Ctrl-A x ends it. The next start is a fresh machine, unless --disk keeps it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sysvinit_py.build import onefile
from sysvinit_py.vm import qemu
from sysvinit_py.vm.image import ImageError, files_disk, image, is_ours

CACHE = Path(".cache/vm")
REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: returns QEMU's exit status, or 1 after having said why there is no machine."""
    options = parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="vm-") as folder:
            return subprocess.run(_prepare(options, Path(folder)), check=False).returncode
    except ImageError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename2 or error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        return fail("interrupted")


def _prepare(options: argparse.Namespace, folder: Path) -> list[str]:
    """Make what is missing, and return the command. Raises ImageError, OSError."""
    if not shutil.which(qemu.PROGRAM):
        raise ImageError(f"no {qemu.PROGRAM} here: apt-get install qemu-system-x86")
    if options.disk and os.path.lexists(options.disk) and not (options.any_disk or is_ours(options.disk)):
        raise ImageError(
            f"{options.disk}: not a disk made by this command (--any-disk takes it all the same)"
        )
    if options.serial and os.path.lexists(options.serial) and not _can_be_logged_to(options.serial):
        raise ImageError(f"{options.serial}: there is such a file already, and it would be overwritten")
    init = b"" if options.c_init else options.init.read_bytes() if options.init else onefile.build()
    say("looking for the image; making it takes a minute or two the first time, seconds for a new init")
    machine = image(init, options.cache.resolve())
    if options.disk:
        if not options.disk.exists():
            copy(machine.disk, options.disk)
        machine = machine._replace(disk=options.disk)
    files = files_disk(folder, options.bring) if options.bring else None
    words = "net.ifnames=0 " if options.net != "none" else ""
    append = f"{qemu.APPEND} {words}{options.append}"
    command = qemu.command(machine, append, options.accel, options.net, files)
    command += ["-serial", f"file:{options.serial}" if options.serial else "mon:stdio"]
    if not options.disk:
        command.append("-snapshot")
    say("booting" if options.serial else "booting; Ctrl-A x ends it")
    return command


def _can_be_logged_to(path: Path) -> bool:
    """Return whether nothing is lost: an empty file, or a terminal or /dev/null."""
    return path.is_char_device() or (path.is_file() and not path.stat().st_size)


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    made = argparse.ArgumentParser(
        prog="vm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--init", type=Path, metavar="FILE", help="a built init (default: it is built now)")
    made.add_argument("--c-init", action="store_true", help="leave Debian's C init in its place")
    made.add_argument("--append", default="", metavar="WORDS", help="more for the kernel's command line")
    made.add_argument("--serial", type=Path, metavar="FILE", help="write what the console says to a new FILE")
    made.add_argument(
        "--disk", type=Path, metavar="FILE", help="a disk that lasts; a copy of the image's is made"
    )
    made.add_argument("--any-disk", action="store_true", help="let --disk be another disk than one made here")
    made.add_argument(
        "--bring", type=Path, metavar="PATH", help="a file, or what is in a folder, to be found in /mnt"
    )
    made.add_argument(
        "--net", choices=qemu.NETWORKS, default="none", help="QEMU's user network (default: none)"
    )
    made.add_argument("--accel", default="tcg", metavar="NAME", help="QEMU's accelerator (default: tcg)")
    made.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help=f"default: {CACHE}")
    return made


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
    """Tell the person."""
    print(f"vm: {line}", file=sys.stderr, flush=True)


def fail(reason: str) -> int:
    """Say why there is no machine, and return the exit status for it."""
    say(reason)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
