"""The layers: nothing is imported from above, and no module imports itself by a detour."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sysvinit_py"

#: What the modules of a package may import from, besides the standard library and their own package.
MAY_IMPORT: dict[str, set[str]] = {
    "value": set(),
    "text": set(),
    "linux": {"value", "text"},
    "cli": {"value", "text", "linux", "report"},
    "inittab": {"value", "text", "linux"},
    "logs": {"value", "text", "linux", "inittab"},
    "machine": {"value", "inittab"},
    "report": {"value", "text", "inittab", "machine"},
    "simulator": {"value", "text", "inittab", "machine", "report", "lint"},
    "protocol": {"value", "inittab"},
    "pid1": {"value", "text", "linux", "inittab", "machine", "report", "protocol"},
    "pid1.container": {"pid1", "value", "text", "linux", "inittab", "machine", "logs", "clients"},
    "pid1.runit": {"pid1", "pid1.container", "value", "text", "linux", "machine", "logs", "protocol"},
    "clients": {
        "cli",
        "value",
        "text",
        "linux",
        "logs",
        "inittab",
        "machine",
        "report",
        "simulator",
        "protocol",
        "pid1.container",
    },
    "services": {"cli", "value", "text", "linux", "logs", "report", "protocol"},
    "lint": {"cli", "value", "text", "linux", "inittab", "machine", "protocol", "pid1.container"},
    "lsp": {"cli", "value", "clients", "inittab", "lint", "linux", "report"},
    "sandbox": {"cli", "value", "text", "linux", "inittab", "lint", "build"},
    "initeventd": {"cli", "value", "linux", "protocol", "clients"},
    "install": {
        "cli",
        "value",
        "text",
        "linux",
        "inittab",
        "protocol",
        "pid1",
        "clients",
        "build",
        "lint",
        "sandbox",
    },
    "vm": {"value", "cli", "build", "install"},
    "build": {"value", "cli", "clients", "initeventd", "install", "lint", "lsp", "sandbox", "__main__"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that it imports, those for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sysvinit_py"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / (inner.replace(".", "/") + ".py")).exists()
                yield inner if is_module else node.module


def modules() -> dict[str, set[str]]:
    """What each module imports, by their dotted names."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(imports(path))
        for path in PACKAGE.rglob("*.py")
        if path.name != "_grammar.py"
    }


def package_of(module: str) -> str:
    """The package as the table has it."""
    _, package, *inner = module.split(".")
    return f"{package}.{inner[0]}" if inner and f"{package}.{inner[0]}" in MAY_IMPORT else package


def test_every_package_has_its_place() -> None:
    assert {package_of(name) for name in modules()} - {"__init__", "__main__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_nothing_is_imported_from_above(package: str) -> None:
    """The container's init imports pid1, and nothing of pid1 imports that."""
    for name, imported in modules().items():
        if package_of(name) == package:
            packages = {package_of(other) for other in imported if "." in other}
            assert packages <= MAY_IMPORT[package] | {package}, name


def test_imports_have_no_cycle() -> None:
    """Guards against what job and rules did: each imported the other, one of them for type checkers only."""
    assert list(TopologicalSorter(modules()).static_order())
