"""The Debian package, installed into and removed from a Debian root with sysvinit-core."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.tools import deb, install
from sysvinit_py.tools.vm.image import Image

Run = Callable[..., str]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb here")
    return deb.build(tmp_path_factory.mktemp("deb"))


@pytest.fixture
def root(disk_image: Image, tmp_path: Path) -> Path:
    """The Debian from which the image is made."""
    (base,) = disk_image.disk.parents[1].glob("debian-*.tar")
    subprocess.run(["tar", "-xf", base, "-C", tmp_path], check=True)
    return tmp_path


def dpkg(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["chroot", root, "dpkg", *arguments], capture_output=True, text=True, check=False)


def test_is_installed_and_removed(root: Path, package: Path) -> None:
    init, kept = root / "usr/sbin/init", root / "usr/sbin/init.sysv"
    before = init.read_bytes()
    shutil.copy(package, root / "package.deb")
    done = dpkg(root, "--install", "/package.deb")
    assert done.returncode == 0, done.stderr
    assert install.is_ours(init.read_bytes())
    assert kept.read_bytes() == before
    undone = subprocess.run(
        [sys.executable, install.__file__, "--root", root, "--undo"],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(deb.REPOSITORY)},
    )  # fmt: skip
    assert "the package sysvinit-py is installed" in undone.stderr
    done = dpkg(root, "--remove", deb.NAME)
    assert done.returncode == 0, done.stderr
    assert init.read_bytes() == before
    assert not kept.exists()


def test_is_not_installed_over_inittab_install(root: Path, package: Path) -> None:
    """It would take ours for the init to fall back to."""
    init = root / "usr/sbin/init"
    init.write_bytes(b"#!/usr/bin/python3 -IS\n# sysvinit_py 0: one\n")
    shutil.copy(package, root / "package.deb")
    done = dpkg(root, "--install", "/package.deb")
    assert done.returncode != 0
    assert "inittab-install --undo" in done.stderr
    assert not (root / "usr/sbin/init.sysv").exists()


def test_lintian_has_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    monkeypatch.setenv("DEBEMAIL", "maintainers@sysvinit.org")
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", deb.build(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
