"""INT4, second part: what the commands do, as far as init depends on it."""

from __future__ import annotations

import re

from sysvinit_py.inittab.actions import RUN_ONCE, WAITED_ACTIONS
from sysvinit_py.inittab.entry import LEVELS
from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse
from sysvinit_py.lint.command import ends_with_ampersand, shell_command, tokens
from sysvinit_py.lint.daemons import DAEMONIZES, EXITS, FOREGROUND, fate, foreground_option
from sysvinit_py.lint.finding import Edit, Fix, Match, printable
from sysvinit_py.lint.inittab import ACTION, PROCESS, RESPAWNED
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL, CONTAINER, MACHINES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.command import Command
    from sysvinit_py.lint.inittab import Inittab


@rule("INT405", "background-respawn", "warning", ALL)
def background_respawn(inittab: Inittab) -> Iterator[Match]:
    """A respawned command goes to the background, or ends as soon as it is done.

    As far as init can see it ends at once and is started again: ten times, then the entry rests for five
    minutes, and so on forever; a container then ends. What is respawned must stay in the foreground: no & at
    the end, and the daemon's option for it. Init scripts, and calls that only check something or tell a
    running daemon something (``nginx -s reload``), are for ``once`` and ``wait``. Of a program or an option
    that the linter does not know nothing is said.

    Bad::

        sy:2345:respawn:/usr/sbin/sshd

    Good::

        sy:2345:respawn:/usr/sbin/sshd -D
    """
    then = ", until that ends the container" if inittab.target is CONTAINER else ""
    for view in inittab.views:
        command = view.command
        if view.action not in RESPAWNED or not command:
            continue
        if last := ends_with_ampersand(view.tokens):
            fix = None
            if last is view.tokens[-1]:
                at = view.columns(last)
                before = len(view.process[: last.start].rstrip()) - last.start
                fix = Fix("remove the &", (Edit(view.entry.line, at[0] + before, at[1], ""),))
            yield view.match_word(last, f"& ends the respawned command at once{then}", "remove it", fix)
        elif not command.compound and (found := _ends_at_once(command)):
            yield view.match_word(command.program, f"{found[0]}: it is respawned at once{then}", found[1])


def _ends_at_once(command: Command) -> tuple[str, str] | None:
    """Why a command ends as soon as it is started, and what to do; None if it does not, or nobody knows."""
    name = printable(command.name)
    if script := command.script:
        pieces = list(tokens(script, 0))
        if ends_with_ampersand(pieces):
            return f"{name} ends when it has put its command into the background with &", "remove the &"
        inner = shell_command(pieces)
        return _ends_at_once(inner) if inner and not inner.compound else None
    if command.is_init_script:
        told = command.operands[:1] and command.operands[0].text in SCRIPT_VERBS
        return (f"{name} is an init script, which ends when it is done", "use once or wait") if told else None
    what, why = fate(command)
    if what == EXITS:
        return (
            f"{name} {why.partition('=')[0].strip('*')}".rstrip() + " ends when it is done",
            "use once or wait",
        )
    if what != DAEMONIZES:
        return None
    if name == "setsid":
        return "setsid forks, because init has made a session already", "leave it out"
    if why:
        return f"{why.replace('=', ' ').replace('+', ' ')} sends {name} to the background", "leave it out"
    option = foreground_option(name)
    return f"{name} goes to the background", f"add {option}" if option else ""


SCRIPT_VERBS = (
    "start", "stop", "restart", "reload", "force-reload", "condrestart", "try-restart", "status", "boot",
)  # fmt: skip
#: With what only BusyBox knows.
WAITED_FOR = (*WAITED_ACTIONS, "shutdown")


