"""The command line of inittab-lint."""

from __future__ import annotations

import sys

from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.lint import programs
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.lint.run import CLEAN, FAILED, Run, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: The words of RULES: each code, and each name.
_RULES = r"""inittab-lint --list-rules | awk '{ print $1 "\t" $3; print $3 "\t" $1 }'"""

PROGRAM = Program(
    "inittab-lint",
    "Find what init refuses in an inittab, and what it accepts and nobody meant.",
    (
        Option("files", "FILE",
            "an inittab, a folder with inittab and inittab.d in it, at any depth, a folder of services, or - "
            "for standard input; "
            "default /etc/inittab and /etc/inittab.d", many=True, complete="file"),
        programs.target("guessed, and said"),
        Option("--root", "DIR",
            "the image being built: look there for commands, terminals and, if no FILE is given, inittab",
            complete="folder"),
        Option("--fragment",
            help="a part of an inittab, not asked for what a whole one needs; .tab files always are"),
        Option("--select", "RULES",
            "only these: codes (INT301), beginnings of codes (INT3) or names, separated by commas",
            complete=_RULES, comma=True),
        Option("--ignore", "RULES", "not these", complete=_RULES, comma=True),
        Option("--strict", help="warnings make the exit status 1 too"),
        Option("--exit-zero", help="findings leave the exit status 0"),
        Option("--format", "FORMAT", f"of the findings: {', '.join(FORMATS)}; default text", FORMATS),
        Option("--output-file", "FILE", "write the findings to this file, not standard output",
            complete="file"),
        Option("--statistics", help="say on standard error how often each rule found something"),
        Option("--color", "WHEN", "of the text: auto, always or never; default auto: on a terminal, unless "
            "NO_COLOR is set", ("auto", "always", "never"), "auto"),
        Option("--fix",
            help="repair what has one safe answer; standard input is repaired to standard output"),
        Option("--unsafe-fixes",
            help="with --fix or --diff: what has a likely answer too; look at the result"),
        Option("--diff", help="show what would be repaired, and leave the files alone"),
        Option("--stdin-filename", "NAME", "what to call standard input", default="<stdin>",
            complete="file"),
        Option("--config", "FILE", "the config file; default: the nearest .inittab-lint.cfg, or setup.cfg "
            "with a section [inittab-lint], that is yours or root's", complete="file"),
        Option("--isolated", help="no config file"),
        Option("-q --quiet", help="nothing on standard error but errors"),
        Option("--explain", "RULE", "say what a rule is about, with examples", complete=_RULES),
        Option("--list-rules", help="list all rules"),
    ),
    "Exit status: 0 clean, 1 errors found (with --strict warnings too), 2 it could not run.",
    ("[OPTION]... [FILE | FOLDER | -]...", "--explain RULE | --list-rules"),
    failed=FAILED,
    error="",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inittab-lint; returns its exit status: 0 clean, 1 findings, 2 it could not run."""
    return programs.run(PROGRAM, _run, arguments)


def _run(options: Values) -> int:
    if options.explain or options.list_rules:
        from sysvinit_py.lint.manual import explain, listing
        from sysvinit_py.lint.rules import RULES
        from sysvinit_py.lint.selection import known_code

        show(explain(RULES[known_code(options.explain)]) if options.explain else listing())
        return CLEAN
    return Run(options).status()


if __name__ == "__main__":
    sys.exit(main())
