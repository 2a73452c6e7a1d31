"""INT2: runlevels, and what the actions do with them."""

from __future__ import annotations

from sysvinit_py.inittab.entry import EVENT_ACTIONS, LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.tools.lint.finding import Hit, printable
from sysvinit_py.tools.lint.inittab import ACTION, PROCESS, RUNLEVELS, Subject
from sysvinit_py.tools.lint.rule import rule
from sysvinit_py.tools.lint.targets import C_INITS, SYSV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.tools.lint.inittab import Inittab

AT_BOOT = ("sysinit", "boot", "bootwait")
DEMANDED = ON_DEMAND_LEVELS + ON_DEMAND_LEVELS.upper()


def defaults(inittab: Inittab) -> list[Subject]:
    """The initdefault entries, the one that counts first."""
    return [subject for subject in inittab.subjects if subject.action == "initdefault"]


@rule("INT201", "no-initdefault", "warning", SYSV)
def no_initdefault(inittab: Inittab) -> Iterator[Hit]:
    """No entry says which runlevel to enter at boot.

    init then asks ``Enter runlevel:`` on the console at every boot, and waits for the answer. A part of an
    inittab (``--fragment``, a ``.tab`` file) is not asked for it.

    Bad::

        si::sysinit:/etc/init.d/rcS

    Good::

        id:2:initdefault:
        si::sysinit:/etc/init.d/rcS
    """
    if inittab.whole and not defaults(inittab):
        hint = "add id:2:initdefault:, or say --fragment if this is only a part of an inittab"
        yield inittab.hit("no initdefault entry: init asks for a runlevel at every boot", hint)


@rule("INT202", "second-initdefault", "warning", SYSV)
def second_initdefault(inittab: Inittab) -> Iterator[Hit]:
    """There are two initdefault entries.

    The first one counts, the others are ignored without a word.

    Bad::

        id:3:initdefault:
        id2:5:initdefault:

    Good::

        id:5:initdefault:
    """
    for subject in defaults(inittab)[1:]:
        first = defaults(inittab)[0].entry
        yield subject.hit(
            ACTION, f"only the first initdefault counts, {first.runlevels!r} in line {first.line}"
        )


@rule("INT203", "several-default-levels", "warning", SYSV)
def several_default_levels(inittab: Inittab) -> Iterator[Hit]:
    """initdefault names several levels, or none.

    Of several characters init takes the highest, and the empty field means level 9: hardly what was meant.

    Bad::

        id:35:initdefault:

    Good::

        id:5:initdefault:
    """
    for subject in defaults(inittab)[:1]:
        if not subject.runlevels:
            yield subject.hit(
                ACTION, "initdefault names no level: init enters level 9", "name one, as in id:2:initdefault:"
            )
        elif len(set(subject.runlevels)) > 1 and (highest := max(subject.runlevels.upper())) in LEVELS:
            message = f"initdefault names several levels: init takes the highest, {highest}"
            fix = subject.replace(RUNLEVELS, highest, f"leave {highest}")
            yield subject.hit(RUNLEVELS, message, "name one", fix)


@rule("INT204", "default-halts", "warning", SYSV)
def default_halts(inittab: Inittab) -> Iterator[Hit]:
    """initdefault is 0 or 6: the machine halts, or reboots, as soon as it has booted.

    Bad::

        id:6:initdefault:

    Good::

        id:2:initdefault:
    """
    for subject in defaults(inittab)[:1]:
        does = {"0": "halts", "6": "reboots"}.get(max(subject.runlevels, default=""))
        if does:
            yield subject.hit(RUNLEVELS, f"the machine {does} as soon as it has booted")


@rule("INT205", "invalid-default", "warning", SYSV)
def invalid_default(inittab: Inittab) -> Iterator[Hit]:
    """The highest character of initdefault is no runlevel.

    init takes the highest character before it looks whether it is a level, so ``2a`` is invalid too. It
    then says so and asks for a level on the console.

    Bad::

        id:2a:initdefault:

    Good::

        id:2:initdefault:
    """
    for subject in defaults(inittab)[:1]:
        highest = max(subject.runlevels.upper(), default="9")
        if highest not in LEVELS:
            yield subject.hit(
                RUNLEVELS, f"{printable(highest)!r} is no runlevel to boot into: init will ask for one"
            )


@rule("INT206", "empty-default", "warning", SYSV)
def empty_default(inittab: Inittab) -> Iterator[Hit]:
    """Nothing is started in the level that initdefault names.

    Bad::

        id:3:initdefault:
        1:2:respawn:/sbin/getty 38400 tty1

    Good::

        id:2:initdefault:
        1:2:respawn:/sbin/getty 38400 tty1
    """
    for subject in defaults(inittab)[:1] if inittab.whole else ():
        level = max(subject.runlevels.upper(), default="9")
        if level in LEVELS and not inittab.starts_in(level):
            yield subject.hit(RUNLEVELS, f"nothing is started in level {level}")


