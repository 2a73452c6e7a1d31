"""The actions of inittab(5), one row each; everything else about an action is derived from its row.

To add one: a row here, its name in grammar/inittab.lark (then ``make parser``), and a paragraph in
man/inittab.5.rst.
"""

from __future__ import annotations

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: When the entries of an action are started: in a stage, in the levels they name, on an event, or never.
AT_SYSINIT, AT_BOOT, IN_LEVEL, ON_EVENT, NEVER = "#", "*", "level", "event", ""
#: Whether they may run in level S: if they name it, also if their levels are empty, or never.
IF_NAMED, ALSO_IF_EMPTY, NOT_IN_S = "if named", "also if empty", "not in S"
#: The other inits, for ``known_to``.
C, BUSYBOX = "c", "busybox"


class Action(Value):
    """The properties of an action."""

    when: str  # AT_SYSINIT, AT_BOOT, IN_LEVEL, ON_EVENT or NEVER
    waited: bool = False  # the entries after it wait for its end
    again: bool = False  # restarted whenever it ends
    first: bool = False  # started before the entries that are not
    in_s: str = IF_NAMED  # IF_NAMED, ALSO_IF_EMPTY or NOT_IN_S
    event: str = ""  # the one that starts it
    known_to: tuple[str, ...] = ()  # the other inits that have it

    @property
    def owns_console(self) -> bool:
        """Whether the console becomes its controlling terminal, in stages without gettys.

        See behaviour/children#terminal.

        Event entries do not take it from the sulogin of level S, as C's do.
        """
        return self.waited and self.when != ON_EVENT

    @property
    def outlasts_stage(self) -> bool:
        """Whether its processes keep running after their stage, as those of boot entries do.

        See behaviour/boot#entries.
        """
        return self.when == AT_BOOT and not self.waited


def _on(event: str, waited: bool = False) -> Action:
    return Action(ON_EVENT, waited, first=True, in_s=ALSO_IF_EMPTY, event=event, known_to=(C,))


ACTIONS = {
    "sysinit": Action(AT_SYSINIT, waited=True, known_to=(C, BUSYBOX)),
    "boot": Action(AT_BOOT, known_to=(C,)),
    "bootwait": Action(AT_BOOT, waited=True, known_to=(C,)),
    "initdefault": Action(NEVER, known_to=(C,)),
    "wait": Action(IN_LEVEL, waited=True, known_to=(C, BUSYBOX)),
    "once": Action(IN_LEVEL, known_to=(C, BUSYBOX)),
    "respawn": Action(IN_LEVEL, again=True, known_to=(C, BUSYBOX)),
    "ondemand": Action(IN_LEVEL, again=True, in_s=NOT_IN_S, known_to=(C,)),
    "off": Action(NEVER, known_to=(C,)),
    "powerwait": _on("power failed", waited=True),
    "powerfail": _on("power failed"),
    "powerokwait": _on("power ok", waited=True),
    "powerfailnow": _on("power low", waited=True),
    "ctrlaltdel": _on("ctrlaltdel", waited=True).replace(known_to=(C, BUSYBOX)),
    "kbrequest": Action(ON_EVENT, event="kbrequest", known_to=(C,)),
    "resume": Action(ON_EVENT, event="resume"),  # SuSE's
}


def names(chosen: Callable[[Action], bool]) -> tuple[str, ...]:
    """Return the names of the actions for which ``chosen`` is true, in the order of the table."""
    return tuple(name for name, action in ACTIONS.items() if chosen(action))


BOOT_ACTIONS = names(lambda action: action.when in (AT_SYSINIT, AT_BOOT))
LEVEL_ACTIONS = names(lambda action: action.when == IN_LEVEL)
RUN_ONCE = names(lambda action: action.when == IN_LEVEL and not action.again)
EVENT_ACTIONS = names(lambda action: action.when == ON_EVENT)
WAITED_ACTIONS = names(lambda action: action.waited)
RESPAWNED = names(lambda action: action.again)

#: The events that start entries.
EVENTS = tuple(dict.fromkeys(action.event for action in ACTIONS.values() if action.event))
