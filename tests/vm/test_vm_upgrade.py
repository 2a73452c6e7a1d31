"""An upgrade of Python under PID 1, which runs it: ``make test-vm-nightly``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.packages import PackageError, unpacked
from sysvinit_py.vm.image import Image, image
from tests.vm.conftest import REPOSITORY
from tests.vm.machine import BOOT, Machine

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

#: Debian 12's Python, whose packages depend on each other's versions. The first has the interpreter.
PACKAGES = ("python3.11-minimal", "python3.11", "libpython3.11-minimal", "libpython3.11-stdlib")
PYTHON = "usr/bin/python3.11"
INSTALL = "dpkg {} --install /mnt/*python3*.deb"


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory, packages: dict[str, Path]) -> Path:
    """A folder with our package, and a Python whose interpreter is another file than Debian's."""
    folder = tmp_path_factory.mktemp("brought")
    shutil.copy(packages["sysvinit-py"], folder)
    try:
        files = [next(unpacked(name).parent.glob(f"{name}_*.deb")) for name in PACKAGES]
    except PackageError as reason:
        pytest.skip(f"no Python to upgrade to: {reason}")
    changed = tmp_path_factory.mktemp("python") / "raw"
    subprocess.run(["dpkg-deb", "--raw-extract", files[0], changed], check=True)
    with (changed / PYTHON).open("ab") as interpreter:
        interpreter.write(b"another one")
    subprocess.run(["dpkg-deb", "-Znone", "--build", changed, folder / files[0].name], check=True)
    for file in files[1:]:
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def machine(disk_image: Image, brought: Path) -> Iterator[Machine]:
    """A machine of Debian's C init, on which our package was installed and took over."""
    with Machine(image(b"", REPOSITORY / ".cache" / "vm"), bring=brought) as machine:
        machine.log_in(2 * BOOT)
        machine.run("mountpoint -q /mnt || mount /mnt")
        machine.run("dpkg --install /mnt/sysvinit-py_*.deb", BOOT)
        machine.type("telinit u")
        machine.expect("INIT: version 0.* reloading")
        machine.wait_for(f"test $(readlink /proc/1/exe) = /{PYTHON}")
        yield machine


def test_init_goes_on_with_the_new_python(machine: Machine) -> None:
    """By the trigger of our package: / is remounted read-only at the end, and its file system is clean."""
    machine.run(INSTALL.format(""), BOOT)
    machine.wait_for(f"cmp /proc/1/exe /{PYTHON}")
    assert machine.run("tail -c 11 /proc/1/exe") == "another one"
    assert machine.run("grep -c deleted /proc/1/maps || :") == "0"
    assert machine.run("runlevel") == "N 2"
    machine.type("halt")
    assert machine.wait_end() == "guest-shutdown"
    assert "busy" not in machine.said
    machine.check_disk()


def test_what_the_trigger_is_good_for(machine: Machine) -> None:
    """Without it PID 1 holds a file that is deleted, and the kernel refuses to remount /."""
    machine.run(INSTALL.format("--no-triggers"), BOOT)
    assert machine.run("readlink /proc/1/exe") == f"/{PYTHON} (deleted)"
    machine.type("halt")
    assert machine.wait_end() == "guest-shutdown"
    assert "busy" in machine.said
    with pytest.raises(AssertionError):
        machine.check_disk()
