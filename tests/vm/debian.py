"""Debian roots and our packages in them: built, installed, interrupted, compared, booted."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Self

import pytest

from sysvinit_py.install import cli
from tests.support import archive

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "vm"
NEEDED = ("dpkg-buildpackage", "dh", "pybuild", "mmdebstrap", "tar")
SUITES = ("bookworm", "trixie")
PACKAGE, CORE = cli.PACKAGES
#: The packages with the init of a root, and those that apt is to find there when another one takes its place.
INITS = {"c": ("init", "sysvinit-core"), "systemd": ("init", "systemd-sysv")}
FOR_APT = ("sysvinit-core", "systemd-sysv", "initscripts", "insserv", "startpar", "sysv-rc")
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    '--customize-hook=chroot "$1" sh -c "cd /root && apt-get -qq download ' + " ".join(FOR_APT) + '"',
    # No service is to be started in here.
    """--customize-hook=printf '#!/bin/sh\\nexit 101\\n' > "$1/usr/sbin/policy-rc.d\"""",
    '--customize-hook=chmod 755 "$1/usr/sbin/policy-rc.d"',
)  # fmt: skip
#: What comes and goes without a package.
PASSING = {"dev", "proc", "run", "sys", "tmp", "var/cache", "var/log", "var/lib/apt", "var/lib/dpkg", "debs"}
ENVIRONMENT = {
    "PATH": "/debs:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}
#: Runs a command in the root $1, whose processes and mounts end with it.
ENTER = """\
root=$1; shift
mount --bind "$root" "$root"; cd "$root"
for device in null zero random urandom; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mount -t proc proc proc; mount -t tmpfs tmpfs run
$wrapper chroot . "$@"
"""
#: Boots /sbin/init of $1 with an inittab that does nothing but say so; what it says is in $2.
BOOT = """\
mount --bind "$1" "$1"; cd "$1"
for folder in run dev tmp; do mount -t tmpfs tmpfs $folder; done
[ ! -d etc/inittab.d ] || mount -t tmpfs tmpfs etc/inittab.d
printf 'id:2:initdefault:\\nl2:2:once:/bin/echo the level was entered\\n' > tmp/inittab
touch dev/console dev/null etc/inittab
mount --bind "$2" dev/console; mount --bind tmp/inittab etc/inittab; mount -t proc proc proc
exec chroot . /sbin/init </dev/null >/dev/null 2>&1
"""
NAMESPACES = ("unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child")
Edit = Callable[[Path], object]


def build(folder: Path) -> dict[str, Path]:
    """Build the packages as ``make deb`` does; return them by name."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"no {', '.join(missing)} here")
    sources = folder / "sources"
    words = re.search(r"^DEB_SOURCES := (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert words
    sources.mkdir(parents=True)
    for word in words[1].split():
        if (REPOSITORY / word).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / word, sources / word, symlinks=True, ignore=ignore)
        else:
            shutil.copy(REPOSITORY / word, sources / word)
    return built(sources)


def built(sources: Path, **environment: str) -> dict[str, Path]:
    """Build the packages of these sources, beside them; return them by name."""
    done = subprocess.run(
        ["dpkg-buildpackage", "--build=binary", "--no-sign", "--no-check-builddeps"],
        cwd=sources, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {path.name.partition("_")[0]: path for path in sources.parent.glob("*.deb")}


def base(suite: str, init: str) -> Path:
    """Return the tar file of a root, which is made if it is missing."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian root")
    command = [*BOOTSTRAP, f"--include=python3,{','.join(INITS[init])}", suite]
    tar = CACHE / f"deb-{suite}-{init}-{hashlib.sha256(' '.join(command).encode()).hexdigest()[:8]}.tar"
    archive.make(tar, command)
    return tar


