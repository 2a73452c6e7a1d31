"""The stages, and the level characters of requests (behaviour/runlevels).

A *stage* is where the machine stands: SYSINIT, BOOT, or the character of a level.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT
from sysvinit_py.inittab.entry import LEVELS

SYSINIT, BOOT = AT_SYSINIT, AT_BOOT
SINGLE_USER = "S"
LEVEL = "level"  # in the tables below: any of 0 to 9
NO_LEVEL = "N"  # what PREVLEVEL says before there was a level

#: Level characters of a request that start entries on demand, by what is asked for.
ON_DEMAND = {"a": "a", "b": "b", "c": "c", "A": "a", "B": "b", "C": "c"}
#: Level characters of a request that name a level to enter.
ENTERABLE = {level: level for level in LEVELS} | {"s": SINGLE_USER}
#: Level characters of a request that name none.
REREAD = ("q", "Q")
REEXECUTE = ("u", "U")
REQUESTS = (*ENTERABLE, *ON_DEMAND, *REREAD, *REEXECUTE)

#: What follows when a stage is over, by its kind: a level is chosen, the one that was chosen before the boot
#: entries is entered, or the level stays, although empty (behaviour/boot).
CHOOSE, TARGET, STAY = "choose", "target", "stay"
OVER = {SYSINIT: CHOOSE, BOOT: TARGET, SINGLE_USER: CHOOSE, LEVEL: STAY}

#: The stage to go to, by the kind of level that is chosen, and whether the boot entries have run.
CHOSEN = {
    (SINGLE_USER, False): SINGLE_USER,
    (SINGLE_USER, True): SINGLE_USER,
    (LEVEL, False): BOOT,
    (LEVEL, True): LEVEL,
}

#: On entering these the console gets sane settings.
SANE_CONSOLE_LEVELS = "S016"


def kind(stage: str) -> str:
    """Return what the tables have for the stage: itself, or LEVEL."""
    return stage if stage in (SYSINIT, BOOT, SINGLE_USER) else LEVEL
