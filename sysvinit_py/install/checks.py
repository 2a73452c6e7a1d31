"""What inittab-install looks at before it changes anything: whether the system would boot with our init."""

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

#: Programs of other init systems by their names, and what those are called.
STRANGERS = {
    "systemd": "systemd", "systemctl": "systemd", "busybox": "BusyBox", "openrc-init": "OpenRC",
    "openrc-shutdown": "OpenRC", "runit-init": "runit", "runit": "runit", "s6-svscan": "s6", "finit": "finit",
    "initctl": "finit or upstart", "upstart": "upstart", "dinit": "dinit", "toybox": "toybox",
}  # fmt: skip
#: Programs that ask init for halt and reboot, without which the machine can only be switched off.
PROGRAMS = ("shutdown", "halt", "poweroff", "reboot")
FOLDERS = ("/sbin", "/usr/sbin", "/bin", "/usr/bin")
#: Of the linter's warnings, those that say that the machine would be of no use.
USELESS = ("INT001", "INT002", "INT204", "INT206", "INT207")
TRIAL_TIMEOUT = 20  # seconds
_FIRST_LINE = re.compile(rb"#!(\S+) (-\w+c.*)\n")


class UnbootableError(RefusedError):
    """Our init cannot start there at all; the text says why."""


def problems(tree: Tree, init: bytes, programs: bool = False) -> list[str]:
    """Return why the system of ``tree`` would not boot with ``init``, or not be usable. Changes nothing.

    ``programs``: init is shutdown and halt there, too.

    Raises UnbootableError.
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
    """See that the Python of the tree has all that this needs of it. Raises UnbootableError."""
    first_line = _FIRST_LINE.match(init)
    if not first_line:
        raise UnbootableError("the first line of the init is not as this version builds it")
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
    if name not in STRANGERS:
        return []
    reason = f"which does not read {INITTAB} as a SysV init does: {NEEDS_SYSVINIT}, or --force"
    return [f"/sbin/init is that of {STRANGERS[name]}, {reason}"]


def _missing_programs(tree: Tree) -> list[str]:
    """Say which programs are not there, or ask another init."""
    missing = []
    for program in PROGRAMS:
        found = (tree.resolve(f"{folder}/{program}") for folder in FOLDERS)
        name, mode = next((each for each in found if each[0]), ("", 0))
        if not stat.S_ISREG(mode) or not mode & 0o111:
            missing.append(program)
        elif name in STRANGERS:
            missing.append(f"{program} (it is that of {STRANGERS[name]})")
    return [f"no {', '.join(missing)}: {NEEDS_PROGRAMS}"] if missing else []


def _trial_boot(tree: Tree, inittab: dict[str, bytes], init: bytes) -> list[str]:
    """Boot it in the sandbox, with its own programs; say that PID 1 died, if so.

    What else goes wrong is told, and is not held against the tree: there may be no sandbox, and nothing can
    be mounted there, for want of which the scripts of most systems end in a maintenance shell.
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
