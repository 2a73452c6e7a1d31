"""The command line of inittab-lint."""

from __future__ import annotations

import gc
import os
import sys

from sysvinit_py import __version__
from sysvinit_py.lint.formats import FORMATS
from sysvinit_py.lint.run import CLEAN, FAILED, FOUND, Run, say, show
from sysvinit_py.lint.sources import UsageError
from sysvinit_py.lint.targets import TARGETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

#: How many new objects make Python look for garbage. There is hardly any, and to look took half the time.
GARBAGE = 100_000


def _flag(help: str, **how: Any) -> dict[str, Any]:
    return {"action": "store_true", "help": help, **how}


#: The options: their names, and what argparse is told of each.
OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("files",), {
        "nargs": "*", "metavar": "FILE",
        "help": "an inittab, a folder with inittab and inittab.d in it, at any depth, or - for standard "
        "input; default /etc/inittab and /etc/inittab.d",
    }),
    (("--target",), {
        "choices": TARGETS, "metavar": "INIT",
        "help": f"the init that is to read it: {', '.join(TARGETS)}; default: guessed, and said",
    }),
    (("--root",), {
        "metavar": "DIR",
        "help": "the image being built: look there for commands and terminals, and for inittab if no FILE is "
        "given",
    }),
    (("--fragment",), _flag(
        "a part of an inittab, not asked for what a whole one needs; .tab files always are", default=None
    )),
    (("--select",), {
        "metavar": "RULES",
        "help": "only these: codes (INT301), beginnings of codes (INT3) or names, separated by commas",
    }),
    (("--ignore",), {"metavar": "RULES", "help": "not these"}),
    (("--strict",), _flag("warnings make the exit status 1 too", default=None)),
    (("--exit-zero",), _flag("findings leave the exit status 0")),
    (("--format",), {"choices": FORMATS, "help": "of the findings; default text"}),
    (("--output-file",), {"metavar": "FILE", "help": "write the findings to this file, not standard output"}),
    (("--statistics",), _flag("say on standard error how often each rule found something")),
    (("--color",), {
        "choices": ("auto", "always", "never"), "default": "auto",
        "help": "of the text; default auto: on a terminal, unless NO_COLOR is set",
    }),
    (("--fix",), _flag(
        "repair what has one safe answer; standard input is repaired to standard output"
    )),
    (("--unsafe-fixes",), _flag(
        "with --fix or --diff: what has a likely answer too; look at the result"
    )),
    (("--diff",), _flag("show what would be repaired, and leave the files alone")),
    (("--stdin-filename",), {
        "metavar": "NAME", "default": "<stdin>", "help": "what to call standard input",
    }),
    (("--config",), {
        "metavar": "FILE",
        "help": "the config file; default: the nearest .inittab-lint.cfg, or setup.cfg with a section "
        "[inittab-lint], that is yours or root's",
    }),
    (("--isolated",), _flag("no config file")),
    (("--quiet", "-q"), _flag("nothing on standard error but errors")),
    (("--explain",), {"metavar": "RULE", "help": "say what a rule is about, with examples"}),
    (("--list-rules",), _flag("list all rules")),
    (("--version",), {"action": "version", "version": f"inittab-lint {__version__}"}),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inittab-lint; returns its exit status: 0 clean, 1 findings, 2 it could not run."""
    gc.set_threshold(GARBAGE)
    try:
        if sys.stdout is None:  # a file that is opened would take its place
            raise UsageError("standard output is closed")
        return _run(parser().parse_args(arguments))
    except UsageError as error:
        say(str(error))
        return FAILED
    except BrokenPipeError:  # whoever reads has seen enough
        _forget_output()
        return FOUND
    except OSError as error:
        _forget_output()
        say(f"cannot write: {error.strerror}")
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _forget_output() -> None:
    """Let what could not be written go nowhere; Python would complain when it flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options. What is wrong with them raises UsageError."""
    # Not needed by those who call check() themselves.
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise UsageError(f"{message} (inittab-lint --help lists the options)")

    options = Parser(
        prog="inittab-lint",
        description="Find what init refuses in an inittab, and what it accepts and nobody meant.",
        epilog="Exit status: 0 clean, 1 errors found (with --strict warnings too), 2 it could not run.",
        allow_abbrev=False,
    )
    for names, how in OPTIONS:
        options.add_argument(*names, **how)
    return options


def _run(options: argparse.Namespace) -> int:
    if options.explain or options.list_rules:
        from sysvinit_py.lint.manual import explain, listing
        from sysvinit_py.lint.rules import RULES
        from sysvinit_py.lint.selection import known_code

        show(explain(RULES[known_code(options.explain)]) if options.explain else listing())
        return CLEAN
    return Run(options).status()


if __name__ == "__main__":
    sys.exit(main())
