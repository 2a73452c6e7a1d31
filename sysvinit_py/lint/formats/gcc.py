"""As compilers do it, a line for each finding: editors know how to read that."""

from __future__ import annotations

from sysvinit_py.lint.finding import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.lint.finding import Finding

#: What compilers call the severities.
_NAMES = {"error": "error", "warning": "warning", "info": "note"}


def render(findings: Sequence[Finding]) -> str:
    """Return lines of the form ``path:line:column: severity: message [code]``."""
    return "".join(
        f"{printable(f.path)}:{f.line}:{f.column}: {_NAMES[f.severity]}: {f.message} [{f.code}]\n"
        for f in findings
    )
