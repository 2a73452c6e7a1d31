"""The Debian package in Debian 12 and 13 roots with sysvinit-core: installed, updated, removed, failed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import sysvinit_py
from sysvinit_py.clients.runit.__main__ import MODULES
from sysvinit_py.install import cli

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "vm"
NEEDED = ("dpkg-buildpackage", "dh", "mmdebstrap", "tar")
#: With the package of C init beside it, for updates.
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--include=sysvinit-core,python3",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    '--customize-hook=chroot "$1" sh -c "cd /root && apt-get -qq download sysvinit-core"',
)  # fmt: skip
#: Each file that is replaced, and the name under which the previous one is kept.
REPLACED = {
    "usr/sbin/init": "usr/sbin/init.sysv",
    "usr/sbin/telinit": "usr/sbin/telinit.sysv",
    "usr/share/man/man5/inittab.5.gz": "usr/share/man/man5/inittab.sysv.5.gz",
    "usr/share/man/man8/init.8.gz": "usr/share/man/man8/init.sysv.8.gz",
    "usr/share/man/man8/telinit.8.gz": "usr/share/man/man8/telinit.sysv.8.gz",
}
#: What the package was before it had a debian/: it diverted the names in /sbin alone.
OLDER_PREINST = """\
#!/bin/sh
set -e
divert() {
    if [ -e "$1" ]; then
        ln -f "$1" "$2" 2>/dev/null || cp -P "$1" "$2"
    fi
    dpkg-divert --package sysvinit-py --add --no-rename --divert "$2" "$1"
}
if [ "$1" = install ]; then
    divert /sbin/init /sbin/init.sysv
    divert /sbin/telinit /sbin/telinit.sysv
    divert /usr/share/man/man8/init.8.gz /usr/share/man/man8/init.sysv.8.gz
    divert /usr/share/man/man8/telinit.8.gz /usr/share/man/man8/telinit.sysv.8.gz
    divert /usr/share/man/man5/inittab.5.gz /usr/share/man/man5/inittab.sysv.5.gz
fi
"""
OLDER_POSTRM = """\
#!/bin/sh
set -e
case $1 in
    remove|abort-install|disappear)
        for f in /sbin/init /sbin/telinit; do
            dpkg-divert --package sysvinit-py --remove --rename --divert $f.sysv $f
        done ;;
esac
"""

Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built as ``make deb`` does."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"no {', '.join(missing)} here")
    sources = tmp_path_factory.mktemp("deb") / "sources"
    words = re.search(r"^DEB_SOURCES := (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert words
    for word in words[1].split():
        copy = shutil.copytree if (REPOSITORY / word).is_dir() else shutil.copy
        sources.mkdir(exist_ok=True)
        copy(REPOSITORY / word, sources / word)
    done = subprocess.run(
        ["dpkg-buildpackage", "--build=binary", "--no-sign"],
        cwd=sources, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = sources.parent.glob("sysvinit-py_*.deb")
    return built


@pytest.fixture(scope="module")
def runit(package: Path) -> Path:
    """The other package that is built."""
    (built,) = package.parent.glob("sysvinit-py-runit_*.deb")
    return built


class Root:
    """A Debian with C init."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = self.replaced()
        (self.core,) = folder.glob("root/sysvinit-core_*.deb")
        self.c_init = self.read("usr/sbin/init")

    def read(self, path: str) -> bytes | str | None:
        file = self.folder / path
        if file.is_symlink():
            return os.readlink(file)
        return file.read_bytes() if file.exists() else None

    def replaced(self) -> dict[str, bytes | str | None]:
        """What is in each of the places."""
        return {path: self.read(path) for pair in REPLACED.items() for path in pair}

    def dpkg(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["chroot", self.folder, "dpkg", *arguments],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, file: Path, fails: bool = False) -> str:
        shutil.copy(file, self.folder / "package.deb")
        return self.dpkg("--force-confold", "--install", "/package.deb", fails=fails)

    def repacked(self, file: Path, edit: Edit) -> Path:
        """Return a copy of a package after ``edit`` has changed its files."""
        folder = self.folder / "repacked"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--raw-extract", file, folder], check=True)
        edit(folder)
        target = self.folder / "repacked.deb"
        subprocess.run(["dpkg-deb", "--build", folder, target], check=True, capture_output=True)
        return target

    def is_ours(self) -> bool:
        found = self.read("usr/sbin/init")
        return isinstance(found, bytes) and cli.is_ours(found)

    def diversions(self) -> str:
        lines = self.dpkg_divert_list()
        return "\n".join(line for line in lines.splitlines() if "sysvinit-py" in line)

    def dpkg_divert_list(self) -> str:
        command = ["chroot", str(self.folder), "dpkg-divert", "--list"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=["bookworm", "trixie"])
