"""What the command lines of inittab-lint, inittab-fmt and inittab-lsp have in common."""

from __future__ import annotations

import gc
import sys

from sysvinit_py.cli.options import Option, Program, UsageError, Values
from sysvinit_py.lint.targets import TARGETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: How many new objects make Python look for garbage. There is hardly any, and to look took half the time.
_GARBAGE = 100_000


def target(default: str) -> Option:
    """Return the option that names the init."""
    about = f"the init that is to read it: {', '.join(TARGETS)}; default: {default}"
    return Option("--target", "INIT", about, tuple(TARGETS))


def run(program: Program, act: Callable[[Values], int], arguments: Sequence[str] | None) -> int:
    """Run a program; return its exit status."""
    gc.set_threshold(_GARBAGE)
    if sys.stdout is None:  # a file that is opened would take its place
        act = _refuse
    return program.run(act, arguments)


def _refuse(values: Values) -> int:
    raise UsageError("standard output is closed")