@rule("INT207", "only-initdefault", "warning", SYSV)
def only_initdefault(inittab: Inittab) -> Iterator[Hit]:
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
        yield inittab.subjects[0].hit(ACTION, "nothing but initdefault: SysV init would start nothing")


@rule("INT208", "unknown-runlevel", "warning", SYSV)
def unknown_runlevel(inittab: Inittab) -> Iterator[Hit]:
    """There is a character in the runlevels that is no level.

    Levels are 0 to 9, S, and a, b, c of on-demand entries. Anything else never matches, and init does not
    say so.

    Bad::

        1:2,3:respawn:/sbin/getty 38400 tty1

    Good::

        1:23:respawn:/sbin/getty 38400 tty1
    """
    known = LEVELS + "s" + DEMANDED
    for subject in inittab.subjects:
        strange = "".join(dict.fromkeys(c for c in subject.runlevels if c not in known))
        if not strange:
            continue
        if "-" in strange:
            hint = "ranges are not known: write all the levels, as in 2345"
        elif not strange.strip(",;" + BLANKS):
            hint = "write the levels side by side, as in 2345"
        else:
            hint = ""
        left = "".join(c for c in subject.runlevels if c in known)
        fix = (
            subject.replace(RUNLEVELS, left, f"remove {printable(strange)!r}")
            if left and "-" not in strange
            else None
        )
        message = f"no runlevel: {printable(strange)!r}, which never matches"
        yield subject.hit(RUNLEVELS, message, hint, fix)


@rule("INT209", "small-s", "warning", C_INITS)
def small_s(inittab: Inittab) -> Iterator[Hit]:
    """The single user level is written as a small s.

    In the runlevels of an inittab C sysvinit knows only S: the entry is not run in single user mode.
    sysvinit_py takes both.

    Bad::

        su:s:wait:/sbin/sulogin

    Good::

        su:S:wait:/sbin/sulogin
    """
    for subject in inittab.subjects:
        if "s" in subject.runlevels and "S" not in subject.runlevels and subject.action not in AT_BOOT:
            fix = subject.replace(RUNLEVELS, subject.runlevels.replace("s", "S"), "write S")
            yield subject.hit(RUNLEVELS, "s is not S for this init: the level never matches", "write S", fix)


