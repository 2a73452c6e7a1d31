"""Services in scratch folders; all that they start is ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.oracle import OracleError
from tests.system.runit_oracle import runit
from tests.system.services.supervised import Supervised

Make = Callable[..., Supervised]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Make]:
    """Make a service of its files: ``service({"run": SLEEP, "log/run": CAT})``."""
    made: list[Supervised] = []

    def make(files: dict[str, str], name: str = "web") -> Supervised:
        made.append(Supervised(tmp_path / name, files))
        return made[-1]

    yield make
    for one in made:
        one.clean()


@pytest.fixture(params=["ours", "oracle"])
def who(request: pytest.FixtureRequest) -> str:
    """Whose runsv it is."""
    return given(str(request.param))


@pytest.fixture
def oracle() -> str:
    """Debian's runsv."""
    return given("oracle")


def given(who: str) -> str:
    if who == "oracle":
        try:
            runit()
        except OracleError as reason:
            pytest.skip(str(reason))
    return who
