"""The verbs of inittab that show logs, and what would happen: their tables, and where they are done."""

from __future__ import annotations

from sysvinit_py.cli.options import Option, Program, Values


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


LOG = Program(
    "log",
    "show what entries have written to their logs",
    (
        Option("ids", "ID", "of these entries: an id, or the name of the program", many=True, required=True,
               complete="inittab status -o id"),
        Option("-f --follow", help="go on with what is written, until interrupted"),
        Option("-n --lines", "N", "no more than the last N lines", kind=_count),
        Option("--since", "TIME", "no older lines: start (of the process), boot, 90s, 10m, 2h, 1d, or a time"
               " in UTC such as 2026-11-26T12:05", kind=_since),
        Option("--json", help="an object on each line, for programs"),
        Option("--pid", "PID", "the init that is this process, such as a container's", kind=_pid),
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
VERBS = (LOG, LOGD, DIFF, EXPLAIN, EDIT)
#: What they do: a function of a module, imported when it is called so that status need not wait for it.
PLACES = {
    "log": "log.log", "logd": "logd.main",
    "diff": "plan.diff", "explain": "plan.explain", "edit": "edit.edit",
}  # fmt: skip


def act(values: Values) -> int:
    """Do what the verb says; return the exit status."""
    module, _, function = PLACES[values.verb].partition(".")
    found = __import__(f"sysvinit_py.clients.inittab.{module}", fromlist=[function])
    return int(getattr(found, function)(values))
