"""SARIF 2.1.0, for what collects the findings of many tools."""

from __future__ import annotations

from urllib.parse import quote

from sysvinit_py import __version__
from sysvinit_py.lint.formats.json import dump
from sysvinit_py.lint.manual import address, explain, summary
from sysvinit_py.lint.rules import RULES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sysvinit_py.lint.finding import Edit, Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(findings: Sequence[Finding]) -> str:
    """Return one run, with the rules that found something."""
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "inittab-lint",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code)) for finding in findings],
    }
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": summary(rule)},
        "help": {"text": explain(rule)},
        "helpUri": address(rule),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    text = f"{finding.message} ({finding.hint})" if finding.hint else finding.message
    artifact = {"uri": _uri(finding.path)}
    region = _region(finding.line, finding.column, finding.end_column)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    if finding.first:
        path, line = finding.first
        first = {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": line}}
        message = {"text": "the entry that init keeps"}
        result["relatedLocations"] = [{"id": 0, "physicalLocation": first, "message": message}]
    if finding.fix:
        replacements = [_replacement(edit) for edit in finding.fix.edits]
        change = {"artifactLocation": artifact, "replacements": replacements}
        result["fixes"] = [{"description": {"text": finding.fix.what}, "artifactChanges": [change]}]
    return result


def _replacement(edit: Edit) -> dict[str, Any]:
    return {
        "deletedRegion": _region(edit.line, edit.start, edit.end),
        "insertedContent": {"text": edit.text},
    }


def _region(line: int, start: int, end: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": start, "endColumn": end}


def _uri(path: str) -> str:
    """Return a path as a URI: relative ones stay relative, to wherever the linter ran."""
    quoted = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if path.startswith("/") else quoted
