"""INT2, second part: the runlevels field, and what the actions do with it."""

from __future__ import annotations

from sysvinit_py.inittab.actions import BOOT_ACTIONS, EVENT_ACTIONS
from sysvinit_py.inittab.entry import LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.finding import Match, printable
from sysvinit_py.lint.inittab import ACTION, RUNLEVELS
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import C_INITS, MACHINES, SYSV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import Inittab

DEMANDED = ON_DEMAND_LEVELS + ON_DEMAND_LEVELS.upper()


@rule("INT208", "unknown-runlevel", "warning", SYSV)
def unknown_runlevel(inittab: Inittab) -> Iterator[Match]:
    """There is a character in the runlevels that is not a level.

    Levels are 0 to 9, S, and a, b, c of on-demand entries. Anything else never matches, and init does not
    say so.

    Bad::

        1:2,3:respawn:/sbin/getty 38400 tty1

    Good::

        1:23:respawn:/sbin/getty 38400 tty1
    """
    known = LEVELS + "s" + DEMANDED
    for view in inittab.views:
        strange = "".join(dict.fromkeys(c for c in view.runlevels if c not in known))
        if not strange:
            continue
        if "-" in strange:
            hint = "ranges are not known: write all the levels, as in 2345"
        elif not strange.strip(",;" + BLANKS):
            hint = "write the levels side by side, as in 2345"
        else:
            hint = ""
        left = "".join(c for c in view.runlevels if c in known)
        fix = (
            view.replace(RUNLEVELS, left, f"remove {printable(strange)!r}")
            if left and "-" not in strange
            else None
        )
        message = f"no runlevel: {printable(strange)!r}, which never matches"
        yield view.match(RUNLEVELS, message, hint, fix)


@rule("INT209", "small-s", "warning", C_INITS)
def small_s(inittab: Inittab) -> Iterator[Match]:
    """The single user level is written as a small s.

    In the runlevels of an inittab C sysvinit knows only S, but at initdefault: the entry is not run in
    single user mode. sysvinit_py takes both.

    Bad::

        su:s:wait:/sbin/sulogin

    Good::

        su:S:wait:/sbin/sulogin
    """
    for view in inittab.views:
        if view.action in (*BOOT_ACTIONS, "initdefault"):
            continue
        if "s" in view.runlevels and "S" not in view.runlevels:
            fix = view.replace(RUNLEVELS, view.runlevels.replace("s", "S"), "write S")
            yield view.match(RUNLEVELS, "s is not S for this init: the level never matches", "write S", fix)


@rule("INT210", "repeated-runlevel", "info", SYSV)
def repeated_runlevel(inittab: Inittab) -> Iterator[Match]:
    """A level is written twice.

    It changes nothing, but is often the sign of another that was meant.

    Bad::

        1:2335:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        once = "".join(dict.fromkeys(view.runlevels))
        if once != view.runlevels:
            twice = "".join(dict.fromkeys(c for c in view.runlevels if view.runlevels.count(c) > 1))
            fix = view.replace(RUNLEVELS, once, "write each level once", safe=True)
            yield view.match(RUNLEVELS, f"written more than once: {printable(twice)}", fix=fix)


@rule("INT215", "respawn-in-halt", "warning", MACHINES)
def respawn_in_halt(inittab: Inittab) -> Iterator[Match]:
    """Something is respawned in level 0 or 6.

    There the machine goes down: what is killed for that comes back and keeps file systems busy. Empty
    runlevels mean 0 to 9, so 0 and 6 too. A sulogin there is the usual safety net for a shutdown that
    fails, and is not reported.

    Bad::

        c10:0123456:respawn:/bin/dmesg --follow

    Good::

        c10:12345:respawn:/bin/dmesg --follow
    """
    for view in inittab.views:
        if view.action != "respawn" or view.name == "sulogin":
            continue
        levels = [level for level in "06" if level in view.levels]
        if levels and not view.runlevels:
            message = "respawned in levels 0 and 6 too: empty runlevels mean 0 to 9"
            yield view.match(ACTION, message, "write the levels, as in 2345")
        elif levels:
            left = view.runlevels.replace("0", "").replace("6", "")
            fix = view.replace(RUNLEVELS, left, "leave out 0 and 6") if left else None
            yield view.match(
                RUNLEVELS, f"respawned in level {' and '.join(levels)}, where the machine goes down", fix=fix
            )


@rule("INT216", "ondemand-without-letter", "warning", SYSV)
def ondemand_without_letter(inittab: Inittab) -> Iterator[Match]:
    """An ondemand entry has none of the levels a, b and c.

    ``telinit a`` starts the entries with an a. Without a letter nothing can demand it; with digits it is
    started on entering those levels, which is what respawn does.

    Bad::

        d1:23:ondemand:/usr/sbin/backup-daemon

    Good::

        d1:a:ondemand:/usr/sbin/backup-daemon
    """
    for view in inittab.views:
        if view.action == "ondemand" and not set(view.runlevels) & set(DEMANDED):
            yield view.match(
                ACTION, "ondemand without a, b or c: nothing can demand it", "add a letter, or use respawn"
            )


@rule("INT217", "letter-without-ondemand", "warning", SYSV)
def letter_without_ondemand(inittab: Inittab) -> Iterator[Match]:
    """The levels a, b or c stand at an action that they are not for.

    For events and for ``off`` they mean nothing. A wait or respawn entry is started by ``telinit a`` too,
    but ondemand is the action for that. ``once`` with a letter is a known idiom and is not reported.

    Bad::

        x:a:respawn:/usr/bin/xdm -nodaemon

    Good::

        x:a:ondemand:/usr/bin/xdm -nodaemon
    """
    for view in inittab.views:
        letters = [c for c in view.runlevels if c in DEMANDED]
        if not letters:
            continue
        if view.action in (*EVENT_ACTIONS, "off"):
            yield view.match(RUNLEVELS, f"level {', '.join(letters)} means nothing to {view.action}")
        elif view.action in ("wait", "respawn"):
            yield view.match(
                RUNLEVELS, f"level {', '.join(letters)} is for ondemand", "use ondemand, or once"
            )


@rule("INT218", "ignored-runlevels", "info", SYSV)
def ignored_runlevels(inittab: Inittab) -> Iterator[Match]:
    """Runlevels are written where the action ignores them.

    sysinit, boot and bootwait entries are run at every boot, whatever their runlevels field says. S at
    sysinit, as Slackware writes it, is a usual reminder and is not reported.

    Bad::

        rc:23:bootwait:/etc/rc

    Good::

        rc::bootwait:/etc/rc
    """
    for view in inittab.views:
        if view.action in BOOT_ACTIONS and view.runlevels not in ("", "S"):
            yield view.match(RUNLEVELS, f"{view.action} ignores the runlevels: this is run at every boot")


@rule("INT220", "empty-process", "warning", SYSV)
def empty_process(inittab: Inittab) -> Iterator[Match]:
    """The process field is empty, so that the entry does nothing.

    That is right for initdefault and off only.

    Bad::

        1:2345:respawn:

    Good::

        1:2345:off:
    """
    for view in inittab.views:
        if view.action in ("initdefault", "off"):
            continue
        if not view.process[view.command_start :].strip(BLANKS):
            yield view.match(ACTION, f"{view.action} without a process: the entry does nothing")
