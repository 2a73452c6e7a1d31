"""Boot a Debian machine with our init in QEMU, its console on the terminal.

Log in as root, without password. Ctrl-A x ends it. The next start is a fresh machine, unless --disk keeps it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sysvinit_py.tools import onefile
from sysvinit_py.tools.vm import qemu
from sysvinit_py.tools.vm.image import ImageError, image

CACHE = Path(".cache/vm")
REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: returns QEMU's exit status, or 1 after having said why there is no machine."""
    options = parser().parse_args(arguments)
    try:
        if not shutil.which(qemu.PROGRAM):
            raise ImageError(f"no {qemu.PROGRAM} here: apt-get install qemu-system-x86")
        init = options.init.read_bytes() if options.init else onefile.build()
        say("looking for the image; making it takes a minute or two the first time, seconds for a new init")
        made = image(init, options.cache.resolve())
        if options.disk:
            if not options.disk.exists():
                copy(made.disk, options.disk)
            made = made._replace(disk=options.disk)
    except ImageError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename2 or error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        return fail("interrupted")
    command = qemu.command(made, f"{qemu.APPEND} {options.append}", options.accel)
    command += ["-serial", f"file:{options.serial}" if options.serial else "mon:stdio"]
    if not options.disk:
        command.append("-snapshot")
    say("booting" if options.serial else "booting; Ctrl-A x ends it")
    return subprocess.run(command, check=False).returncode


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    made = argparse.ArgumentParser(
        prog="vm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--init", type=Path, metavar="FILE", help="a built init (default: it is built now)")
    made.add_argument("--append", default="", metavar="WORDS", help="more for the kernel's command line")
    made.add_argument("--serial", type=Path, metavar="FILE", help="write what the console says to FILE")
    made.add_argument(
        "--disk", type=Path, metavar="FILE", help="a disk that lasts; a copy of the image's is made"
    )
    made.add_argument("--accel", default="tcg", metavar="NAME", help="QEMU's accelerator (default: tcg)")
    made.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help=f"default: {CACHE}")
    return made


def copy(source: Path, target: Path) -> None:
    """Copy a file, all of it or nothing: half a disk would be taken for a whole one the next time."""
    draft = target.with_name(target.name + ".new")
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
