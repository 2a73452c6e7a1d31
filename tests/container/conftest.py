"""Containers under podman with runc, and under docker with a daemon of our own.

Each engine runs in a cell, with its images in memory, so that nothing stays whatever happens. Those that
cannot run here are skipped with the reason, unless SYSVINIT_PY_ENGINES names them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.container import image
from tests.container.engine import ENGINES, Container, Engine, EngineError

REPOSITORY = Path(__file__).parents[2]
OURS = Path(os.environ.get("SYSVINIT_PY_INIT") or REPOSITORY / "dist" / "init")
REQUIRED = os.environ.get("SYSVINIT_PY_ENGINES", "").split()

Start = Callable[..., Container]


class ByEngine(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of an engine run in one process, in which it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name in ENGINES if f"[{name}" in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByEngine:
    """Return what hands out the tests. (xdist_group does nothing with this pytest.)"""
    return ByEngine(config, log)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has the images."""
    name = request.param
    if not OURS.exists():
        pytest.fail(f"{OURS} is missing: run 'make dist/init'", pytrace=False)
    with ExitStack() as exits:
        try:
            if os.geteuid() != 0:
                raise EngineError("requires root")
            made = exits.enter_context(ENGINES[name]())
            image.make(made, OURS, tmp_path_factory.mktemp(name))
            made("run", "--rm", *made.options("run"), image.BASE, "/bin/true")
        except EngineError as reason:
            if name in REQUIRED:
                pytest.fail(f"{name} is required: {reason}", pytrace=False)
            pytest.skip(f"{name}: {reason}")
        yield made


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Iterator[Start]:
    """Start a container with an inittab, and remove it at the end of the test.

    ``start(inittab, *arguments, options=(), name=...)``: arguments are of container-init, options of the
    engine's ``run``, name is the image. The inittab has the level 2, unless it says another one.
    """
    with ExitStack() as exits:

        def run(
            inittab: str | None, *arguments: str, options: Sequence[str] = (), name: str = image.INIT
        ) -> Container:
            if inittab is not None:
                file = tmp_path / f"inittab{len(list(tmp_path.iterdir()))}"
                level = "" if ":initdefault:" in inittab else "id:2:initdefault:\n"
                file.write_text(level + inittab)
                options = (*options, f"--volume={file}:/etc/inittab:ro")
            return exits.enter_context(Container(engine, name, *arguments, options=options))

        yield run
