"""inittab-install: make our init the /sbin/init and /sbin/telinit of a root file system, or undo that.

The init that was there stays as /sbin/init.sysv: the kernel argument init=/sbin/init.sysv boots with it.
What would not boot is refused, and nothing is changed then. With --live the init that runs hands over.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sysvinit_py.inittab import wire
from sysvinit_py.inittab.sources import dump, gather
from sysvinit_py.pid1.handover import PROBE
from sysvinit_py.pid1.reader import CHILD_OPTION
from sysvinit_py.tools import live, onefile

OK, REFUSED, USAGE = 0, 1, 2

INIT, TELINIT = Path("/sbin/init"), Path("/sbin/telinit")
#: Where what was there before is kept.
KEPT = {INIT: Path("/sbin/init.sysv"), TELINIT: Path("/sbin/telinit.sysv")}
DRAFT = Path("/sbin/init.new")
#: The Debian package that does the same (deb), and where dpkg notes what it has moved aside for it.
PACKAGE, DIVERSIONS = "sysvinit-py", Path("/var/lib/dpkg/diversions")
PYTHON = "/usr/bin/python3"
#: Every build has this in its second line.
MARK = b"\n# sysvinit_py "

#: Whether Python is new enough; the file itself says whether the rest is there.
VERSION = """\
import sys
if sys.version_info < (3, 11):
    sys.exit("it is Python %d.%d" % sys.version_info[:2])
