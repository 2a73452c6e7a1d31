"""The tests that docs/container.rst names are there; tests/container/test_page.py runs its examples."""

from __future__ import annotations

import re
from pathlib import Path

from tests.container import page

TESTS = Path(__file__).parents[1]


def test_all_that_it_names() -> None:
    files = [*TESTS.glob("container/test_*.py"), TESTS / "system" / "test_container.py"]
    there = {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert page.tests()
    assert page.tests() <= there, page.tests() - there


def test_commands_and_files_are_found(tmp_path: Path) -> None:
    page.write_files(tmp_path)
    assert {"Dockerfile", "inittab"} == {path.name for path in (tmp_path / "site").iterdir()}
    assert len(page.commands()) > 10
    assert page.Command("x", "a ...\n...\nb\n").prints("a 1\n2\n3\nb\n")
    assert not page.Command("x", "a ...\nb\n").prints("a 1\n2\nb\n")
