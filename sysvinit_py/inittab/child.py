"""What init runs to read inittab: a process of its own, so that no file, however odd, can hurt PID 1.

Usage: ``child.py [INITTAB [DIRECTORY]]``. The reading goes to standard output in the form of
:mod:`sysvinit_py.inittab.wire`. With status 1 there is none, and a line on standard error says why.
"""

from __future__ import annotations

import sys

from sysvinit_py.inittab.read import read
from sysvinit_py.inittab.wire import encode


def main(arguments: list[str]) -> int:
    """Write the reading of the files named, else of those in /etc, to standard output."""
    try:
        answer = encode(read(*arguments))
        with open(1, "wb", closefd=False) as output:
            output.write(answer)
    except Exception as error:  # whatever it is, init has to hear of it in one line
        print(f"cannot read inittab: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
