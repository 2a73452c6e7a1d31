"""Prints what was tried at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

TABLE: dict[str, list[int]] = {}


@pytest.fixture(scope="session")
def faults_table() -> dict[str, list[int]]:
    """By call or function: faults tried, survived, children lost."""
    return TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TABLE:
        return
    write = terminalreporter.write_line
    terminalreporter.section("faults")
    write(f"{'':28}{'tried':>8}{'survived':>10}{'children lost':>15}")
    rows = [*TABLE.items(), ("all", [sum(column) for column in zip(*TABLE.values(), strict=True)])]
    for name, (tried, survived, lost) in rows:
        write(f"{name:28}{tried:>8}{survived:>10}{lost:>15}")
