"""The command line of inittab-lsp."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from sysvinit_py.cli.options import Option, Program, RefusedError, Values
from sysvinit_py.clients.inittab.verbs import PID
from sysvinit_py.lint import programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

PROGRAM = Program(
    "inittab-lsp",
    "Serve an editor (Language Server Protocol, on standard input and output) with what inittab-lint knows.",
    (
        programs.target("what a config file of inittab-lint says, or it is guessed"),
        Option("--root", "DIR", "the image being built: look there for commands and terminals",
            complete="folder"),
        PID.replace(default=1),
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inittab-lsp; return its exit status."""
    return programs.run(PROGRAM, _run, arguments)


def _run(options: Values) -> int:
    try:
        with _classes_made_quickly():
            from sysvinit_py.lsp.project import Settings
            from sysvinit_py.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] not in ("attrs", "lsprotocol", "pygls"):
            raise
        raise RefusedError("needs pygls: pip install 'pygls>=2.1,<3'") from None
    serve(Settings(options.target or "", options.root or "", options.pid))
    return 0


@contextmanager
def _classes_made_quickly() -> Iterator[None]:
    """Leave out of the protocol's 600 classes how they are compared and printed, which nobody does.

    To make these methods takes as long as all else until the first answer.
    """
    import attrs

    define = attrs.define

    def quickly(*classes: type, **options: Any) -> Any:
        return define(*classes, **{"eq": False, "repr": False} | options)

    attrs.define = quickly  # type: ignore[assignment]
    try:
        yield
    finally:
        attrs.define = define


if __name__ == "__main__":
    sys.exit(main())
