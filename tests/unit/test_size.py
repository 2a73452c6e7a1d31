"""No function is so long that it has to be scrolled; ruff counts how many ways lead through it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_LINES, MAX_FILE = 40, 350


def length(function: ast.FunctionDef) -> int:
    """In lines, without the docstring."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    lines = (function.end_lineno or 0) - function.lineno + 1
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0)


def test_no_function_is_long() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}: {length(node)} lines"
        for path in (ROOT / "sysvinit_py").rglob("*.py")
        if path.name != "_grammar.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and length(node) > MAX_LINES
    ]
    assert long == []


def test_a_large_file_has_a_sentence_in_the_architecture_page() -> None:
    page = (ROOT / "docs/architecture.rst").read_text()
    for path in (ROOT / "sysvinit_py").rglob("*.py"):
        name = str(path.relative_to(ROOT / "sysvinit_py"))
        if name != "inittab/_grammar.py" and len(path.read_text().splitlines()) > MAX_FILE:
            assert f"``{name}``: " in page, path
