"""For programs: a list of objects."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sysvinit_py.lint.finding import Finding


_FIELDS = ("path", "line", "column", "end_column", "code", "name", "severity", "message")


def render(findings: Sequence[Finding]) -> str:
    """Return a line for each finding. Columns count characters from 1; ``end_column`` is exclusive."""
    listed = ",\n".join(dump(_object(finding)) for finding in findings)
    return f"[\n{listed}\n]\n" if findings else "[]\n"


def dump(value: object, indent: int | None = None) -> str:
    """Return JSON in ASCII, without what a CI takes for an order to itself."""
    return json.dumps(value, indent=indent).replace("##", "#\\u0023")


def _object(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(finding, name) for name in _FIELDS}
    if finding.first:
        found["first"] = dict(zip(("path", "line"), finding.first, strict=True))
    if finding.hint:
        found["hint"] = finding.hint
    if finding.fix:
        found["fix"] = {
            "message": finding.fix.what,
            "safe": finding.fix.safe,
            "edits": [
                {"line": edit.line, "column": edit.start, "end_column": edit.end, "text": edit.text}
                for edit in finding.fix.edits
            ],
        }
    return found
