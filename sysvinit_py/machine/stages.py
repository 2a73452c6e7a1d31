"""The stages, and the level characters of requests (behaviour/runlevels).

A *stage* is where the machine stands: SYSINIT, BOOT, or the character of a level.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT
from sysvinit_py.inittab.entry import LEVELS

SYSINIT, BOOT = AT_SYSINIT, AT_BOOT
SINGLE_USER = "S"
NO_LEVEL = "N"  # what PREVLEVEL says before there was a level

#: Level characters of a request that start entries on demand, by what is asked for.
ON_DEMAND = {"a": "a", "b": "b", "c": "c", "A": "a", "B": "b", "C": "c"}
#: Level characters of a request that name a level to enter.
ENTERABLE = {level: level for level in LEVELS} | {"s": SINGLE_USER}
#: Level characters of a request that name none.
REREAD = ("q", "Q")
REEXECUTE = ("u", "U")
REQUESTS = (*ENTERABLE, *ON_DEMAND, *REREAD, *REEXECUTE)

#: On entering these the console gets sane settings.
SANE_CONSOLE_LEVELS = "S016"