@rule("INT406", "blocks-for-ever", "warning", ALL)
def blocks_for_ever(inittab: Inittab) -> Iterator[Match]:
    """init waits for something that does not end by itself.

    A getty, a shell, or a daemon that stays in the foreground, at a sysinit, bootwait or wait entry holds
    back everything after it until somebody logs out or kills it. A shell in single user mode, level S or 1,
    is meant to do that and is not reported.

    Bad::

        1:2345:wait:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        command = view.command
        if view.action not in WAITED_FOR or not command:
            continue
        is_session = command.name == "sulogin" or (
            view.is_interactive and (view.terminal or not view.by_shell)
        )
        is_single_user = view.action == "wait" and view.runlevels.upper() in ("S", "1", "S1", "1S")
        is_daemon = _stays_in_foreground(command) and not command.background and not command.compound
        if is_daemon or (is_session and not is_single_user):
            message = f"init waits at {view.action} for {view.name}, which does not end by itself"
            yield view.match(ACTION, message)


def _stays_in_foreground(command: Command) -> bool:
    """Return whether it stays in the foreground until it is killed."""
    if script := command.script:
        inner = shell_command(list(tokens(script, 0)))
        return (
            inner is not None and _stays_in_foreground(inner) and not inner.background and not inner.compound
        )
    return not command.is_init_script and fate(command)[0] == FOREGROUND


@rule("INT407", "init-by-itself", "warning", ALL)
def init_by_itself(inittab: Inittab) -> Iterator[Match]:
    """init runs init.

    A second init is no init: called by another process than the kernel it is telinit, and without a level
    it only complains. At BusyBox's ``restart`` it is right.

    Bad::

        si::sysinit:/sbin/init

    Good::

        si::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views:
        command = view.command
        if not command or command.name not in ("init", "linuxrc") or view.action == "restart":
            continue
        if not command.arguments:
            yield view.match_word(command.program, "init is run by init", "name the script that was meant")


_SAYS_BACK = re.compile(r"restor|cancel|\bback\b", re.IGNORECASE)
_SAYS_FAILING = re.compile(r"fail|\blow\b|empty", re.IGNORECASE)
FAILING = ("powerfail", "powerwait", "powerfailnow")


@rule("INT408", "contradictory-power", "warning", MACHINES)
def contradictory_power(inittab: Inittab) -> Iterator[Match]:
    """The command contradicts the event that it is for.

    A shutdown is cancelled (``shutdown -c``) when the power fails, or one is ordered, or the machine halted,
    when it is back: the
    two actions were mixed up. powerwait, powerfail and powerfailnow are for power that fails, powerokwait
    is for power that is back.

    Bad::

        pn::powerfailnow:/sbin/shutdown -c "Power Restored; Shutdown Cancelled"

    Good::

        pr::powerokwait:/sbin/shutdown -c "Power Restored; Shutdown Cancelled"
    """
    for view in inittab.views:
        command = view.command
        if not command or view.action not in (*FAILING, "powerokwait"):
            continue
        if view.action == "powerokwait" and not command.is_init_script and _called_level(command) == "0":
            message = f"powerokwait is for power that is back, but {command.name} takes the machine down"
            yield view.match(ACTION, message, "did you mean powerfail?")
        if command.name != "shutdown":
            continue
        cancels = command.has_option("-c")
        says = " ".join(word.text for word in command.operands)
        if view.action in FAILING and (
            cancels or (_SAYS_BACK.search(says) and not _SAYS_FAILING.search(says))
        ):
            fix = view.replace(ACTION, "powerokwait", "write powerokwait") if cancels else None
            message = f"{view.action} is for power that fails, but the command is for power that is back"
            yield view.match(ACTION, message, "did you mean powerokwait?", fix)
        elif view.action == "powerokwait":
            message = "powerokwait is for power that is back, but "
            goes_down = command.has_option("-h", "-P", "-H") and not command.has_option("-k")
            if not cancels and (_SAYS_FAILING.search(says) or goes_down):
                yield view.match(ACTION, message + "the command shuts down", "did you mean powerfail?")
            elif _SAYS_FAILING.search(says) and not _SAYS_BACK.search(says):
                yield view.match(ACTION, message + "the command says that it fails")


