"""Workflow commands of GitHub Actions, which show the findings at the lines of a change."""

from __future__ import annotations

from sysvinit_py.lint.finding import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.lint.finding import Finding

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(findings: Sequence[Finding]) -> str:
    """Return a command for each finding."""
    return "".join(_one(finding) for finding in findings)


def _one(finding: Finding) -> str:
    properties = {
        "file": printable(finding.path),
        "line": finding.line,
        "col": finding.column,
        "endColumn": finding.end_column,
        "title": f"inittab-lint {finding.code}",
    }
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    text = f"{finding.message} ({finding.hint})" if finding.hint else finding.message
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