def root(request: pytest.FixtureRequest, tmp_path: Path, package: Path) -> Root:
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian root")
    CACHE.mkdir(parents=True, exist_ok=True)
    tar = CACHE / f"deb-{request.param}.tar"
    with (CACHE / "deb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tar.exists():
            draft = tar.with_suffix(".draft.tar")
            subprocess.run([*BOOTSTRAP, request.param, draft], check=True, start_new_session=True)
            draft.rename(tar)
    subprocess.run(["tar", "-xf", tar, "-C", tmp_path, "--exclude=./dev/*"], check=True)
    (tmp_path / "dev/null").touch()
    return Root(tmp_path)


def newer(folder: Path) -> None:
    """A newer version of C init's package, with another init."""
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+1", control.read_text()))
    (init,) = [path for path in (folder / "sbin/init", folder / "usr/sbin/init") if path.exists()]
    init.write_bytes(init.read_bytes() + b"newer")


def moved(folder: Path) -> None:
    """As a newer Debian has it: what was in /sbin is in /usr/sbin, or the other way round."""
    newer(folder)
    old, new = folder / "sbin", folder / "usr/sbin"
    if not old.exists():
        old, new = new, old
    new.parent.mkdir(exist_ok=True)
    old.rename(new)


def check_removed(root: Root, init: bytes | str | None) -> None:
    """Nothing is left of the package, and C init is in its place again."""
    assert root.replaced() == {**root.before, "usr/sbin/init": init}
    assert root.diversions() == ""
    assert not list(root.folder.glob("usr/sbin/*.sysv*"))


@pytest.mark.parametrize("purge", ["--remove", "--purge"])
def test_installed_and_removed(root: Root, package: Path, purge: str) -> None:
    root.install(package)
    assert root.is_ours()
    for path, kept in REPLACED.items():
        assert root.read(kept) == root.before[path], path
    root.dpkg(purge, cli.PACKAGE)
    check_removed(root, root.c_init)
    root.dpkg("--purge", cli.PACKAGE)
    check_removed(root, root.c_init)
    assert not list(root.folder.glob("usr/share/doc/sysvinit-py*"))


@pytest.mark.parametrize("edit", [lambda folder: None, newer, moved], ids=["again", "newer", "moved"])
def test_an_update_of_c_init_does_not_replace_ours(root: Root, package: Path, edit: Edit) -> None:
    """Whether it is in /sbin or /usr/sbin there: dpkg knows both names, and they are one file."""
    root.install(package)
    root.install(root.repacked(root.core, edit))
    assert root.is_ours()
    core = "sbin/init" if (root.folder / "repacked/sbin/init").exists() else "usr/sbin/init"
    expected = (root.folder / "repacked" / core).read_bytes()
    assert root.read("usr/sbin/init.sysv") == expected
    root.install(package)  # ours again
    assert root.is_ours()
    assert root.read("usr/sbin/init.sysv") == expected
    root.dpkg("--remove", cli.PACKAGE)
    check_removed(root, expected)


@pytest.mark.parametrize("lost", [False, True], ids=["as it was", "after an update of C init"])
def test_update_from_the_package_before_debian(root: Root, package: Path, lost: bool) -> None:
    def older(folder: Path) -> None:
        (folder / "DEBIAN/preinst").write_text(OLDER_PREINST)
        (folder / "DEBIAN/postrm").write_text(OLDER_POSTRM)
        for script in "postinst", "triggers":
            (folder / "DEBIAN" / script).unlink()
        (folder / "usr/sbin").rename(folder / "sbin")
        control = folder / "DEBIAN/control"
        control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 0.0."))

    root.install(root.repacked(package, older))
    expected = root.c_init
    if lost:
        root.install(root.repacked(root.core, newer))
        (core,) = (root.folder / "repacked").glob("**/sbin/init")
        expected = core.read_bytes()
    root.install(package)
    assert root.is_ours()
    assert root.read("usr/sbin/init.sysv") == expected
    root.install(root.core)
    assert root.is_ours()
    root.dpkg("--remove", cli.PACKAGE)
    check_removed(root, root.c_init)


def test_a_failed_installation_changes_nothing(root: Root, package: Path) -> None:
    """A file of it is another package's."""

    def another(folder: Path) -> None:
        control = folder / "DEBIAN/control"
        text = control.read_text().replace("Package: sysvinit-py", "Package: another")
        control.write_text(re.sub(r"(?m)^Depends: .*\n", "", text))
        shutil.rmtree(folder / "usr/sbin")
        shutil.rmtree(folder / "usr/share/man")
        for script in "preinst", "postinst", "postrm", "triggers":
            (folder / "DEBIAN" / script).unlink()

    root.install(root.repacked(package, another))
    assert "trying to overwrite" in root.install(package, fails=True)
    check_removed(root, root.c_init)
    root.dpkg("--purge", "another")
    root.install(package)
    assert root.is_ours()


def test_not_installed_over_inittab_install(root: Root, package: Path) -> None:
    """It would take ours for the init to fall back to."""
    (root.folder / "usr/sbin/init").write_bytes(b"#!/usr/bin/python3 -IS\n# sysvinit_py 0: one\n")
    assert "inittab-install --undo" in root.install(package, fails=True)
    assert root.diversions() == ""
    assert root.read("usr/sbin/init.sysv") is None


def test_the_version_is_the_package_s() -> None:
    first = (REPOSITORY / "debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"{cli.PACKAGE} ({sysvinit_py.__version__}) ")


def test_runit_s_programs_are_beside_those_of_the_package_runit(root: Root, runit: Path) -> None:
    """Theirs are in a folder of their own, so neither package has a file of the other."""
    shutil.copy(runit, root.folder / "root/runit.deb")
    root.dpkg("--install", "/root/runit.deb")
    try:
        listed = root.dpkg("--listfiles", "sysvinit-py-runit").split()
        assert {path for path in listed if "/bin/" in path} == {
            f"/usr/lib/sysvinit-py/bin/{n}" for n in MODULES
        }
        inside = ("/usr/lib/sysvinit-py", "/usr/share/doc/sysvinit-py-runit")
        files = [path for path in listed if not (root.folder / path[1:]).is_dir()]
        assert [path for path in files if not path.startswith(inside)] == []
        for name in MODULES:
            command = ["chroot", str(root.folder), f"/usr/lib/sysvinit-py/bin/{name}", "--version"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert done.stdout.startswith(f"{name} (sysvinit_py) ")
    finally:
        root.dpkg("--purge", "sysvinit-py-runit")
    assert root.read("usr/lib/sysvinit-py/bin/sv") is None


@pytest.mark.parametrize("built", ["package", "runit"])
def test_lintian_finds_fault_with_the_address_only(request: pytest.FixtureRequest, built: str) -> None:
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    package: Path = request.getfixturevalue(built)
    done = subprocess.run(["lintian", "--allow-root", package], capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if "root@localhost" not in line] == []
