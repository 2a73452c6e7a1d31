"""The checks of inittab-install before it changes anything: whether the system would boot with this init."""

from __future__ import annotations

import os
import re
import stat
import sys

from sysvinit_py.cli.options import RefusedError
from sysvinit_py.inittab.sources import INITTAB
from sysvinit_py.install import confined
from sysvinit_py.lint.check import check
from sysvinit_py.lint.finding import printable
from sysvinit_py.lint.targets import SYSVINIT_PY
from sysvinit_py.linux.beneath import Tree
from sysvinit_py.pid1.survival.handover import PROBE
from sysvinit_py.sandbox import session
from sysvinit_py.sandbox.given import read_etc
from sysvinit_py.sandbox.refusal import NamespaceError

NEEDS_PYTHON = (
    "Python 3.11 or newer with its standard library is needed (in Debian: apt-get install python3);"
    " if it is elsewhere, --python names it"
)
NEEDS_SYSVINIT = "apt-get install sysvinit-core"
NEEDS_PROGRAMS = f"{NEEDS_SYSVINIT}, or --programs"

#: Programs of other init systems, and the names of these.
OTHER_INITS = {
    "systemd": "systemd", "systemctl": "systemd", "busybox": "BusyBox", "openrc-init": "OpenRC",
    "openrc-shutdown": "OpenRC", "runit-init": "runit", "runit": "runit", "s6-svscan": "s6", "finit": "finit",
    "initctl": "finit or upstart", "upstart": "upstart", "dinit": "dinit", "toybox": "toybox",
}  # fmt: skip
#: Programs without which the machine cannot be shut down.
PROGRAMS = ("shutdown", "halt", "poweroff", "reboot")
FOLDERS = ("/sbin", "/usr/sbin", "/bin", "/usr/bin")
#: Warnings of the linter that mean that the machine would be unusable.
USELESS = ("INT001", "INT002", "INT204", "INT206", "INT207")
TRIAL_TIMEOUT = 20  # seconds
_FIRST_LINE = re.compile(rb"#!(\S+) (-\w+c.*)\n")


class UnbootableError(RefusedError):
    """The init cannot start there at all; the message says why."""


def problems(tree: Tree, init: bytes, programs: bool = False) -> list[str]:
    """Return the reasons why the system of ``tree`` would not boot with ``init``, or not be usable.

    ``programs``: init replaces shutdown and halt, too. Changes nothing. Raises UnbootableError.
    """
    probe(tree, init)
    found = [*_other_init(tree), *([] if programs else _missing_programs(tree))]
    try:
        inittab = read_etc(tree.at("/etc"))
    except FileNotFoundError:
        wanted = f"{NEEDS_SYSVINIT} (example: /usr/share/sysvinit/inittab), or write one: inittab(5)"
        return [*found, f"no {INITTAB}: {wanted}"]
    faults = [
        f"{printable(fault.path)}:{fault.line}: {fault.message} [{fault.code}]"
        for fault in check([*inittab.items()], SYSVINIT_PY)
        if fault.severity == "error" or fault.code in USELESS
    ]
    return found + faults + ([] if found or faults else _trial_boot(tree, inittab, init))


def probe(tree: Tree, init: bytes, words: tuple[str, ...] = ("/sbin/init", PROBE)) -> None:
    """Check that the Python of the tree can run the init. Raises UnbootableError."""
    first_line = _FIRST_LINE.match(init)
    if not first_line:
        raise UnbootableError("the first line of the init is not that of a build of this version")
    python = os.fsdecode(first_line[1])
    if not tree.resolve(python)[1] & 0o111:
        raise UnbootableError(f"no {printable(python)}: {NEEDS_PYTHON}")
    option = first_line[2].decode().replace("sys.argv[1]", "0")  # it reads the init from its standard input
    command = [python, option, *words]
    try:
        result = confined.run(tree, command, init)
    except OSError as error:
        raise UnbootableError(f"{printable(python)}: {error.strerror}; {NEEDS_PYTHON}") from None
    if result.status:
        reason = (result.errors.strip() or f"exit status {result.status}").splitlines()[-1]
        raise UnbootableError(
            f"it would not boot with {printable(python)}: {printable(reason)}; {NEEDS_PYTHON}"
        )


def _other_init(tree: Tree) -> list[str]:
    name, _ = tree.resolve("/sbin/init")
    if name not in OTHER_INITS:
        return []
    reason = f"which does not read {INITTAB} as a SysV init does: {NEEDS_SYSVINIT}, or --force"
    return [f"/sbin/init is that of {OTHER_INITS[name]}, {reason}"]


def _missing_programs(tree: Tree) -> list[str]:
    """Return which programs are missing, or belong to another init."""
    missing = []
    for program in PROGRAMS:
        found = (tree.resolve(f"{folder}/{program}") for folder in FOLDERS)
        name, mode = next((each for each in found if each[0]), ("", 0))
        if not stat.S_ISREG(mode) or not mode & 0o111:
            missing.append(program)
        elif name in OTHER_INITS:
            missing.append(f"{program} (it is that of {OTHER_INITS[name]})")
    return [f"no {', '.join(missing)}: {NEEDS_PROGRAMS}"] if missing else []


def _trial_boot(tree: Tree, inittab: dict[str, bytes], init: bytes) -> list[str]:
    """Boot it in the sandbox, with its own programs; return the reason if PID 1 died.

    Other failures are only reported: the sandbox may not be available, and as nothing can be mounted in it
    the scripts of most systems end in a maintenance shell.
    """
    try:
        status, text = session.boot_root(tree.folder, inittab, init, TRIAL_TIMEOUT)
    except NamespaceError as error:
        status, text = session.NO_SANDBOX, str(error)
    reason, *console = text.split("\n")
    if status == session.DIED:
        return [f"it does not boot in the sandbox: {printable(reason)}", *map(printable, console)]
    if not reason.startswith("settled") or status:
        print(f"inittab-install: the trial boot in the sandbox: {printable(reason)}", file=sys.stderr)
    return []
