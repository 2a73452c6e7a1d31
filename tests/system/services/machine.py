"""A machine to type commands on: namespaces with an /etc of their own, and with programs of runit."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.system.runit_oracle import program
from tests.system.services.onefile import RUNIT

NAMES = ("runsv", "runsvdir", "runsvchdir", "sv", "svlogd", "chpst", "utmpset")
#: Who may have services of his own.
USER = 1234
#: The programs are where any user can reach them, and which ones they are can be changed.
_PREPARE = """
set -e
mount -t tmpfs -o mode=755 etc "$1"; mkdir "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" overlay /etc
mount -t tmpfs -o mode=755 log /var/log
mkdir -p /etc/sv /etc/service /etc/home /etc/programs /var/log/firstrunit; chown $3 /etc/home
cp -rL "$2/." /etc/programs
cd /
echo ready
while :; do sleep 1; done
"""


class Machine:
    """Namespaces that have an /etc and processes of their own.

    programs  whose programs of runit it has, by a name; the first one's are those that are executed
    """

    def __init__(self, folder: Path, **programs: Mapping[str, str | Path]) -> None:
        for whose, paths in programs.items():
            (folder / "programs" / whose).mkdir(parents=True)
            for name, path in paths.items():
                (folder / "programs" / whose / name).symlink_to(path)
        (folder / "etc").mkdir()
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", _PREPARE, "sh", folder / "etc", folder / "programs", str(USER)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n", "namespaces cannot be made"
        self._pid = (
            Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0]
        )
        self.use(next(iter(programs)))

    def use(self, whose: str) -> None:
        """Have these programs be executed from now on."""
        self._path = f"/etc/programs/{whose}:/usr/sbin:/usr/bin:/sbin:/bin"

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def __call__(self, script: str, user: int = 0) -> str:
        """Type something; return what it prints, and its exit status if that is not 0."""
        enter = ["nsenter", "--target", self._pid, "--mount", "--pid", f"--setuid={user}", f"--setgid={user}"]
        done = subprocess.run(
            [*enter, "sh", "-c", script], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": self._path, "HOME": "/etc/home"}, cwd="/", check=False, timeout=60,
        )  # fmt: skip
        return done.stdout + f"status {done.returncode}\n" * (done.returncode != 0)

    def until(self, script: str, wanted: str | Callable[[str], object], seconds: float = 15) -> str:
        """Type it until it prints what matches."""
        true = re.compile(wanted, re.MULTILINE).search if isinstance(wanted, str) else wanted
        end = time.monotonic() + seconds * PATIENCE
        while not true(told := self(script)):
            assert time.monotonic() < end, f"{script!r} still prints {told!r}"
            time.sleep(0.1)
        return told

    def runsvdir(self) -> None:
        self("setsid --fork runsvdir -P /etc/service </dev/null >/dev/null 2>&1")
        self.until("pgrep -f '[r]unsvdir -P'", r"^\d+$")

    def service(self, name: str, run: str, log: str = "") -> None:
        """Make a folder in /etc/sv, with a run file, and one of its logger, and link it."""
        self(f"""
            mkdir -p /etc/sv/{name}; cd /etc/sv/{name}; printf '#!/bin/sh\n%s\n' '{run}' >run; chmod +x run
            if [ '{log}' ]; then
                mkdir log; printf '#!/bin/sh\nexec %s\n' '{log}' >log/run; chmod +x log/run
            fi
            ln -s /etc/sv/{name} /etc/service/{name}
        """)


def ours() -> dict[str, str | Path]:
    """Return our programs."""
    assert RUNIT.exists(), f"{RUNIT} is missing: run 'make dist/runit'"
    return dict.fromkeys(NAMES, RUNIT)


def debians() -> dict[str, str | Path]:
    """Return C's programs. Raises OracleError."""
    return {name: program(name) for name in NAMES}
