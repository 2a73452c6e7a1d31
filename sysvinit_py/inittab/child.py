"""What init runs to read inittab: a process of its own, so that no file, however odd, can hurt PID 1."""

from __future__ import annotations

import sys

from sysvinit_py.inittab.read import read
from sysvinit_py.inittab.wire import encode


def main(arguments: list[str]) -> int:
    """Write a reading to standard output, in the form of :mod:`sysvinit_py.inittab.wire`.

    The arguments are the main file and the directory, if not those of /etc. Returns the exit status:
    1 if there is no reading, and a line on standard error says why.
    """
    try:
        answer = encode(read(*arguments))
        with open(1, "wb", closefd=False) as output:
            output.write(answer)
    except Exception as error:  # whatever it is, init has to hear of it in one line
        print(f"cannot read inittab: {error!r}", file=sys.stderr)
        return 1
    return 0
