"""INT2, first part: initdefault, and what else a whole inittab needs."""

from __future__ import annotations

from sysvinit_py.inittab.actions import BOOT_ACTIONS, RUN_ONCE
from sysvinit_py.inittab.entry import LEVELS
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.finding import Match, printable
from sysvinit_py.lint.inittab import ACTION, PROCESS, RUNLEVELS, EntryView
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import MACHINES, SYSV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import Inittab


def defaults(inittab: Inittab) -> list[EntryView]:
    """Return the initdefault entries, the one that counts first."""
    return [view for view in inittab.views if view.action == "initdefault"]


@rule("INT201", "no-initdefault", "warning", MACHINES)
def no_initdefault(inittab: Inittab) -> Iterator[Match]:
    """No entry says which runlevel to enter at boot.

    init then asks ``Enter runlevel:`` on the console at every boot, and waits for the answer. A part of an
    inittab (``--fragment``, a ``.tab`` file) is not asked for it.

    Bad::

        si::sysinit:/etc/init.d/rcS

    Good::

        id:2:initdefault:
        si::sysinit:/etc/init.d/rcS
    """
    if inittab.whole and "initdefault" not in inittab.actions:
        hint = "add id:2:initdefault:, or say --fragment if this is only a part of an inittab"
        yield inittab.match("no initdefault entry: init asks for a runlevel at every boot", hint)


@rule("INT202", "second-initdefault", "warning", SYSV)
def second_initdefault(inittab: Inittab) -> Iterator[Match]:
    """There are two initdefault entries.

    The first one counts, the others are silently ignored.

    Bad::

        id:3:initdefault:
        id2:5:initdefault:

    Good::

        id:5:initdefault:
    """
    for view in defaults(inittab)[1:]:
        first = defaults(inittab)[0].entry
        where = f"line {first.line}" + (f" of {first.file}" if first.file != view.entry.file else "")
        level = max(first.runlevels.upper(), default="9")
        counts = (
            f"level {level}" if level in LEVELS else f"{printable(first.runlevels)!r}, which is not a level,"
        )
        yield view.match(
            ACTION,
            f"this initdefault is ignored: {counts} in {where} counts",
            f"remove this line; to boot into another level, change {where}",
        )


@rule("INT203", "several-default-levels", "warning", SYSV)
def several_default_levels(inittab: Inittab) -> Iterator[Match]:
    """initdefault names several levels, or none.

    Of several characters init takes the highest, and the empty field means level 9: hardly what was meant.

    Bad::

        id:35:initdefault:

    Good::

        id:5:initdefault:
    """
    for view in defaults(inittab)[:1]:
        if not view.runlevels:
            yield view.match(
                ACTION, "initdefault names no level: init enters level 9", "name one, as in id:2:initdefault:"
            )
        elif len(set(view.runlevels)) > 1 and (highest := max(view.runlevels.upper())) in LEVELS:
            message = f"initdefault names several levels: init takes the highest, {highest}"
            fix = view.replace(RUNLEVELS, highest, f"leave {highest}")
            yield view.match(RUNLEVELS, message, "name one", fix)


@rule("INT204", "default-halts", "warning", MACHINES)
def default_halts(inittab: Inittab) -> Iterator[Match]:
    """initdefault is 0 or 6: the machine halts, or reboots, as soon as it has booted.

    Bad::

        id:6:initdefault:

    Good::

        id:2:initdefault:
    """
    for view in defaults(inittab)[:1]:
        does = {"0": "halts", "6": "reboots"}.get(max(view.runlevels, default=""))
        if does:
            yield view.match(RUNLEVELS, f"the machine {does} as soon as it has booted")


@rule("INT205", "invalid-default", "warning", MACHINES)
def invalid_default(inittab: Inittab) -> Iterator[Match]:
    """The highest character of initdefault is no runlevel.

    init takes the highest character before it looks whether it is a level, so ``2a`` is invalid too. It
    then says so and asks for a level on the console.

    Bad::

        id:2a:initdefault:

    Good::

        id:2:initdefault:
    """
    for view in defaults(inittab)[:1]:
        highest = max(view.runlevels.upper(), default="9")
        if highest not in LEVELS:
            yield view.match(
                RUNLEVELS, f"{printable(highest)!r} is no runlevel to boot into: init will ask for one"
            )


