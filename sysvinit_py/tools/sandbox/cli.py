"""inittab-try: boot an inittab in a sandbox, at once, with or without root.

On a terminal the sandbox's console is yours: see it boot, type telinit 3 in the shell there. telinit 0, halt,
or Ctrl-] ends it. Otherwise, and with --command, the console is written to standard output.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sysvinit_py.inittab.sources import MAX_BYTES
from sysvinit_py.tools import onefile
from sysvinit_py.tools.sandbox.box import Content
from sysvinit_py.tools.sandbox.refusal import NamespaceError
from sysvinit_py.tools.sandbox.trial import DIED, NO_SANDBOX, OK, TIMEOUT, USAGE, Outcome, Trial

PACKAGE = Path(__file__).parents[2]
EXAMPLE = PACKAGE / "data" / "example.inittab"
COMMAND_TIMEOUT = 60.0  # seconds

EPILOG = f"""\
exit status:
  {OK}    booted, and ended as asked
  {DIED}    PID 1 died
  {USAGE}    wrong arguments
  {TIMEOUT}  timeout
  {NO_SANDBOX}  no sandbox could be made
  or that of COMMAND, if it fails
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab-try; returns its exit status."""
    options = parser().parse_args(arguments)
    timeout = options.timeout or (COMMAND_TIMEOUT if options.command else 0)
    try:
        init = options.init or onefile.build()
        trial = Trial(init, read(options.file), options.level or "", options.command or "", timeout)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return USAGE
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # what is on its way is tidied up
    say(
        f"booting {options.file} with {options.init or 'our init'}"
        + ("; Ctrl-] ends it" if trial.interactive else "")
    )
    try:
        outcome = trial.run()
    except NamespaceError as error:
        outcome = Outcome(NO_SANDBOX, str(error))
    say(outcome.text)
    return outcome.status


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    made = argparse.ArgumentParser(
        prog="inittab-try",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "file", nargs="?", type=Path, default=EXAMPLE, metavar="FILE",
        help="an inittab, or a folder with inittab and inittab.d (default: an example)",
    )  # fmt: skip
    made.add_argument("--init", type=Path, metavar="PATH", help="another init than ours, such as Debian's")
    made.add_argument("--level", metavar="N", help="boot into level N instead of what initdefault says")
    made.add_argument(
        "--command", metavar="COMMAND", help="what to run inside, by sh, when the boot has settled"
    )
    made.add_argument(
        "--timeout", type=seconds, metavar="SECONDS",
        help=f"give up after that long (default: never; with --command {COMMAND_TIMEOUT:g})",
    )  # fmt: skip
    return made


def seconds(text: str) -> float:
    """Read a time that can be waited for."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def read(file: Path) -> dict[str, Content]:
    """Return the files of /etc that ``file``, an inittab or a folder of /etc's kind, stands for."""
    if not file.is_dir():
        return {"/etc/inittab": _contents(file)}
    tabs = {f"/etc/inittab.d/{tab.name}": _contents(tab) for tab in file.glob("inittab.d/*.tab")}
    return {"/etc/inittab": _contents(file / "inittab"), **tabs}


def _contents(file: Path) -> bytes:
    """Read it, or as much as shows init that it is too big: some files have no end."""
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _streams_are_open() -> bool:
    """Whether 0, 1 and 2 are what the person gave; else something else would take their places."""
    try:
        return all(os.fstat(fd) for fd in (0, 1, 2))
    except OSError:
        return False


def say(line: str) -> None:
    """Tell the person."""
    print(f"inittab-try: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
