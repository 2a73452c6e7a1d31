"""The program itself: init with pid 1, else telinit; and the process that reads the inittab for init."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Be what the pid and the arguments say (SPEC 9)."""
    arguments = sys.argv[1:]
    if os.getpid() == 1 or arguments[:1] == ["--init"]:
        from sysvinit_py.pid1.init import main as init

        init(sys.argv, os.path.abspath(sys.argv[0]))
    if arguments[:1] == ["--read-inittab"]:
        from sysvinit_py.inittab.child import main as read_inittab

        return read_inittab()
    from sysvinit_py.tools.telinit import main as telinit

    return telinit(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