@rule("INT210", "repeated-runlevel", "info", SYSV)
def repeated_runlevel(inittab: Inittab) -> Iterator[Hit]:
    """A level is written twice.

    It changes nothing, but is often the sign of another that was meant.

    Bad::

        1:2335:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for subject in inittab.subjects:
        once = "".join(dict.fromkeys(subject.runlevels))
        if once != subject.runlevels:
            twice = "".join(dict.fromkeys(c for c in subject.runlevels if subject.runlevels.count(c) > 1))
            fix = subject.replace(RUNLEVELS, once, "write each level once", safe=True)
            yield subject.hit(RUNLEVELS, f"written more than once: {printable(twice)}", fix=fix)


@rule("INT211", "no-single-user", "info", SYSV)
def no_single_user(inittab: Inittab) -> Iterator[Hit]:
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
        yield inittab.hit("no entry is started in level S: init runs /sbin/sulogin there")


@rule("INT212", "no-halt-or-reboot", "warning", SYSV)
def no_halt_or_reboot(inittab: Inittab) -> Iterator[Hit]:
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
    run = {level for s in inittab.subjects if s.action in ("wait", "once") for level in s.levels}
    lacking = [f"{level} ({does})" for level, does in (("0", "halt"), ("6", "reboot")) if level not in run]
    if lacking:
        yield inittab.hit(f"nothing is run in level {' and '.join(lacking)}: the machine will not go down")


@rule("INT213", "no-ctrlaltdel", "info", SYSV)
def no_ctrlaltdel(inittab: Inittab) -> Iterator[Hit]:
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
    if inittab.whole and not any(subject.action == "ctrlaltdel" for subject in inittab.subjects):
        yield inittab.hit("no ctrlaltdel entry: Ctrl-Alt-Del does nothing")


@rule("INT214", "no-boot-work", "warning", SYSV)
def no_boot_work(inittab: Inittab) -> Iterator[Hit]:
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
    if inittab.whole and not any(subject.action in AT_BOOT for subject in inittab.subjects):
        yield inittab.hit("no sysinit, boot or bootwait entry: nothing is mounted or set up at boot")


@rule("INT215", "respawn-in-halt", "warning", SYSV)
def respawn_in_halt(inittab: Inittab) -> Iterator[Hit]:
    """Something is respawned in level 0 or 6.

    There the machine goes down: what is killed for that comes back and keeps file systems busy. Empty
    runlevels mean 0 to 9, so 0 and 6 too. A sulogin there is the usual safety net for a shutdown that
    fails, and is not reported.

    Bad::

        c10:0123456:respawn:/bin/dmesg --follow

    Good::

        c10:12345:respawn:/bin/dmesg --follow
    """
    for subject in inittab.subjects:
        if subject.action != "respawn" or subject.name == "sulogin":
            continue
        levels = [level for level in "06" if level in subject.levels]
        if levels and not subject.runlevels:
            message = "respawned in levels 0 and 6 too: empty runlevels mean 0 to 9"
            yield subject.hit(ACTION, message, "write the levels, as in 2345")
        elif levels:
            left = subject.runlevels.replace("0", "").replace("6", "")
            fix = subject.replace(RUNLEVELS, left, "leave out 0 and 6") if left else None
            yield subject.hit(
                RUNLEVELS, f"respawned in level {' and '.join(levels)}, where the machine goes down", fix=fix
            )


@rule("INT216", "ondemand-without-letter", "warning", SYSV)
def ondemand_without_letter(inittab: Inittab) -> Iterator[Hit]:
    """An ondemand entry has none of the levels a, b and c.

    ``telinit a`` starts the entries with an a. Without a letter nothing can demand it; with digits it is
    started on entering those levels, which is what respawn does.

    Bad::

        d1:23:ondemand:/usr/sbin/backup-daemon

    Good::

        d1:a:ondemand:/usr/sbin/backup-daemon
    """
    for subject in inittab.subjects:
        if subject.action == "ondemand" and not set(subject.runlevels) & set(DEMANDED):
            yield subject.hit(
                ACTION, "ondemand without a, b or c: nothing can demand it", "add a letter, or use respawn"
            )


@rule("INT217", "letter-without-ondemand", "warning", SYSV)
def letter_without_ondemand(inittab: Inittab) -> Iterator[Hit]:
    """The levels a, b or c stand at an action that they are not for.

    For events and for ``off`` they mean nothing. A wait or respawn entry is started by ``telinit a`` too,
    but ondemand is the action for that. ``once`` with a letter is a known idiom and is not reported.

    Bad::

        x:a:respawn:/usr/bin/xdm -nodaemon

    Good::

        x:a:ondemand:/usr/bin/xdm -nodaemon
    """
    for subject in inittab.subjects:
        letters = [c for c in subject.runlevels if c in DEMANDED]
        if not letters:
            continue
        if subject.action in (*EVENT_ACTIONS, "off"):
            yield subject.hit(RUNLEVELS, f"level {', '.join(letters)} means nothing to {subject.action}")
        elif subject.action in ("wait", "respawn"):
            yield subject.hit(
                RUNLEVELS, f"level {', '.join(letters)} is for ondemand", "use ondemand, or once"
            )


@rule("INT218", "ignored-runlevels", "info", SYSV)
def ignored_runlevels(inittab: Inittab) -> Iterator[Hit]:
    """Runlevels are written where the action ignores them.

    sysinit, boot and bootwait entries are run at every boot, whatever their runlevels field says. S at
    sysinit, as Slackware writes it, is a usual reminder and is not reported.

    Bad::

        rc:23:bootwait:/etc/rc

    Good::

        rc::bootwait:/etc/rc
    """
    for subject in inittab.subjects:
        if subject.action in AT_BOOT and subject.runlevels not in ("", "S"):
            yield subject.hit(RUNLEVELS, f"{subject.action} ignores the runlevels: this is run at every boot")


@rule("INT219", "ignored-process", "info", SYSV)
def ignored_process(inittab: Inittab) -> Iterator[Hit]:
    """A process is written at initdefault, which ignores it.

    Bad::

        id:3:initdefault:/sbin/getty 38400 tty1

    Good::

        id:3:initdefault:
    """
    for subject in defaults(inittab):
        if subject.process.strip(BLANKS):
            yield subject.hit(PROCESS, "initdefault ignores the process")


@rule("INT220", "empty-process", "warning", SYSV)
def empty_process(inittab: Inittab) -> Iterator[Hit]:
    """The process field is empty, so that the entry does nothing.

    That is right for initdefault and off only.

    Bad::

        1:2345:respawn:

    Good::

        1:2345:off:
    """
    for subject in inittab.subjects:
        if subject.action in ("initdefault", "off"):
            continue
        if not subject.process[subject.command_start :].strip(BLANKS):
            yield subject.hit(ACTION, f"{subject.action} without a process: the entry does nothing")
