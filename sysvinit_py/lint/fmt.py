"""The command line of inittab-fmt: lay out inittabs, and leave what they say as it is."""

from __future__ import annotations

import sys
from errno import EFBIG

from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, UsageError, Values
from sysvinit_py.inittab.sources import MAX_BYTES, TOO_BIG
from sysvinit_py.lint import programs
from sysvinit_py.lint.fixes import diff, write
from sysvinit_py.lint.layout import MeaningError, formatted, kept_returns
from sysvinit_py.lint.run import CLEAN, FAILED, FOUND
from sysvinit_py.lint.sources import STDIN, handed_down
from sysvinit_py.lint.targets import TARGETS, guess
from sysvinit_py.linux.beneath import named_file, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Program(
    "inittab-fmt",
    "Lay out an inittab: whitespace, line ends, actions and runlevels, where that changes nothing for init.",
    (
        Option("files", "FILE", "an inittab, or - for standard input, which is formatted to standard output",
            many=True, required=True, complete="file"),
        Option("--check", help="change nothing; the exit status says whether something would be changed"),
        Option("--diff", help="change nothing; show what would be changed"),
        programs.target("guessed"),
    ),
    "Exit status: 0 clean, or formatted; 1 something would be changed (--check, --diff); 2 it failed.",
    failed=FAILED,
    error="",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run inittab-fmt; return its exit status."""
    return programs.run(PROGRAM, _run, arguments)


def _run(values: Values) -> int:
    return max([_format(word, values) for word in dict.fromkeys(values.files)])


def _format(word: str, values: Values) -> int:
    """Format a file, or say what keeps it from being formatted; return the exit status."""
    shown = "<stdin>" if word == STDIN else word
    descriptor, place = handed_down(word), named_file(word)
    try:
        before = place.read(MAX_BYTES)[0] if descriptor is None else read(descriptor, MAX_BYTES)
        target = TARGETS[values.target] if values.target else guess(before)
        after = formatted(before, target)
        if kept := kept_returns(before, target):
            _say(f"{shown}: {kept} lines end with CR LF, and keep the CR, which init takes for a part of the"
                 " command: inittab-lint --fix removes it")  # fmt: skip
        if not (values.check or values.diff or descriptor is not None or after == before):
            write(place, before, after)
    except OSError as error:
        _say(f"{shown}: {TOO_BIG if error.errno == EFBIG else error.strerror}")
        return FAILED
    except (MeaningError, UsageError) as error:
        _say(str(error) if isinstance(error, UsageError) else f"{shown}: not formatted: {error}")
        return FAILED
    if values.diff:
        out.write(diff(shown, before, after))
    elif descriptor is not None and not values.check:
        out.write(after)
        return CLEAN
    if after == before:
        return CLEAN
    looked = values.check or values.diff
    _say(f"{shown}: {'would be formatted' if looked else 'formatted'}")
    return FOUND if looked else CLEAN


def _say(text: str) -> None:
    out.say(PROGRAM.name, text)


if __name__ == "__main__":
    sys.exit(main())
