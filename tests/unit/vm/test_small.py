"""The smallest image: its initramfs, and its files that init and a shell read."""

from __future__ import annotations

import lzma
import os
import subprocess
from pathlib import Path

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import SYSVINIT_PY
from sysvinit_py.vm import cli, image, qemu, small


def unpacked(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """What is in a cpio archive: path to mode and content."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = archive[at + 110 : at + 109 + fields[11]].decode()
        content = at + (110 + fields[11] + 3) // 4 * 4
        at = content + (fields[6] + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert at == len(archive)
            return found
        assert name not in found
        found[name] = fields[1], archive[content : content + fields[6]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root as the packages leave it: drivers, one of them compressed, and a loader by way of a link."""
    root = tmp_path / "root"
    drivers = root / "usr/lib/modules/6.1/kernel/drivers"
    for folder in "usr/bin", "usr/sbin", "usr/lib64", "usr/lib/x86", "boot", "etc":
        (root / folder).mkdir(parents=True)
    drivers.mkdir(parents=True)
    for name in "bin", "sbin", "lib", "lib64":
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr/bin/busybox").write_bytes(b"\x7fELF.\0[\0[[\0halt\0sh\0\0more")
    (root / "usr/lib/x86/ld-linux.so.2").write_bytes(b"loader")
    (root / "usr/lib/x86/libc.so.6").write_bytes(b"libc")
    (root / "usr/lib64/ld-linux.so.2").symlink_to("/lib/x86/ld-linux.so.2")
    (root / "boot/vmlinuz-6.1").write_bytes(b"kernel")
    for name, depends in {"virtio": b"virtio-ring", "virtio_ring": b"", "other": b""}.items():
        (drivers / f"{name}.ko").write_bytes(b"\0depends=" + depends + b"\0")
    (drivers / "virtio_blk.ko.xz").write_bytes(lzma.compress(b"blk\0depends=virtio,virtio_ring,built_in\0"))
    return root


def furnished(root: Path, init: bytes, architecture: str = "amd64") -> Path:
    folder = root.parent / "image"
    folder.mkdir()
    small.recipe("trixie", architecture).furnish(root, init, folder, architecture)
    return folder


def test_initramfs(root: Path) -> None:
    """A link is not followed: on the machine that makes the image it leads elsewhere."""
    files = unpacked((furnished(root, b"init") / "initrd.img").read_bytes())
    script = b"#!/bin/busybox sh\n" + (small.FILES / "initramfs").read_bytes()
    assert files["init"] == (0o100755, script)
    assert files["lib64/ld-linux.so.2"] == (0o120777, b"/lib/x86/ld-linux.so.2")
    assert files["lib/x86/ld-linux.so.2"] == (0o100755, b"loader")
    assert files["dev"] == files["root"] == files["lib/x86"] == (0o040755, b"")
    modules = [name.rpartition("/")[2] for name in files if ".ko" in name]
    assert modules == ["0-virtio_ring.ko", "1-virtio.ko", "2-virtio_blk.ko"]
    assert files["lib/modules/2-virtio_blk.ko"][1].startswith(b"blk")


def test_our_names_are_not_busybox_s(root: Path) -> None:
    folder = furnished(root, b"init")
    assert (folder / "vmlinuz").read_bytes() == b"kernel"
    assert os.readlink(root / "bin/sh") == "busybox"
    assert os.readlink(root / "sbin/halt") == "init"
    assert not (root / "bin/halt").exists()
    assert not [*(root / "boot").iterdir()]


def test_debian_s_programs_stay(root: Path) -> None:
    (root / "sbin/halt").write_text("C")
    furnished(root, b"")
    assert (root / "sbin/halt").read_text() == "C"
    assert not os.path.lexists(root / "bin/halt")
    assert not os.path.lexists(root / "sbin/telinit")


def test_the_inittab_is_without_findings_and_knows_the_serial_line(root: Path) -> None:
    furnished(root, b"init", "arm64")
    text = (root / "etc/inittab").read_bytes()
    assert b" ttyAMA0 " in text
    assert [*check([("/etc/inittab", text)], SYSVINIT_PY)] == []


@pytest.mark.parametrize("script", ["rc", "initramfs"])
def test_the_scripts_are_such(script: str) -> None:
    subprocess.run(["sh", "-n", small.FILES / script], check=True)


def test_what_is_fetched_depends_on_init(tmp_path: Path) -> None:
    ours, debians = (" ".join(small.recipe("sid", "arm64", c).bootstrap) for c in (False, True))
    assert "sysvinit-core" in debians
    assert "python3" not in debians
    assert "sysvinit" not in ours
    assert "linux-image-cloud-arm64" in ours


@pytest.mark.parametrize(
    ("arguments", "architecture", "suite"),
    [(["--small"], "amd64", "bookworm"), (["--suite", "trixie"], "amd64", "trixie"),
        (["--arch", "arm64"], "arm64", "bookworm")],
)  # fmt: skip
def test_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], architecture: str, suite: str
) -> None:
    """A suite or an architecture is enough to mean it."""
    recipes: list[image.Recipe] = []

    def made(init: bytes, cache: Path, recipe: image.Recipe) -> image.Image:
        recipes.append(recipe)
        return image.Image(tmp_path, tmp_path, tmp_path, recipe.architecture)

    commands: list[list[str]] = []
    monkeypatch.setattr(cli, "image", made)
    monkeypatch.setattr("shutil.which", lambda name: name)

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    init = tmp_path / "init"
    init.write_bytes(b"init")
    assert cli.main([*arguments, "--init", str(init)]) == 0
    assert (recipes[0].bootstrap[-1], recipes[0].architecture, recipes[0].size) == (
        suite,
        architecture,
        small.SIZE,
    )
    assert commands[0][0] == qemu.MACHINES[architecture].program
    assert f"console={qemu.MACHINES[architecture].console}" in commands[0][commands[0].index("-append") + 1]