@rule("INT206", "empty-default", "warning", MACHINES)
def empty_default(inittab: Inittab) -> Iterator[Match]:
    """Nothing is started in the level that initdefault names.

    Bad::

        id:3:initdefault:
        1:2:respawn:/sbin/getty 38400 tty1

    Good::

        id:2:initdefault:
        1:2:respawn:/sbin/getty 38400 tty1
    """
    for view in defaults(inittab)[:1] if inittab.whole else ():
        level = max(view.runlevels.upper(), default="9")
        if level in LEVELS and not inittab.starts_in(level):
            yield view.match(RUNLEVELS, f"nothing is started in level {level}")


@rule("INT207", "only-initdefault", "warning", MACHINES)
def only_initdefault(inittab: Inittab) -> Iterator[Match]:
    """The file names the default level and nothing else.

    Upstart and systemd took this much from an inittab, or left it as a reminder. SysV init would boot it
    and start nothing: no getty, no scripts.

    Bad::

        id:3:initdefault:

    Good::

        id:3:initdefault:
        si::sysinit:/etc/rc.d/rc.sysinit
        l3:3:wait:/etc/rc.d/rc 3
    """
    if not inittab.fragment and inittab.only_default:
        yield inittab.views[0].match(ACTION, "nothing but initdefault: SysV init would start nothing")


@rule("INT211", "no-single-user", "info", MACHINES)
def no_single_user(inittab: Inittab) -> Iterator[Match]:
    """No entry is started in single user mode, S.

    init then adds ``~~:S:wait:/sbin/sulogin`` by itself. That is enough as long as there is a sulogin.

    Bad::

        id:2:initdefault:
        l2:2:wait:/etc/init.d/rc 2

    Good::

        id:2:initdefault:
        ~~:S:wait:/sbin/sulogin
        l2:2:wait:/etc/init.d/rc 2
    """
    if inittab.whole and not inittab.starts_in("S"):
        yield inittab.match("no entry is started in level S: init runs /sbin/sulogin there")


@rule("INT212", "no-halt-or-reboot", "warning", MACHINES)
def no_halt_or_reboot(inittab: Inittab) -> Iterator[Match]:
    """Nothing is run in level 0, or in level 6.

    init never halts or reboots the machine itself: the entries of these levels do. Without them ``halt``
    and ``reboot`` end all processes and leave the machine standing there.

    Bad::

        id:2:initdefault:
        l2:2:wait:/etc/init.d/rc 2

    Good::

        id:2:initdefault:
        l0:0:wait:/etc/init.d/rc 0
        l2:2:wait:/etc/init.d/rc 2
        l6:6:wait:/etc/init.d/rc 6
    """
    if not inittab.whole:
        return
    run = {level for s in inittab.views if s.action in RUN_ONCE for level in s.levels}
    lacking = [f"{level} ({does})" for level, does in (("0", "halt"), ("6", "reboot")) if level not in run]
    if lacking:
        yield inittab.match(f"nothing is run in level {' and '.join(lacking)}: the machine will not go down")


@rule("INT213", "no-ctrlaltdel", "info", MACHINES)
def no_ctrlaltdel(inittab: Inittab) -> Iterator[Match]:
    """Nothing is done at Ctrl-Alt-Del.

    init takes the keys away from the kernel, so without an entry they do nothing. That may be wanted.

    Bad::

        id:2:initdefault:
        l2:2:wait:/etc/init.d/rc 2

    Good::

        id:2:initdefault:
        l2:2:wait:/etc/init.d/rc 2
        ca::ctrlaltdel:/sbin/shutdown -r now
    """
    if inittab.whole and "ctrlaltdel" not in inittab.actions:
        yield inittab.match("no ctrlaltdel entry: Ctrl-Alt-Del does nothing")


@rule("INT214", "no-boot-work", "warning", MACHINES)
def no_boot_work(inittab: Inittab) -> Iterator[Match]:
    """Nothing is run at boot: no sysinit, boot or bootwait entry.

    File systems are mounted, and udev is started, by what these entries run.

    Bad::

        id:2:initdefault:
        l2:2:wait:/etc/init.d/rc 2

    Good::

        id:2:initdefault:
        si::sysinit:/etc/init.d/rcS
        l2:2:wait:/etc/init.d/rc 2
    """
    if inittab.whole and inittab.actions.isdisjoint(BOOT_ACTIONS):
        yield inittab.match("no sysinit, boot or bootwait entry: nothing is mounted or set up at boot")


@rule("INT219", "ignored-process", "info", SYSV)
def ignored_process(inittab: Inittab) -> Iterator[Match]:
    """A process is written at initdefault, which ignores it.

    Bad::

        id:3:initdefault:/sbin/getty 38400 tty1

    Good::

        id:3:initdefault:
    """
    for view in defaults(inittab):
        if view.process.strip(BLANKS):
            yield view.match(PROCESS, "initdefault ignores the process")
