"""svlogd with one system call that fails for a while.

``python -m tests.faults.logger DIR [NAME PLACE ERROR]`` notes in DIR/../places which line makes which call.
The call NAME of the line PLACE fails with the number ERROR; after it has been made if it is close(2), which
closes all the same.
"""

from __future__ import annotations

import os
import posix
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sysvinit_py.clients.runit import svlogd
from sysvinit_py.logs import folder
from tests.faults.errors import ERRORS

#: Seconds: how long a call fails, and the pauses of the logger.
FAILS, RETRY = 0.2, 0.05
NAMES = (
    "chmod",
    "close",
    "fchmod",
    "fstat",
    "fsync",
    "listdir",
    "mkdir",
    "open",
    "rename",
    "stat",
    "unlink",
    "write",
)
CLOSE = (5, 122)  # EIO, EDQUOT
ALL = ERRORS | {"close": CLOSE, "fsync": CLOSE}


def wrapped(name: str, place: tuple[str, str], number: int, told: Path) -> Callable[..., Any]:
    """Return a call of posix that fails at a place."""
    real = getattr(posix, name)

    def call(*arguments: Any, **named: Any) -> Any:
        frame = sys._getframe(1)
        here = name, f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
        with (told / "places").open("a") as places:
            places.write(" ".join(here) + "\n")
        fails = False
        if here == place:
            tripped = told / "tripped"
            if not tripped.exists():
                tripped.write_text(repr(time.time()))
            fails = time.time() < float(tripped.read_text()) + FAILS
        if fails and name != "close":
            raise OSError(number, os.strerror(number))
        made = real(*arguments, **named)
        if fails:
            raise OSError(number, os.strerror(number))
        return made

    return call


def main(path: str, name: str = "", place: str = "", number: str = "0") -> int:
    """Be svlogd."""
    told = Path(path).parent
    calls = {one: wrapped(one, (name, place), int(number), told) for one in NAMES}
    double = SimpleNamespace(**(vars(posix) | calls))
    for module in (folder, svlogd):
        vars(module)["os"] = double
    folder.RETRY = folder.PROCESSOR_PAUSE = RETRY
    return svlogd.main(["svlogd", path])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