"""

FALL_BACK = f"""\
The init of before is {KEPT[INIT]}. To fall back, add init={KEPT[INIT]} to the kernel's command line,
or undo this with inittab-install --undo.\
"""


class RefusedError(Exception):
    """Nothing was changed; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab-install; returns its exit status."""
    made = parser()
    options = made.parse_args(arguments)
    if options.live and options.root != Path("/"):
        made.error("--live is about the system that runs, not about another root")
    try:
        init = b"" if options.undo else options.init.read_bytes() if options.init else onefile.build()
        if init and not is_ours(init):
            raise RefusedError(f"{options.init} is no init of sysvinit_py")
        enter(options.root)
        if options.live:
            give_back(options.patience, options.force) if options.undo else take_over(init, options.patience)
        else:
            undo() if options.undo else install(init)
    except (RefusedError, live.HandOverError) as refusal:
        return _fail(str(refusal))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror))
    return OK


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    made = argparse.ArgumentParser(prog="inittab-install", description=__doc__)
    made.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="the root file system (default: /)"
    )
    made.add_argument("--init", type=Path, metavar="FILE", help="a built init (default: it is built now)")
    made.add_argument("--undo", action="store_true", help="bring back the init of before")
    made.add_argument(
        "--live", action="store_true", help="have the C sysvinit that runs hand over, or take over"
    )
    made.add_argument(
        "--force", action="store_true", help="with --live --undo: even if C sysvinit loses entries by that"
    )
    made.add_argument(
        "--patience", type=float, default=live.PATIENCE, metavar="SECONDS",
        help="with --live: how long each of the two inits may take (default: %(default)g)",
    )  # fmt: skip
    return made


def enter(root: Path) -> None:
    """Make ``root`` the root of this process: no link in there can then lead out of it."""
    if os.geteuid() != 0:
        raise RefusedError("only root can do this")
    os.chroot(root)
    os.chdir("/")
    if not INIT.parent.is_dir():
        raise RefusedError(f"{root} has no {INIT.parent}: is it a root file system?")
    if DIVERSIONS.is_file() and PACKAGE in DIVERSIONS.read_text(errors="replace").splitlines():
        raise RefusedError(f"the package {PACKAGE} is installed, and does this: update it, or remove it")


def install(init: bytes, look: Callable[[], None] = lambda: None) -> None:
    """Put ``init`` in the place of /sbin/init, once it was seen to work here. There always is an init.

    ``look`` may do so, too, at DRAFT, and raise RefusedError.
    """
    if not Path("/etc/inittab").exists() and not Path("/dev/console").exists():
        raise RefusedError("there is no /etc/inittab, and no /dev/console to ask on what to do")
    try:
        _write(DRAFT, init)
        _probe()
        look()
        for place, kept in KEPT.items():
            _keep(place, kept)
        os.replace(DRAFT, INIT)
    finally:
        DRAFT.unlink(missing_ok=True)
    if not os.path.lexists(TELINIT):
        TELINIT.symlink_to(INIT.name)
    print(f"{INIT} is sysvinit_py now.")
    print(FALL_BACK if os.path.lexists(KEPT[INIT]) else "There was no init before: nothing to fall back to.")


def undo() -> None:
    """Bring back what was there before, or nothing if nothing was."""
    if not INIT.is_file() or not is_ours(INIT.read_bytes()):
        raise RefusedError(f"{INIT} is not ours: nothing to undo")
    kept = os.path.lexists(KEPT[INIT])
    if os.path.lexists(KEPT[TELINIT]):
        os.replace(KEPT[TELINIT], TELINIT)
    elif not kept:
        TELINIT.unlink(missing_ok=True)
    if kept:
        os.replace(KEPT[INIT], INIT)
    else:
        INIT.unlink()
    print(f"{INIT} is what it was before.")


def take_over(init: bytes, patience: float) -> None:
    """Install ``init``, and have the C sysvinit that runs hand over to it; else all is as before."""
    live.require(live.C)
    live.swap(live.OURS, lambda: install(init, _probe_inittab), undo, patience)
    print(
        f"PID 1 is sysvinit_py now, in level {live.level()}. inittab-install --live --undo is the way back."
    )


def give_back(patience: float, force: bool) -> None:
    """Undo the installation, and have C sysvinit take over; RefusedError if it would lose entries by that."""
    live.require(live.OURS)
    version = live.c_version(KEPT[INIT])
    if not version:
        raise RefusedError(f"{KEPT[INIT]} is no C sysvinit, and no other init can take over")
    lost = live.losses(version)
    for loss in lost:
        print(f"inittab-install: C sysvinit {version} would lose {loss}", file=sys.stderr)
    if lost and not force:
        raise RefusedError("nothing was changed; --force goes back all the same")
    ours = INIT.read_bytes()
    live.swap(live.C, undo, lambda: install(ours), patience)
    print(f"PID 1 is C sysvinit {version} now, in level {live.level()}.")


def is_ours(init: bytes) -> bool:
    """Whether the bytes are a build of ours."""
    return MARK in init[:200]


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # should it be a link, it leads to what is not to be written to
    with path.open("xb") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o755)
        file.flush()
        os.fsync(file.fileno())  # a crash right after the rename must not leave an empty init


def _probe() -> None:
    """See that Python and all that PID 1 needs of it are here, and that the kernel executes the file."""
    if not os.access(PYTHON, os.X_OK):
        raise RefusedError(f"there is no {PYTHON} that can be run; Python 3.11 or newer is needed")
    for command in [PYTHON, "-ISB", "-c", VERSION], [str(DRAFT), PROBE]:
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise RefusedError(f"{command[0]} cannot be run here: {error.strerror}") from None
        if done.returncode:
            reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise RefusedError(f"it would not boot with {PYTHON}, Python 3.11 or newer is needed: {reason}")


def _probe_inittab() -> None:
    """See that init can read the inittab, in a process of its own; say which lines it refuses."""
    command = [str(DRAFT), CHILD_OPTION]
    done = subprocess.run(command, input=dump(gather()), capture_output=True, check=False)
    try:
        reading = wire.decode(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise RefusedError(f"it cannot parse the inittab: {said.splitlines()[-1]}") from None
    if not reading.complete:
        raise RefusedError(f"it cannot read the inittab: {reading.problems[0]}")
    for problem in reading.problems:
        print(f"inittab-install: refused, as at every reading: {problem}", file=sys.stderr)


def _keep(place: Path, kept: Path) -> None:
    """Keep what is at ``place``, unless it is ours, or a link that leads to ours from now on."""
    if not os.path.lexists(place) or (place == TELINIT and _leads_to_init(place)):
        return
    if place == INIT:
        if place.is_file() and is_ours(place.read_bytes()):
            return
        kept.unlink(missing_ok=True)
        _link(place, kept)  # not renamed: a crash in between must not leave no init
    else:
        os.replace(place, kept)


def _leads_to_init(link: Path) -> bool:
    return link.is_symlink() and os.readlink(link) in (INIT.name, str(INIT), f"/usr{INIT}")


def _link(place: Path, kept: Path) -> None:
    if place.is_symlink():
        kept.symlink_to(os.readlink(place))
    else:
        os.link(place, kept)


def _fail(reason: str) -> int:
    print(f"inittab-install: {reason}", file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
