"""The stages, and the level characters of requests (behaviour/runlevels).

A *stage* of the machine is SYSINIT, BOOT, or the character of a level.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT
from sysvinit_py.inittab.entry import LEVELS

SYSINIT, BOOT = AT_SYSINIT, AT_BOOT
SINGLE_USER = "S"
LEVEL = "level"  # in the tables below: any of 0 to 9
NO_LEVEL = "N"  # the value of PREVLEVEL if there was no level before

#: Level characters of a request that start entries on demand, and the letters they stand for.
ON_DEMAND = {"a": "a", "b": "b", "c": "c", "A": "a", "B": "b", "C": "c"}
#: Level characters of a request to enter a level, and the levels they stand for.
ENTERABLE = {level: level for level in LEVELS} | {"s": SINGLE_USER}
#: Level characters of other requests.
REREAD = ("q", "Q")
REEXECUTE = ("u", "U")
REQUESTS = (*ENTERABLE, *ON_DEMAND, *REREAD, *REEXECUTE)

#: What follows when a stage is over, by its kind: a level is chosen, the level that was chosen before the
#: boot entries is entered, or the machine stays in the level (behaviour/boot).
CHOOSE, TARGET, STAY = "choose", "target", "stay"
OVER = {SYSINIT: CHOOSE, BOOT: TARGET, SINGLE_USER: CHOOSE, LEVEL: STAY}

#: The next stage, by the kind of level that was chosen, and whether the boot entries have run.
CHOSEN = {
    (SINGLE_USER, False): SINGLE_USER,
    (SINGLE_USER, True): SINGLE_USER,
    (LEVEL, False): BOOT,
    (LEVEL, True): LEVEL,
}

#: The levels on entering which the settings of the console are reset.
SANE_CONSOLE_LEVELS = "S016"


def kind(stage: str) -> str:
    """Return the key of the stage in the tables: itself, or LEVEL."""
    return stage if stage in (SYSINIT, BOOT, SINGLE_USER) else LEVEL
