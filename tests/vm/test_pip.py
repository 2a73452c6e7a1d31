"""Wheel and sdist in Debian 12 and 13 roots: installed by pip, each program used, by root and by a user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import archive
from tests.unit.build.test_packaging import PROGRAMS, build
from tests.vm.debian import CACHE, NAMESPACES, SUITES

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--include=python3-venv",
    '--customize-hook=chroot "$1" useradd --create-home ann',
)  # fmt: skip
#: Runs a command as the user $2 in the root $1. A program in a chroot could not make the sandbox.
ENTER = """\
root=$1 user=$2; shift 2
mount --bind "$root" "$root"; cd "$root"
mount --rbind /dev dev; mount -t proc proc proc; mount -t tmpfs tmpfs run
pivot_root . mnt; umount --lazy /mnt
exec runuser --login "$user" --command "$*"
"""
TAB = "id:2:initdefault:\nl2:2:wait:/bin/echo the level was entered\n"
#: Each program's use, the status, and what it says; for one user alone what differs.
USES = [
    ("inittab explain tab", 0, "Started when level 2 is entered."),
    ("inittab simulate tab", 0, "process 101: exit 0"),
    ("inittab-lint --target sysvinit_py tab", 0, "no-boot-work"),
    ("inittab-fmt --check tab", 0, ""),
    ("inittab-try --command 'telinit 0' tab", 0, "the level was entered"),
    ("inittab-lsp", 1, "needs pygls: pip install"),
    ("initeventd --dry-run", 1, "install python3-pyudev, or the extra 'devices'"),
]
OF = {
    "root": [
        (
            "inittab --version; cp tab /etc/inittab; v/bin/inittab-install --programs --yes",
            0,
            "/sbin/init",
        ),  # in this root
        ("inittab --version; /sbin/init --version", 0, "SysV init version: sysvinit_py"),
        ("inittab-install --undo --yes", 0, "/sbin/init"),
    ],
    "ann": [("inittab-install --root r", 1, "requires root")],
}


class Installed:
    """A root without a network in which pip has what it needs."""

    def __init__(self, suite: str, folder: Path) -> None:
        tar = CACHE / f"pip-{suite}.tar"
        archive.make(tar, [*BOOTSTRAP, suite])
        self.folder = folder
        subprocess.run(["tar", "-xf", tar, "-C", folder, "--exclude=./dev/*"], check=True)

    def run(self, user: str, command: str, status: int = 0) -> str:
        done = subprocess.run(
            [*NAMESPACES, "sh", "-ec", ENTER, "sh", self.folder, user, command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
        assert done.returncode == status, (command, done)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel, sdist, and what the sdist is built with."""
    folder = tmp_path_factory.mktemp("pip")
    build(folder, "sources")
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*fetch, "setuptools>=70.1", "docutils"], check=True)
    return folder


@pytest.fixture(params=SUITES)
def installed(request: pytest.FixtureRequest, tmp_path: Path, files: Path) -> Installed:
    made = Installed(request.param, tmp_path)
    subprocess.run(["cp", "-r", files, tmp_path / "files"], check=True)
    subprocess.run(["chmod", "-R", "a+rX", tmp_path / "files"], check=True)
    return made


@pytest.mark.parametrize("form", ["whl", "tar.gz"])
def test_each_program_works(installed: Installed, form: str) -> None:
    for user in "root", "ann":
        pip = "v/bin/pip install --quiet --no-index --find-links /files"
        installed.run(user, f"python3 -m venv v && {pip} /files/sysvinit_py-*.{form}")
        installed.run(user, f"mkdir -p r && printf '%s' '{TAB}' > tab")
        said = installed.run(user, "set -e; for p in v/bin/init*; do $p --version; $p --help; done")
        for program in PROGRAMS:
            assert f"{program} (sysvinit_py) " in said
            assert f"usage: {program} " in said
        for use, status, says in [*USES, *OF[user]]:
            assert says in installed.run(user, f"v/bin/{use}", status), (user, use)
