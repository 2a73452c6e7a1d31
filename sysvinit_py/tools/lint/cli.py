"""The command line of inittab-lint."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

from sysvinit_py import __version__
from sysvinit_py.tools.lint.check import check
from sysvinit_py.tools.lint.config import Config, find_config, read_config
from sysvinit_py.tools.lint.finding import SEVERITIES, printable
from sysvinit_py.tools.lint.formats import FORMATS
from sysvinit_py.tools.lint.root import Root
from sysvinit_py.tools.lint.rules import RULES
from sysvinit_py.tools.lint.selection import codes_of, known_code
from sysvinit_py.tools.lint.sources import UsageError, sources
from sysvinit_py.tools.lint.targets import TARGETS, Target, guess

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from sysvinit_py.tools.lint.finding import Finding
    from sysvinit_py.tools.lint.fixes import Files
    from sysvinit_py.tools.lint.sources import Source

CLEAN, FOUND, FAILED = 0, 1, 2

#: How many new objects make Python look for garbage. There is hardly any, and to look took half the time.
GARBAGE = 100_000

#: More than anybody will read; what is not shown is counted.
MAX_FINDINGS = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inittab-lint; returns its exit status: 0 clean, 1 findings, 2 it could not run."""
    gc.set_threshold(GARBAGE)
    try:
        if sys.stdout is None:  # a file that is opened would take its place
            raise UsageError("standard output is closed")
        return _run(parser().parse_args(arguments))
    except UsageError as error:
        _say(str(error))
        return FAILED
    except BrokenPipeError:  # whoever reads has seen enough
        _forget_output()
        return FOUND
    except OSError as error:
        _forget_output()
        _say(f"cannot write: {error.strerror}")
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _forget_output() -> None:
    """Let what could not be written go nowhere; Python would complain when it flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def parser() -> argparse.ArgumentParser:
    """The options. What is wrong with them raises UsageError."""
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
    add = options.add_argument
    add(
        "files",
        nargs="*",
        metavar="FILE",
        help=(
            "an inittab, a folder with inittab and inittab.d, or - for standard input; default "
            "/etc/inittab and /etc/inittab.d"
        ),
    )
    add(
        "--target",
        choices=TARGETS,
        metavar="INIT",
        help=f"the init that is to read it: {', '.join(TARGETS)}; default: guessed, and said",
    )
    add(
        "--root",
        metavar="DIR",
        help=(
            "the image being built: look there for commands and terminals, and for inittab if no FILE "
            "is given"
        ),
    )
    add(
        "--fragment",
        action="store_true",
        default=None,
        help="a part of an inittab, not asked for what a whole one needs; .tab files always are",
    )
    add(
        "--select",
        metavar="RULES",
        help="only these: codes (INT301), beginnings of codes (INT3) or names, separated by commas",
    )
    add("--ignore", metavar="RULES", help="not these")
    add("--strict", action="store_true", default=None, help="warnings make the exit status 1 too")
    add("--format", choices=FORMATS, help="of the findings; default text")
    add(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="of the text; default auto: on a terminal, unless NO_COLOR is set",
    )
    add("--fix", action="store_true", help="repair what has one safe answer")
    add(
        "--unsafe-fixes",
        action="store_true",
        help="repair what has a likely answer too; look at the result",
    )
    add("--diff", action="store_true", help="show what would be repaired, and leave the files alone")
    add("--stdin-filename", metavar="NAME", default="<stdin>", help="what to call standard input")
    add(
        "--config",
        metavar="FILE",
        help=(
            "the config file; default: the nearest .inittab-lint.cfg, or setup.cfg with a section "
            "[inittab-lint]"
        ),
    )
    add("--isolated", action="store_true", help="no config file")
    add("--quiet", "-q", action="store_true", help="nothing on standard error but errors")
    add("--explain", metavar="RULE", help="say what a rule is about, with examples")
    add("--list-rules", action="store_true", help="list all rules")
    add("--version", action="version", version=f"inittab-lint {__version__}")
    return options


def _run(options: argparse.Namespace) -> int:
    if options.explain or options.list_rules:
        from sysvinit_py.tools.lint.manual import explain, listing

        _print(explain(RULES[known_code(options.explain)]) if options.explain else listing())
        return CLEAN
    config = _config(options)
    codes = _codes(options.select or config.select, options.ignore or config.ignore)
    root = _root(options.root or config.root)
    found: list[Finding] = []
    changed = 0
    readable, failed = sources(options.files, root.folder if root else "", options.stdin_filename)
    for reason in failed:
        _say(reason)
    for source in readable:
        target = _target(options, config, source)
        fragment = bool(options.fragment or config.fragment or source.fragment)
        files = source.files

        def look(files: Files, target: Target = target, fragment: bool = fragment) -> list[Finding]:
            return check(files, target, fragment=fragment, root=root, codes=codes)

        if options.fix or options.unsafe_fixes or options.diff:
            files, differ = _repair(options, files, look)
            changed += differ
        found += look(files)
    if not options.diff:
        _show(options.format or config.format or "text", found, options.color)
    if not options.quiet and (readable or not failed):
        _summarise(found, changed, dry=options.diff)
    if failed:
        return FAILED
    serious = ("error", "warning") if options.strict or config.strict else ("error",)
    would_change = bool(changed and options.diff)
    return FOUND if would_change or any(f.severity in serious for f in found) else CLEAN


def _config(options: argparse.Namespace) -> Config:
    if options.config:
        return read_config(options.config)
    try:
        path = "" if options.isolated else find_config(os.getcwd())
    except OSError:  # the working directory is gone
        path = ""
    return read_config(path) if path else Config()


def _codes(select: str, ignore: str) -> frozenset[str]:
    """The codes of the rules to run."""
    selected = codes_of(select) if select else frozenset(RULES)
    return selected - codes_of(ignore)


def _root(folder: str) -> Root | None:
    if folder and not os.path.isdir(folder):
        raise UsageError(f"{folder}: not a folder")
    return Root(folder) if folder else None


def _target(options: argparse.Namespace, config: Config, source: Source) -> Target:
    name = options.target or config.target
    if name:
        return TARGETS[name]
    path, data = source.files[0]
    target = guess(data)
    if not options.quiet:
        _say(f"{path}: no --target given, guessed {target.name}")
    return target


def _repair(
    options: argparse.Namespace, files: Files, look: Callable[[Files], list[Finding]]
) -> tuple[Files, int]:
    """Repair, or show what would be repaired; returns what the files then hold, and how many differ."""
    from sysvinit_py.tools.lint.fixes import diff, repair, write

    repaired = repair(files, look, unsafe=options.unsafe_fixes)
    differ = 0
    for (path, before), (_, after) in zip(files, repaired, strict=True):
        if before == after:
            continue
        differ += 1
        if options.diff:
            _print(diff(path, before, after))
        elif path == options.stdin_filename:
            raise UsageError("standard input cannot be repaired: use --diff")
        else:
            write(path, after)
    return (files if options.diff else repaired), differ


def _show(name: str, found: list[Finding], color: str) -> None:
    render = import_module(f"sysvinit_py.tools.lint.formats.{name}").render
    shown = found[:MAX_FINDINGS]
    _print(render(shown, colour=_coloured(color)) if name == "text" else render(shown))


def _coloured(color: str) -> bool:
    if color == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return color == "always"


def _summarise(found: list[Finding], changed: int, *, dry: bool) -> None:
    """A line on standard error: how many of which severity."""
    if len(found) > MAX_FINDINGS:
        _say(f"only the first {MAX_FINDINGS} findings are shown")
    if changed:
        _say(f"{_count(changed, 'file')} {'would be ' if dry else ''}repaired")
    counts = [
        _count(sum(finding.severity == severity for finding in found), severity) for severity in SEVERITIES
    ]
    _say(", ".join(counts) if found else "nothing found")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"


def _print(text: str) -> None:
    # Bytes that are no UTF-8 go out as they came in.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    if sys.stderr is not None:
        print(f"inittab-lint: {printable(text)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
