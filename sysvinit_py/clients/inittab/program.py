"""The command line of inittab: its verbs, and the programs that some of them call."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import Option, Program, UsageError, Values
from sysvinit_py.clients.inittab import verbs
from sysvinit_py.clients.inittab.beside import beside
from sysvinit_py.clients.inittab.status import PROGRAM, status
from sysvinit_py.report.item import COLUMNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in COLUMNS:
            raise ValueError(f"no column {name!a} (choose from {', '.join(COLUMNS)})")
    return names


STATUS = Program(
    "status",
    "show what runs, and what does not, and why",
    (
        Option("ids", "ID", "only these entries, in full: an id, or the name of the program", many=True,
               complete="inittab status -o id"),
        Option("--json", help="as JSON, for programs"),
        Option("-o --columns", "COLUMN,...", f"these columns, without a header: {', '.join(COLUMNS)}",
               kind=_columns, complete=f"printf '%s\\n' {' '.join(COLUMNS)}", comma=True),
        Option("--watch", help="go on with what changes, until interrupted"),
        verbs.PID,
    ),
)  # fmt: skip
#: Verbs that are programs of their own.
OTHERS = {
    "lint": ("inittab-lint", "find mistakes in an inittab", "sysvinit_py.lint.cli"),
    "fmt": ("inittab-fmt", "lay out an inittab", "sysvinit_py.lint.fmt"),
    "try": ("inittab-try", "boot an inittab in a sandbox", "sysvinit_py.sandbox.cli"),
    "lsp": ("inittab-lsp", "serve an editor", "sysvinit_py.lsp.cli"),
}
INITTAB = Program(
    PROGRAM,
    "Show and steer what init runs; and find the other programs for an inittab.",
    verbs=(
        STATUS,
        *verbs.VERBS,
        *(
            Program(verb, f"{about}: see {name}(1)", (Option("words", "ARGUMENT", many=True),), passes=True)
            for verb, (name, about, _) in OTHERS.items()
        ),
    ),
    default=STATUS.name,
    failed=out.CANNOT_LOOK,  # 1 means that an entry has failed
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab; return its exit status."""
    return INITTAB.run(_act, arguments)


def _act(values: Values) -> int:
    if values.verb == STATUS.name:
        if values.json and values.columns:
            raise UsageError("argument --columns: not with --json")
        if values.watch:
            from sysvinit_py.clients.inittab.watch import watch

            return watch(values)
        return status(values)
    if values.verb in verbs.PLACES:
        try:
            return verbs.act(values)
        except looking.ForeignError:
            out.say(
                PROGRAM, "another init, or an older version, which takes no such request: see inittab status"
            )
            return out.FOREIGN
    name, _, module = OTHERS[values.verb]
    return _call(name, module, values.words)


def _call(name: str, module: str, words: list[str]) -> int:
    """Execute the program beside this one, or in the package; PATH is not used, as it is untrusted."""
    if path := beside(name):
        posix.execv(path, [path, *words])
    try:
        other = __import__(module, fromlist=["main"])
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith("sysvinit_py"):
            raise
        out.say(PROGRAM, f"{name} is not installed beside {sys.argv[0]}")
        return out.FAILED
    return int(other.main(words) or 0)


if __name__ == "__main__":
    sys.exit(main())
