"""The rings: nothing is imported from above, and no module imports itself by a detour."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

#: Where the modules of a package may import from, besides the standard library.
MAY_IMPORT = {
    "inittab": {"value", "inittab"},
    "machine": {"value", "inittab", "machine"},
    "protocol": {"value", "inittab", "protocol"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that it imports, those for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sysvinit_py"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / (inner.replace(".", "/") + ".py")).exists()
                yield inner if is_module else node.module


def graph(package: str) -> dict[str, set[str]]:
    folder = ROOT / "sysvinit_py" / package
    return {f"sysvinit_py.{package}.{path.stem}": set(imports(path)) for path in folder.glob("*.py")}


@pytest.mark.parametrize(("package", "allowed"), MAY_IMPORT.items(), ids=MAY_IMPORT)
def test_nothing_is_imported_from_above(package: str, allowed: set[str]) -> None:
    for name, imported in graph(package).items():
        above = {other for other in imported if other.count(".") and other.split(".")[1] not in allowed}
        assert not above, name


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_import_goes_in_a_circle(package: str) -> None:
    """Guards against what job and rules did: each imported the other, one of them for type checkers only."""
    assert list(TopologicalSorter(graph(package)).static_order())