def _called_level(command: Command) -> str:
    """Return the runlevel that it makes init enter, or a word that is not a runlevel."""
    if command.name in ("halt", "poweroff", "reboot"):
        record_only = command.has_option("-w", "--wtmp-only", "--help", "--version")
        return "none" if record_only else "6" if command.name == "reboot" else "0"
    if command.name not in ("init", "telinit"):
        return "none"
    try:
        found = [
            value.upper()
            for name, value, _ in parse([w.text for w in command.arguments], TELINIT)
            if not name
        ]
    except UnknownOptionError:
        return "none"
    return found[0] if len(found) == 1 and found[0] in (*LEVELS,) else "none"


TELINIT = Syntax("t:e:")


@rule("INT409", "contradictory-level", "warning", MACHINES)
def contradictory_level(inittab: Inittab) -> Iterator[Match]:
    """Level 0 reboots the machine, level 6 halts it, or a level calls another.

    By the custom that shutdown, halt and reboot rely on, 0 is halt and 6 is reboot. A level that is left
    as soon as it is entered is hardly meant; that 1 leads to S is the custom.

    Bad::

        hl:6:wait:/sbin/halt -dhp

    Good::

        hl:0:wait:/sbin/halt -dhp
    """
    for view in inittab.views:
        if view.action not in RUN_ONCE or not view.runlevels or not view.command:
            continue
        called = _called_level(view.command) if view.name in ("init", "telinit") else "none"
        left = [level for level in view.levels if level in LEVELS and level not in (called, "1", "S")]
        if called in LEVELS and left:
            message = f"level {' and '.join(left)} calls level {called}: it is left as soon as it is entered"
            yield view.match(PROCESS, message)
        elif (
            "0" in view.levels
            and view.name == "reboot"
            and not view.command.has_option("-p", "--poweroff", "--halt")
        ):
            yield view.match(PROCESS, "reboot in level 0, which is halt")
        elif (
            "6" in view.levels
            and view.name in ("halt", "poweroff")
            and not view.command.has_option("--reboot")
        ):
            yield view.match(PROCESS, f"{view.name} in level 6, which is reboot")


@rule("INT410", "incomplete-command", "warning", ALL)
def incomplete_command(inittab: Inittab) -> Iterator[Match]:
    """A well-known command is called so that it cannot work.

    ``umount -a r`` (the option's dash is missing), ``kill`` without a process, ``shutdown`` without a time.

    Bad::

        um:06:wait:/bin/umount -a r

    Good::

        um:06:wait:/bin/umount -a -r
    """
    for view in inittab.views:
        command = view.command
        if not command or command.compound:
            continue
        operands = command.operands
        if command.name == "umount" and command.has_option("-a"):
            for word in operands:
                if word.text.isalpha() and len(word.text) <= 3 and not _is_argument(command, word.start):
                    fix = view.replace_word(word, f"-{word.text}", f"write -{word.text}")
                    yield view.match_word(
                        word, f"umount -a takes no operand {word.text}", f"did you mean -{word.text}?", fix
                    )
        elif (
            command.name == "kill"
            and not operands
            and not any(w.text[1:].isdigit() for w in command.arguments[1:])
        ):
            yield view.match_word(command.program, "kill is given no process")
        elif (
            command.name == "shutdown"
            and inittab.target.sysv
            and not operands
            and not command.has_option("-c", "--help")
        ):
            yield view.match_word(
                command.program, "shutdown is given no time", "add now, or +5 for in five minutes"
            )


def _is_argument(command: Command, start: int) -> bool:
    """Return whether the word there belongs to the option before it (-t type, -O options)."""
    before = [word for word in command.arguments if word.start < start]
    return bool(before) and before[-1].text in ("-t", "-O")
