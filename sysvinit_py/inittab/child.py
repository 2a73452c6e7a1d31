"""What init runs to read inittab: a process of its own, so that no file, however odd, can hurt PID 1."""

from __future__ import annotations

import sys

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import load
from sysvinit_py.inittab.wire import encode


def main(sources: int = 0, answer: int = 1) -> int:
    """Take sources from one descriptor, and write their reading to the other.

    Returns the exit status: 1 if there is no reading, and a line on standard error says why.
    """
    try:
        with open(sources, "rb", closefd=False) as given:
            reading = encode(interpret(load(given.read())))
        with open(answer, "wb", closefd=False) as output:
            output.write(reading)
    except Exception as error:  # whatever it is, init has to hear of it in one line
        print(f"cannot read inittab: {error!r}", file=sys.stderr)
        return 1
    return 0
