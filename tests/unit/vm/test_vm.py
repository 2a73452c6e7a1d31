"""make vm where something is missing: one clear line, and no half of an image taken for a whole one."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from sysvinit_py.vm import cli, qemu
from sysvinit_py.vm import image as images
from sysvinit_py.vm.image import Image, ImageError, image


@pytest.fixture(autouse=True)
def all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """All programs are found and the user is root, unless a test says otherwise."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def without(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program else f"/usr/bin/{name}")


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "mke2fs")
    with pytest.raises(ImageError, match="no mke2fs here: apt-get install e2fsprogs"):
        image(b"init", tmp_path)


def test_only_root_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="only root can make the image"):
        image(b"init", tmp_path)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("I: going\nE: no such suite\nI: tidying up\n", "E: no such suite"),
        ("mmdebstrap: write: No space left on device\n", "No space left on device"),
        ("", "failed"),
    ],
)
@pytest.mark.parametrize("end", ["exit 1", "kill -HUP 0; exit 1"], ids=["exits", "ends its group"])
def test_a_failed_bootstrap_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, reason: str, end: str
) -> None:
    """mmdebstrap sends SIGHUP to its whole group, of which ``make vm`` must not be."""
    monkeypatch.setattr(images, "BOOTSTRAP", ("sh", "-c", f"printf '{said}' >&2; touch $0; {end}"))
    with pytest.raises(ImageError, match=reason):
        image(b"init", tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_no_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """mmdebstrap only says that it failed."""
    monkeypatch.setattr(images, "BOOTSTRAP", ("sh", "-c", "echo 'E: mmdebstrap failed to run' >&2; exit 25"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(ImageError, match=f"^{tmp_path}: No space left on device$"):
        image(b"init", tmp_path)


def test_a_failure_later_keeps_the_debian_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tar file that comes of it is empty, so what follows cannot work; it is whole all the same."""
    monkeypatch.setattr(images, "BOOTSTRAP", ("sh", "-c", "tar -cf $0 -T /dev/null"))
    with pytest.raises(ImageError):
        image(b"init", tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("debian-")


def test_an_image_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def make(folder: Path, base: Path, init: bytes, recipe: images.Recipe) -> None:
        (folder / "disk").write_bytes(init)

    monkeypatch.setattr(images, "BOOTSTRAP", ("touch",))
    monkeypatch.setattr(images, "_make", make)
    first = image(b"init", tmp_path)
    monkeypatch.setattr(images, "_make", None)
    assert image(b"init", tmp_path) == first
    assert first.disk.read_bytes() == b"init"


def test_what_two_ask_for_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = []

    def make(folder: Path, base: Path, init: bytes, recipe: images.Recipe) -> None:
        made.append(folder)
        time.sleep(0.2)  # so that the other has asked, too

    monkeypatch.setattr(images, "BOOTSTRAP", ("touch",))
    monkeypatch.setattr(images, "_make", make)
    with ThreadPoolExecutor(2) as two:
        first, second = two.map(lambda _: image(b"init", tmp_path), range(2))
    assert first == second
    assert len(made) == 1


def test_another_init_has_another_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "BOOTSTRAP", ("touch",))
    monkeypatch.setattr(images, "_make", lambda folder, base, init, recipe: None)
    first, second = image(b"one", tmp_path), image(b"two", tmp_path)
    assert first != second
    killed = tmp_path / "draft-1"  # of who had no time to remove it
    killed.mkdir()
    for folder in first.disk.parent, killed:
        os.utime(folder, (0, 0))  # long ago
    image(b"three", tmp_path)
    assert not first.disk.parent.exists()
    assert not killed.exists()
    assert second.disk.parent.exists()


def test_no_qemu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    without(monkeypatch, qemu.PROGRAM)
    assert cli.main([]) == cli.REFUSED
    assert capsys.readouterr().err == f"vm: no {qemu.PROGRAM} here: apt-get install qemu-system-x86\n"


def test_no_init(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--init", "/nowhere/init"]) == cli.REFUSED
    assert capsys.readouterr().err == "vm: /nowhere/init: No such file or directory\n"


#: The superblock of a disk of ours.
DISK = bytes(1024 + 56) + b"\x53\xef" + bytes(62) + images.LABEL.encode().ljust(16, b"\0")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Image:
    """An image that is there; qemu is not run."""
    disk = tmp_path / "image-disk"
    disk.write_text("disk")
    made = Image(disk, disk, disk)
    monkeypatch.setattr(cli, "image", lambda init, cache, recipe: made)
    monkeypatch.setattr(subprocess, "run", lambda command, check: SimpleNamespace(returncode=0))
    return made


def test_a_disk_that_lasts(made: Image, tmp_path: Path) -> None:
    disk = tmp_path / "mine"
    assert cli.main(["--disk", str(disk)]) == 0
    disk.write_bytes(DISK + b"used")
    assert cli.main(["--disk", str(disk)]) == 0
    assert disk.read_bytes() == DISK + b"used"


def test_a_file_that_is_no_disk_of_ours_is_not_opened_for_writing(
    made: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is what is there already overwritten by the console's log."""
    other = tmp_path / "passwd"
    other.write_text("root:x:0:0\n")
    (tmp_path / "link").symlink_to(other)
    for option in "--disk", "--serial":
        for path in other, tmp_path / "link", tmp_path:
            assert cli.main([option, str(path)]) == cli.REFUSED
            assert f"vm: {path}: " in capsys.readouterr().err
    assert cli.main(["--any-disk", "--disk", str(other)]) == 0
    assert cli.main(["--serial", "/dev/null"]) == 0
    assert other.read_text() == "root:x:0:0\n"


def test_a_comma_in_a_name_is_no_option_of_qemu_s() -> None:
    command = qemu.command(Image(Path("a,readonly=on"), Path("k"), Path("i")))
    assert "file=a,,readonly=on,format=raw,if=virtio" in command


def test_network_accelerator_and_files_by_choice() -> None:
    image = Image(Path("d"), Path("k"), Path("i"))
    assert "-nic" not in qemu.command(image)
    command = qemu.command(image, "", "kvm", "user", Path("files"))
    assert command[command.index("-accel") + 1] == "kvm"
    assert command[command.index("-nic") + 1].startswith("user,")
    assert "file=files,format=raw,if=virtio,readonly=on" in command


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space", "disk", None, "mine.new"), "mine.new: No space"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_half_a_disk_is_not_left(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made: Image,
    tmp_path: Path,
    error: BaseException,
    said: str,
) -> None:
    def copyfile(source: Path, target: Path) -> None:
        target.write_text("half")
        raise error

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    assert cli.main(["--disk", str(tmp_path / "mine")]) == cli.REFUSED
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"vm: {said}")
    assert [entry.name for entry in tmp_path.iterdir()] == ["image-disk"]


def test_the_kernel_is_told_the_words() -> None:
    command = qemu.command(Image(Path("d"), Path("k"), Path("i")), f"{qemu.APPEND} single a=b")
    assert command[command.index("-append") + 1].endswith(" single a=b")
