"""Prints what was tried at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Row = list[int]  # faults tried, survived, children lost
NAME = "faults"


@pytest.fixture
def faults_row(record_property: Callable[[str, object], None]) -> Callable[[str], Row]:
    """Return the row of a call or function, for the test to count in."""

    def row(name: str) -> Row:
        counts = [0, 0, 0]
        record_property(NAME, (name, counts))  # goes with the report, also from another process
        return counts

    return row


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    table: dict[str, Row] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if getattr(report, "when", None) == "call":
            for name, counts in (value for key, value in report.user_properties if key == NAME):
                table[name] = [sum(pair) for pair in zip(table.get(name, [0, 0, 0]), counts, strict=True)]
    if not table:
        return
    write = terminalreporter.write_line
    terminalreporter.section("faults")
    write(f"{'':28}{'tried':>8}{'survived':>10}{'children lost':>15}")
    rows = [*sorted(table.items()), ("all", [sum(column) for column in zip(*table.values(), strict=True)])]
    for name, (tried, survived, lost) in rows:
        write(f"{name:28}{tried:>8}{survived:>10}{lost:>15}")
