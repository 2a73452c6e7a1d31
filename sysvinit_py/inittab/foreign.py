"""Files that are not a SysV inittab, such as BusyBox's: reported once each, not line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sysvinit_py.inittab import actions
from sysvinit_py.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

C_ACTIONS = actions.names(lambda action: actions.C in action.known_to)
#: Actions that only BusyBox has.
OWN_ACTIONS = ("askfirst", "shutdown", "restart")
BUSYBOX_ACTIONS = (*actions.names(lambda action: actions.BUSYBOX in action.known_to), *OWN_ACTIONS)


def is_busybox(data: bytes) -> bool:
    """Return whether an inittab is for BusyBox, by the number of lines that only one of the inits accepts.

    In BusyBox's the id is a terminal or empty, and the runlevels are empty.
    """
    busybox = 0
    for line in data.decode("latin-1").split("\n"):
        entry_id, *rest = line.split(":", 3)
        if len(rest) < 3 or entry_id.startswith("#"):
            continue
        runlevels, action, _ = rest
        if not runlevels and (not entry_id or action in OWN_ACTIONS):
            busybox += 1
        elif runlevels or action in C_ACTIONS[:4]:  # the actions of every SysV inittab
            busybox -= 1
    return busybox > 0


class Foreign(Value):
    """A kind of file that is not a SysV inittab."""

    is_one: Callable[[bytes], object]  # given its content
    line: re.Pattern[str]  # matches the lines that are refused for this reason
    reason: str


KINDS = (
    Foreign(
        re.compile(rb"\xff\xfe|\xfe\xff").match,
        re.compile(""),
        "UTF-16 text (expected ASCII or UTF-8): save it as UTF-8, without a byte order mark",
    ),
    Foreign(
        re.compile("\ufeff".encode()).match,
        re.compile("\ufeff"),
        "begins with a byte order mark, which is taken for a part of the first line: save the file without it"
        " (inittab-lint --fix removes it)",
    ),
    Foreign(
        is_busybox,
        re.compile(rf"[^:]*::({'|'.join(BUSYBOX_ACTIONS)}):"),
        "an inittab for BusyBox (expected id:runlevels:action:process): give each entry an id of up to 4"
        " characters, write respawn for askfirst, and add an initdefault",
    ),
)
