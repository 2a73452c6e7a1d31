"""``python -m bench``: measure, and say it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import containers, picture, report, services
from bench.inits import Init, all_inits
from bench.packages import PackageError
from bench.results import measure
from bench.tasks import BARE, BY_GRAMMAR, MODULES, OURS, SYSVINIT, TASKS, Task

REPOSITORY = Path(__file__).parents[1]
ROUNDS, QUICK_ROUNDS = 9, 3


def main() -> int:
    """Return 1 if a trial failed, or, with --check, a budget is broken."""
    arguments = _arguments()
    tasks = _tasks(arguments)
    make = {"containers": containers.all_inits, "services": services.all_inits}.get(arguments.what, all_inits)
    program = arguments.init or REPOSITORY / "dist" / ("runit" if arguments.what == "services" else "init")
    inits = _obtainable(
        make(program.absolute()),
        [OURS, BY_GRAMMAR, SYSVINIT, services.RUNIT, BARE, MODULES] if arguments.quick else arguments.inits,
    )
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    about = report.machine()
    results = measure(tasks, inits, rounds, _tell)
    _tell("")
    headline = report.headline(about, inits)
    print(headline, f"medians of {rounds} rounds, quartiles in parentheses", "", sep="\n")
    print(report.table(results, inits))
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "bench.json").write_text(report.as_json(results, inits, about, rounds))
    if not arguments.what:
        picture.draw(results, headline, [arguments.output / "bench.svg", arguments.output / "bench.png"])
    return int(bool(results.failures or (arguments.check and results.broken)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure our init beside others.")
    parser.add_argument("--init", type=Path, help="ours (default: dist/init; of services: dist/runit)")
    parser.add_argument("--quick", action="store_true", help="some tasks, ours and sysvinit, under a minute")
    what = parser.add_mutually_exclusive_group()
    for name, text in (
        ("containers", "PID 1 of containers, beside others for that"),
        ("services", "runsvdir, sv and svlogd, beside runit's"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, default="", help=text)
    parser.add_argument("--tasks", nargs="+", metavar="WORDS", help="those with such words in their names")
    parser.add_argument("--inits", nargs="+", default=[], metavar="NAME", help="those alone")
    parser.add_argument(
        "--rounds", type=int, help=f"trials of each (default: {ROUNDS}; quick: {QUICK_ROUNDS})"
    )
    parser.add_argument("--check", action="store_true", help="status 1 if a budget is broken")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "bench",
                        help="folder for bench.json, .svg and .png (%(default)s)")  # fmt: skip
    return parser.parse_args()


def _tasks(arguments: argparse.Namespace) -> list[Task]:
    """The tasks asked for by words, or those of --quick, or all."""
    tasks = {"containers": containers.TASKS, "services": services.TASKS}.get(arguments.what, TASKS)
    if arguments.tasks:
        return [task for task in tasks if any(word in task.name for word in arguments.tasks)]
    return [task for task in tasks if task.quick or not arguments.quick]


def _obtainable(inits: dict[str, Init], names: list[str]) -> dict[str, Init]:
    """Those asked for (none: all) that can be had; who cannot is named."""
    found = {}
    for name, init in inits.items():
        if names and name not in names:
            continue
        try:
            init.version  # noqa: B018 - that fetches it
        except PackageError as reason:
            print(f"without {name}: {reason}", file=sys.stderr)
            continue
        found[name] = init
    return found


def _tell(what: str) -> None:
    """Show on a terminal what is under way."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
