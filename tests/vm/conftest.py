"""Tests on a Debian machine in QEMU.

From power-on to login takes half a minute there, so one boot serves many tests: those of a class share
its machine and run in the order in which they stand. By attributes a class says how its machine boots and
what it boots to; each test begins there, or at what those before it have left, and passes alone, too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from sysvinit_py.vm import qemu
from sysvinit_py.vm.image import PROGRAMS, Image, image
from tests.vm.debian import build
from tests.vm.machine import BOOT, Machine

REPOSITORY = Path(__file__).parents[2]
OURS = Path(os.environ.get("SYSVINIT_PY_INIT") or REPOSITORY / "dist" / "init")
NEEDED = (*PROGRAMS, "debugfs", "dumpe2fs", "e2fsck", qemu.PROGRAM)
MACHINE = pytest.StashKey[Machine]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    machine = item.parent.stash.get(MACHINE, None) if item.parent else None
    if report.failed and machine:
        report.sections.append(("console", machine.said.replace("\r", "")[-5000:]))
    return report


@pytest.fixture(scope="session")
def disk_image() -> Image:
    """The image with our init; skips where it cannot be made for want of programs or rights."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"no {', '.join(missing)} here")
    if os.geteuid() != 0:
        pytest.skip("only root can make the image")
    if not OURS.exists():
        pytest.fail(f"{OURS} is missing: run 'make dist/init'", pytrace=False)
    return image(OURS.read_bytes(), REPOSITORY / ".cache" / "vm")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our Debian packages by name, built as ``make deb`` does."""
    return build(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="class")
def machine(disk_image: Image, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The machine of the class, switched on with its APPEND, FILES and COMMAND_LINE, and at its BOOTS_TO."""
    options = {
        option: getattr(request.cls, option.upper())
        for option in ("append", "files", "command_line")
        if hasattr(request.cls, option.upper())
    }
    with Machine(disk_image, **options) as made:
        request.node.stash[MACHINE] = made
        getattr(request.cls, "BOOTS_TO", Machine.log_in)(made, BOOT)
        yield made
