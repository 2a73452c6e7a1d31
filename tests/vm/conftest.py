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

from sysvinit_py.vm import qemu, small
from sysvinit_py.vm.image import PROGRAMS, Image, image
from tests.vm.debian import build
from tests.vm.machine import BOOT, Machine

REPOSITORY = Path(__file__).parents[2]
OURS = Path(os.environ.get("SYSVINIT_PY_INIT") or REPOSITORY / "dist" / "init")
NEEDED = (*PROGRAMS, "debugfs", "dumpe2fs", "e2fsck", qemu.PROGRAM)
CACHE = REPOSITORY / ".cache" / "vm"
MACHINE = pytest.StashKey[Machine]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A marker would hide a longer --timeout."""
    timeout = max(600, config.getoption("timeout") or 0)
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(timeout))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    machine = item.parent.stash.get(MACHINE, None) if item.parent else None
    if report.failed and machine:
        report.sections.append(("console", machine.said.replace("\r", "")[-5000:]))
    return report


@pytest.fixture(scope="session")
def init() -> bytes:
    """Our init; skips where no image can be made with it for want of programs or rights."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"no {', '.join(missing)} here")
    if os.geteuid() != 0:
        pytest.skip("only root can make the image")
    if not OURS.exists():
        pytest.fail(f"{OURS} is missing: run 'make dist/init'", pytrace=False)
    return OURS.read_bytes()


@pytest.fixture(scope="session")
def disk_image(init: bytes) -> Image:
    """The image of a whole Debian with our init."""
    return image(init, CACHE)


@pytest.fixture(scope="session")
def small_suite() -> list[str]:
    """Debian's suite and the architecture of ``small_image``."""
    return os.environ.get("SYSVINIT_PY_IMAGE", "bookworm amd64").split()


@pytest.fixture(scope="session")
def small_image(init: bytes, small_suite: list[str]) -> Image:
    """The image without any C init package, of SYSVINIT_PY_IMAGE."""
    suite, architecture = small_suite
    if not shutil.which(program := qemu.MACHINES[architecture].program):
        pytest.skip(f"no {program} here")
    return image(init, CACHE, small.recipe(suite, architecture))


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our Debian packages by name, built as ``make deb`` does."""
    return build(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="class")
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The machine of the class, switched on with its APPEND, FILES, COMMAND_LINE, RESTARTS, at its BOOTS_TO.

    IMAGE: the fixture that it boots from.
    """
    options = {
        option: getattr(request.cls, option.upper())
        for option in ("append", "files", "command_line", "restarts")
        if hasattr(request.cls, option.upper())
    }
    with Machine(request.getfixturevalue(getattr(request.cls, "IMAGE", "disk_image")), **options) as made:
        request.node.stash[MACHINE] = made
        getattr(request.cls, "BOOTS_TO", Machine.log_in)(made, BOOT)
        yield made
