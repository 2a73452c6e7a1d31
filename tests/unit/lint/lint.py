"""For the tests of the linter: check a text, name what was found."""

from __future__ import annotations

import textwrap
from typing import Any

from sysvinit_py.lint.check import check
from sysvinit_py.lint.finding import Finding
from sysvinit_py.lint.targets import SYSVINIT_PY, Target


def findings(text: str | bytes, target: Target = SYSVINIT_PY, **options: Any) -> list[Finding]:
    """Check one file; a str is dedented. As a fragment, unless told otherwise."""
    data = text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode()
    options.setdefault("fragment", True)
    return check([(options.pop("path", "inittab"), data)], target, **options)


def found(text: str | bytes, target: Target = SYSVINIT_PY, **options: Any) -> list[str]:
    """``line:column-end code`` of each finding."""
    return [f"{f.line}:{f.column}-{f.end_column} {f.code}" for f in findings(text, target, **options)]
