"""The inits that an inittab can be written for: their limits and quirks, a table (behaviour/inittab).

sysvinit-3.06, sysvinit-3.14 and busybox are compared with the running binaries by tests/system/lint;
sysvinit-2.88 is taken from documentation.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import MAX_LINE
from sysvinit_py.inittab.foreign import BUSYBOX_ACTIONS as BUSYBOX_ACTIONS
from sysvinit_py.inittab.foreign import C_ACTIONS as C_ACTIONS
from sysvinit_py.inittab.foreign import is_busybox
from sysvinit_py.value import Value


class Target(Value):
    """One init. Limits are in bytes."""

    name: str
    reader: str  # which function of reading.py reads it: "ours", "c" or "busybox"
    actions: tuple[str, ...]
    max_line: int = MAX_LINE
    max_process: int = MAX_LINE
    max_words: int = 0  # of a process that sh does not run; 0: any number
    exec_prefix: bool = False  # puts "exec " before what it gives to sh
    small_s: bool = False  # takes s for S in runlevels
    at_sign: bool = True  # knows the leading @
    tab_files: bool = True  # reads inittab.d
    one_entry_a_tab: bool = False
    needs_newlines: bool = (
        False  # refuses a line whose newline it does not see: cut off, missing, behind a NUL
    )
    waits_for_terminals: bool = False  # starts a getty when its terminal is there, and not before
    comment_is_a_word: bool = False  # passes an empty last argument where a # ends the process

    @property
    def sysv(self) -> bool:
        """Whether it has runlevels; BusyBox has not."""
        return self.reader != "busybox"


SYSVINIT_PY = Target("sysvinit_py", "ours", tuple(ACTIONS), small_s=True, waits_for_terminals=True)
SYSVINIT_2_88 = Target(
    "sysvinit-2.88", "c", C_ACTIONS, max_line=254, max_process=127, max_words=14, exec_prefix=True,
    at_sign=False, tab_files=False, comment_is_a_word=True,
)  # fmt: skip
SYSVINIT_3_06 = Target(
    "sysvinit-3.06", "c", C_ACTIONS, max_line=254, max_process=127, max_words=14, exec_prefix=True,
    one_entry_a_tab=True, comment_is_a_word=True,
)  # fmt: skip
SYSVINIT_3_14 = Target(
    "sysvinit-3.14", "c", C_ACTIONS, max_line=254, max_process=254, max_words=14,
    one_entry_a_tab=True, needs_newlines=True, comment_is_a_word=True,
)  # fmt: skip
#: Ours as ``init --container``, which boots no machine, and refuses what the rules call an error.
CONTAINER = SYSVINIT_PY.replace(name="container")
BUSYBOX = Target("busybox", "busybox", BUSYBOX_ACTIONS, exec_prefix=True, at_sign=False, tab_files=False)

ALL = (SYSVINIT_PY, SYSVINIT_2_88, SYSVINIT_3_06, SYSVINIT_3_14, CONTAINER, BUSYBOX)
SYSV = tuple(target for target in ALL if target.sysv)
OURS = tuple(target for target in ALL if target.reader == "ours")
MACHINES = tuple(target for target in SYSV if target is not CONTAINER)
C_INITS = tuple(target for target in ALL if target.reader == "c")

TARGETS = {target.name: target for target in ALL}


def guess(data: bytes) -> Target:
    """Tell whose inittab this is."""
    return BUSYBOX if is_busybox(data) else SYSVINIT_PY
