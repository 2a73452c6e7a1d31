"""INT4, first part: which program a command is, and whether it is there."""

from __future__ import annotations

import stat

from sysvinit_py.lint.finding import Match, printable
from sysvinit_py.lint.inittab import PROCESS, EntryView
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL, CONTAINER, MACHINES, SYSV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.command import Command
    from sysvinit_py.lint.inittab import Inittab
    from sysvinit_py.lint.root import Root

#: What sh does itself: found in no folder.
BUILTINS = (
    ".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit",
    "export", "false", "fg", "getopts", "hash", "jobs", "kill", "local", "printf", "pwd", "read", "readonly",
    "return", "set", "shift", "source", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias",
    "unset", "wait",
)  # fmt: skip

#: Those of them that are no programs too.
NO_PROGRAMS = {*BUILTINS}.difference(("echo", "printf", "test", "[", "true", "false", "kill", "pwd"))


def external(view: EntryView) -> Command | None:
    """Return the command, if a file must be found for it: the first one that sh or init will execute.

    In a container PATH and the working directory are the image's, which are not known here.
    """
    command = view.command
    if command and view.inittab.target is CONTAINER and not command.program.text.startswith("/"):
        return None
    if not command or "$" in command.program.text or "`" in command.program.text:
        return None
    if command.program.text in (BUILTINS if view.by_shell else NO_PROGRAMS):
        return None
    return command


def path_of(view: EntryView, command: Command) -> str:
    """Return the program's path; for BusyBox without the - of a login shell."""
    return command.program.text.removeprefix("-") if not view.inittab.target.sysv else command.program.text


@rule("INT401", "missing-command", "warning", ALL, needs_root=True)
def missing_command(inittab: Inittab) -> Iterator[Match]:
    """The command does not exist under ``--root``.

    Nor may the program be missing that a script is for, or ``/bin/sh`` where init calls it. init says
    ``cannot execute``; a respawned entry is tried again until it is given up for five minutes.

    Bad::

        1:2345:respawn:/sbin/gety 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    if not inittab.root:
        return
    for view in inittab.views:
        command = external(view)
        if command and (lacking := _lacking(path_of(view, command), inittab.root)):
            yield view.match_word(command.program, f"{lacking} under {inittab.root.folder}")
        elif view.by_shell and inittab.root.mode("/bin/sh") is None:
            message = f"init needs /bin/sh for this, which does not exist under {inittab.root.folder}"
            yield view.match(PROCESS, message)
    adds_sulogin = inittab.target in MACHINES and inittab.whole and not inittab.starts_in("S")
    if adds_sulogin and inittab.root.find("/sbin/sulogin") is None:
        yield inittab.match(
            f"/sbin/sulogin, which init runs in level S, does not exist under {inittab.root.folder}"
        )


def _lacking(program: str, root: Root) -> str:
    """Return what does not exist: a program, or the one that it is a script for."""
    found = root.find(program)
    if found is None:
        return f"{printable(program)} does not exist"
    interpreter = root.interpreter(found[0])
    if interpreter and root.mode(interpreter) is None:
        return f"{printable(found[0])} is a script for {printable(interpreter)}, which does not exist"
    return ""


@rule("INT402", "not-executable", "warning", ALL, needs_root=True)
def not_executable(inittab: Inittab) -> Iterator[Match]:
    """The command is there under ``--root``, but is no executable file.

    Bad::

        si::sysinit:/etc/rc.plain

    Good::

        si::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views if inittab.root else ():
        command = external(view)
        found = command and inittab.root and inittab.root.find(path_of(view, command))
        if not command or not found:
            continue
        path, mode = found
        if not stat.S_ISREG(mode):
            yield view.match_word(command.program, f"{printable(path)} is not an executable file")
        elif not mode & 0o111:
            yield view.match_word(
                command.program, f"{printable(path)} is not executable", f"chmod +x {printable(path)}"
            )


@rule("INT403", "relative-command", "warning", ALL)
def relative_command(inittab: Inittab) -> Iterator[Match]:
    """The command's path does not begin at /.

    init's working directory is /, so it is looked for there; nobody who reads the line will guess that.

    Bad::

        si::sysinit:etc/init.d/rcS

    Good::

        si::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views:
        command = external(view)
        if not command:
            continue
        path = path_of(view, command)
        if "/" in path and not path.startswith(("/", "~")):
            fix = view.replace_word(command.program, f"/{path.removeprefix('./')}", "write the whole path")
            yield view.match_word(
                command.program, f"{printable(path)} is looked for in /", "write the whole path", fix
            )


@rule("INT404", "bare-command", "info", SYSV)
def bare_command(inittab: Inittab) -> Iterator[Match]:
    """The command is named without its folder.

    init looks for it in /sbin, /usr/sbin, /bin and /usr/bin, in this order; other versions of init, and
    boots with another PATH, may find another one.

    Bad::

        1:2345:respawn:getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        command = external(view)
        if command and "/" not in command.program.text and view.action != "initdefault":
            yield view.match_word(
                command.program, f"{printable(command.program.text)} is searched on init's PATH"
            )
