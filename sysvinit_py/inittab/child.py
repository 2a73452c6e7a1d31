"""The process that parses inittab for init, so that no file, however malformed, can crash PID 1."""

from __future__ import annotations

import sys

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import load
from sysvinit_py.inittab.wire import encode


def main(sources: int = 0, answer: int = 1) -> int:
    """Read sources from one descriptor, and write their reading to the other.

    Returns the exit status: 1 on failure, with the reason in a line on standard error.
    """
    try:
        with open(sources, "rb", closefd=False) as given:
            reading = encode(interpret(load(given.read())))
        with open(answer, "wb", closefd=False) as output:
            output.write(reading)
    except Exception as error:  # init expects a reading or an exit status, never a traceback
        print(f"cannot read inittab: {error!r}", file=sys.stderr)
        return 1
    return 0
