"""The command line of inittab: its verbs, and the programs that some of them call."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys

from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.clients.inittab.beside import beside
from sysvinit_py.clients.inittab.status import PROGRAM
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


def _pid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise ValueError(f"not a process id: {text!a}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ValueError(f"not a number of lines: {text!a}")
    return int(text)


def _since(text: str) -> str:
    from sysvinit_py.clients.inittab.log import since

    return since(text)


#: A shell command whose lines are ids.
_IDS = "inittab status -o id"
_PID = Option("--pid", "PID", "the init that is this process, such as a container's", kind=_pid)
STATUS = Program(
    "status",
    "show what runs, and what does not, and why",
    (
        Option("ids", "ID", "only these entries, in full: an id, or the name of the program", many=True,
               complete=_IDS),
        Option("--json", help="as JSON, for programs"),
        Option("-o --columns", "COLUMN,...", f"these columns, without a header: {', '.join(COLUMNS)}",
               kind=_columns, complete=f"printf '%s\\n' {' '.join(COLUMNS)}", comma=True),
        _PID,
    ),
)  # fmt: skip
LOG = Program(
    "log",
    "show what entries have written to their logs",
    (
        Option("ids", "ID", "of these entries: an id, or the name of the program", many=True, required=True,
               complete=_IDS),
        Option("-f --follow", help="go on with what is written, until interrupted"),
        Option("-n --lines", "N", "no more than the last N lines", kind=_count),
        Option("--since", "TIME", "no older lines: start (of the process), boot, 90s, 10m, 2h, 1d, or a time"
               " in UTC such as 2026-11-26T12:05", kind=_since),
        Option("--json", help="an object on each line, for programs"),
        _PID,
    ),
)  # fmt: skip
LOGD = Program("logd", "copy what entries write to their logs: init starts it when an entry has one")
DIFF = Program(
    "diff",
    "show what telinit q would end, start and leave; or what NEW instead of OLD would",
    (
        Option("files", "FILE", "the old inittab and the new one", many=True, complete="file"),
        Option("--level", "LEVEL", "of two files: the level to be in, instead of initdefault's",
               kind=tuple("0123456789S")),
        Option("--json", help="as JSON, for programs"),
    ),
    forms=("[--json]", "[--level LEVEL] [--json] OLD NEW"),
)  # fmt: skip
EXPLAIN = Program(
    "explain",
    "show what telinit LEVEL would end, start and leave",
    (
        Option("--to", "LEVEL", "0 to 9, S, or the letter of ondemand entries", required=True,
               kind=tuple("0123456789SsabcABC")),
        Option("--json", help="as JSON, for programs"),
    ),
)  # fmt: skip
EDIT = Program(
    "edit",
    "edit an inittab: find its mistakes, show what would end and start, replace it, have init read it",
    (
        Option("file", "FILE", "instead of /etc/inittab", default="/etc/inittab", complete="file"),
        Option("-y --yes", help="ask nothing; an inittab with mistakes is not installed"),
    ),
)  # fmt: skip
#: Verbs that are programs of their own.
OTHERS = {
    "lint": ("inittab-lint", "find mistakes in an inittab", "sysvinit_py.lint.cli"),
    "try": ("inittab-try", "boot an inittab in a sandbox", "sysvinit_py.sandbox.cli"),
}
INITTAB = Program(
    PROGRAM,
    "Show what init runs; and find the other programs for an inittab.",
    verbs=(
        STATUS,
        LOG,
        LOGD,
        DIFF,
        EXPLAIN,
        EDIT,
        *(
            Program(verb, f"{about}: see {name}(1)", (Option("words", "ARGUMENT", many=True),), passes=True)
            for verb, (name, about, _) in OTHERS.items()
        ),
    ),
    default=STATUS.name,
    failed=out.CANNOT_LOOK,  # 1 is that of an entry
)


#: What verbs do: a function of a module, imported when it is called so that status need not wait for others.
_ACTS = {
    "status": "status.status",
    "log": "log.log",
    "logd": "logd.main",
    "diff": "plan.diff",
    "explain": "plan.explain",
    "edit": "edit.edit",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab; return its exit status."""
    return INITTAB.run(_act, arguments)


def _act(values: Values) -> int:
    if place := _ACTS.get(values.verb):
        module, _, function = place.partition(".")
        act = getattr(__import__(f"sysvinit_py.clients.inittab.{module}", fromlist=[function]), function)
        return int(act(values))
    name, _, module = OTHERS[values.verb]
    return _call(name, module, values.words)


def _call(name: str, module: str, words: list[str]) -> int:
    """Become the program, which stands beside this one or is in the package; PATH may be anybody's."""
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
