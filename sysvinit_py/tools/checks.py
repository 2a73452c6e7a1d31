"""What inittab-install looks at before it changes anything: whether the system would boot with our init."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from sysvinit_py.inittab.sources import DIRECTORY, INITTAB, MAX_BYTES
from sysvinit_py.pid1.handover import PROBE
from sysvinit_py.tools import confined
from sysvinit_py.tools.lint.check import check
from sysvinit_py.tools.lint.finding import printable
from sysvinit_py.tools.lint.targets import SYSVINIT_PY
from sysvinit_py.tools.sandbox import trial
from sysvinit_py.tools.tree import Tree

PYTHON = "/usr/bin/python3"
NEEDS_PYTHON = "Python 3.11 or newer with its standard library is needed (in Debian: apt-get install python3)"
NEEDS_PROGRAMS = "apt-get install sysvinit-core"

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
_FIRST_LINE = re.compile(rb"#!\S+ (-\w+c.*)\n")


class UnbootableError(Exception):
    """Our init cannot start there at all; the text says why."""


def problems(tree: Tree, init: bytes) -> list[str]:
    """Return why the system of ``tree`` would not boot with ``init``, or not be usable. Changes nothing.

    Raises UnbootableError.
    """
    probe(tree, init)
    found = [*_other_init(tree), *_missing_programs(tree)]
    files = _inittab(tree)
    if not files:
        return [*found, f"no {INITTAB}: {NEEDS_PROGRAMS} (its example is /usr/share/sysvinit/inittab)"]
    faults = [
        f"{printable(fault.path)}:{fault.line}: {fault.message} [{fault.code}]"
        for fault in check(files, SYSVINIT_PY)
        if fault.severity == "error" or fault.code in USELESS
    ]
    return found + faults + ([] if found or faults else _trial_boot(files, init))


def probe(tree: Tree, init: bytes) -> None:
    """See that the Python of the tree has all that PID 1 needs of it. Raises UnbootableError."""
    first_line = _FIRST_LINE.match(init)
    if not first_line:
        raise UnbootableError("the first line of the init is not as this version builds it")
    if not tree.resolve(PYTHON)[1] & 0o111:
        raise UnbootableError(f"no {PYTHON}: {NEEDS_PYTHON}")
    option = first_line[1].decode().replace("sys.argv[1]", "0")  # it reads the init from its standard input
    command = [PYTHON, option, "/sbin/init", PROBE]
    try:
        result = confined.run(tree, command, init)
    except OSError as error:
        raise UnbootableError(f"{PYTHON}: {error.strerror}; {NEEDS_PYTHON}") from None
    if result.status:
        reason = (result.errors.strip() or f"exit status {result.status}").splitlines()[-1]
        raise UnbootableError(f"it would not boot with {PYTHON}: {printable(reason)}; {NEEDS_PYTHON}")


def _other_init(tree: Tree) -> list[str]:
    name, _ = tree.resolve("/sbin/init")
    if name not in STRANGERS:
        return []
    return [f"/sbin/init is that of {STRANGERS[name]}, which does not use {INITTAB}: {NEEDS_PROGRAMS}"]


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


def _inittab(tree: Tree) -> list[tuple[str, bytes]]:
    """Return path and content of the files that init would read. Raises OSError if one cannot be read."""
    paths = [f"{DIRECTORY}/{name}" for name in tree.names(DIRECTORY)]
    paths = [path for path in paths if path.endswith(".tab") and "/." not in path]
    if tree.resolve(INITTAB)[0]:
        paths.insert(0, INITTAB)
    return [(path, tree.read(path, MAX_BYTES + 1)) for path in paths]


def _trial_boot(files: list[tuple[str, bytes]], init: bytes) -> list[str]:
    """Boot the inittab in the sandbox, with this system's programs; say that PID 1 died, if it did."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "inittab.d").mkdir()
        (folder / "inittab").touch()
        for path, data in files:
            (folder / os.path.relpath(path, "/etc")).write_bytes(data)
        (folder / "init").write_bytes(init)
        (folder / "init").chmod(0o755)
        command = [
            sys.executable,
            "-P",
            "-m",
            "sysvinit_py.tools.sandbox.cli",
            "--init",
            str(folder / "init"),
        ]
        done = subprocess.run(
            [*command, "--command", "true", str(folder)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, env=os.environ | {"PYTHONPATH": PATH},
        )  # fmt: skip
    reason = printable((done.stderr.decode(errors="replace").splitlines() or [""])[-1])
    if done.returncode == trial.DIED and reason.startswith("inittab-try: "):
        return [f"it does not boot in the sandbox: {reason}"]
    if done.returncode != trial.OK:
        print(f"inittab-install: the trial boot shows nothing: {reason}", file=sys.stderr)
    return []


#: Where the sandbox finds this package.
PATH = str(Path(__file__).parents[2])