class Root:
    """A Debian with an init of its own."""

    def __init__(self, tar: Path, folder: Path) -> None:
        subprocess.run(["tar", "-xf", tar, "-C", folder, "--exclude=./dev/*"], check=True)
        self.folder = folder
        self.debs = folder / "debs"
        self.debs.mkdir()
        for deb in folder.glob("root/*.deb"):
            deb.rename(self.debs / f"{deb.name.partition('_')[0]}.deb")
        # It is thrown away: dpkg need not wait for the disk.
        (folder / "etc/dpkg/dpkg.cfg.d/tests").write_text("force-unsafe-io\n")

    def copied(self, folder: Path) -> Self:
        """Return a copy of it."""
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        other = copy(self)
        other.folder, other.debs = folder, folder / self.debs.name
        return other

    def read(self, path: str) -> bytes | str | None:
        file = self.folder / path
        if file.is_symlink():
            return os.readlink(file)
        return file.read_bytes() if file.exists() else None

    def run(self, *command: str, fails: bool | None = False, wrapper: str = "") -> str:
        """Run a command inside; return what it says. ``fails``: whether it has to, or None.

        ``wrapper``: a program of outside that runs it, such as strace with its options.
        """
        done = subprocess.run(
            [*NAMESPACES, "sh", "-ec", ENTER, "sh", self.folder, *command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={**ENVIRONMENT, "wrapper": wrapper},
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert fails is None or bool(done.returncode) == fails, said
        return said

    def dpkg(self, *arguments: str, fails: bool | None = False, wrapper: str = "") -> str:
        return self.run("dpkg", "--force-confold", *arguments, fails=fails, wrapper=wrapper)

    def apt(self, *arguments: str) -> str:
        """Without a network: what it installs is in /debs."""
        options = ("-y", "--no-install-recommends", "--allow-remove-essential")
        return self.run("apt-get", *options, *arguments)

    def put(self, file: Path) -> str:
        """Copy a package into the root; return its path there."""
        name = f"{file.name.partition('_')[0].removesuffix('.deb')}.deb"
        if file != self.debs / name:
            shutil.copy(file, self.debs / name)
        return f"/debs/{name}"

    def install(self, file: Path, fails: bool | None = False) -> str:
        return self.dpkg("--install", self.put(file), fails=fails)

    def repacked(self, file: Path, edit: Edit) -> Path:
        """Return a copy of a package after ``edit`` has changed its files."""
        folder = self.debs / "repacked"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--raw-extract", file, folder], check=True)
        edit(folder)
        target = self.debs / "repacked.deb"
        subprocess.run(
            ["dpkg-deb", "-Zgzip", "-z1", "--build", folder, target], check=True, capture_output=True
        )
        return target

    def is_ours(self) -> bool:
        found = self.read("usr/sbin/init")
        return isinstance(found, bytes) and cli.is_ours(found)

    def is_core(self) -> bool:
        """Return whether shutdown is ours, too."""
        return self.read("usr/sbin/shutdown") == "init"

    def boots(self) -> str:
        """Return which init /sbin/init is: it is booted, but for systemd, which needs a machine."""
        if (found := str(self.read("usr/sbin/init"))).endswith("/systemd"):
            # By its own name: as "init" it is telinit, which from Debian 13 on knows no --version.
            return self.run(os.path.join("/usr/sbin", found), "--version").splitlines()[0].split()[0]
        console, terminal = pty.openpty()
        os.set_blocking(console, False)
        said = ""
        before = {path: (self.folder / path).exists() for path in ("dev/console", "dev/null", "etc/inittab")}
        with subprocess.Popen(
            [*NAMESPACES, "sh", "-ec", BOOT, "sh", self.folder, os.ttyname(terminal)]
        ) as booted:
            try:
                for _ in range(300):
                    with suppress(BlockingIOError):
                        said += os.read(console, 1 << 16).decode(errors="replace")
                    if "the level was entered" in said or booted.poll() is not None:
                        break
                    subprocess.run(["sleep", "0.1"], check=True)
            finally:
                booted.kill()
        os.close(console)
        os.close(terminal)
        for path, was in before.items():
            if not was:
                (self.folder / path).unlink(missing_ok=True)
        version = re.search(r"INIT: version (\d)\.\d+\S* booting", said)
        assert version, said
        assert "the level was entered" in said
        return "ours" if version[1] == "0" else "c"

    def diversions(self) -> list[str]:
        """Those of our packages."""
        return [line for line in self.run("dpkg-divert", "--list").splitlines() if " by sysvinit-py" in line]

    def states(self) -> dict[str, str]:
        """What dpkg says of each of our packages that it knows."""
        said = self.run("dpkg-query", "-Wf", "${Package} ${Status}\\n")
        return {
            line.split()[0]: line.split()[-1] for line in said.splitlines() if line.startswith("sysvinit-py")
        }

    def tree(self) -> dict[str, tuple[object, ...]]:
        """All that is in the root, but for what comes and goes without a package."""
        found: dict[str, tuple[object, ...]] = {}
        for folder, folders, files in os.walk(self.folder):
            place = os.path.relpath(folder, self.folder)
            folders[:] = [name for name in folders if os.path.normpath(f"{place}/{name}") not in PASSING]
            for name in (*folders, *files):
                path = Path(folder, name)
                status = path.lstat()
                content: object = ""
                if stat.S_ISLNK(status.st_mode):
                    content = os.readlink(path)
                elif stat.S_ISREG(status.st_mode):
                    content = hashlib.md5(path.read_bytes()).digest()
                found[os.path.normpath(f"{place}/{name}")] = (oct(status.st_mode), content)
        return found

    def check_undone(self, before: dict[str, tuple[object, ...]]) -> None:
        """Nothing is left of our packages, after a purge."""
        now = self.tree()
        changed = {path for path in {*before, *now} if before.get(path) != now.get(path)}
        assert sorted(changed) == []
        assert self.diversions() == []
        assert self.states() == {}
        assert not list(self.folder.glob("var/lib/dpkg/info/sysvinit-py*"))
        assert "sysvinit-py" not in (self.folder / "var/lib/dpkg/triggers/File").read_text()
