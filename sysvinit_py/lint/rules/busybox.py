"""INT7: what BusyBox's init does not do, or does otherwise."""

from __future__ import annotations

from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.command import terminal
from sysvinit_py.lint.finding import Edit, Fix, Match
from sysvinit_py.lint.inittab import ACTION, ID, PROCESS, RESPAWNED, RUNLEVELS
from sysvinit_py.lint.reading import JoinedLine
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import BUSYBOX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import EntryView, Inittab

ONLY = (BUSYBOX,)


@rule("INT701", "runlevels-without-meaning", "warning", ONLY)
def runlevels_without_meaning(inittab: Inittab) -> Iterator[Match]:
    """BusyBox has no runlevels.

    It ignores the field: the entry is run whatever stands there.

    Bad::

        tty1:3:respawn:/sbin/getty 38400 tty1

    Good::

        tty1::respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        if view.runlevels:
            fix = view.replace(RUNLEVELS, "", "leave it empty")
            yield view.match(RUNLEVELS, "BusyBox ignores runlevels", "leave it empty", fix)


@rule("INT702", "id-is-no-terminal", "warning", ONLY)
def id_is_no_terminal(inittab: Inittab) -> Iterator[Match]:
    """The id is not the name of a terminal.

    BusyBox opens /dev/ID for the process; if that fails the process is not run. Most entries have an empty
    id, which stands for the console. ``null`` gives it /dev/null.

    Bad::

        rcS::sysinit:/etc/init.d/rcS

    Good::

        ::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views:
        if view.id and view.id != "null" and not terminal(view.id) and not view.id.startswith("tty"):
            yield view.match(ID, f"/dev/{view.id} is hardly a terminal", "leave the id empty for the console")


@rule("INT703", "console-getty", "info", ONLY)
def console_getty(inittab: Inittab) -> Iterator[Match]:
    """A getty has an empty id, so that BusyBox starts it on the console.

    It works, because the getty opens its own terminal. The id says which one to whoever reads the line.

    Bad::

        ::respawn:/sbin/getty 115200 ttyS1

    Good::

        ttyS1::respawn:/sbin/getty 115200 ttyS1
    """
    for view in inittab.views:
        if view.is_getty and not view.id and view.terminal_word:
            fix = view.replace(ID, view.terminal, f"write {view.terminal}")
            yield view.match_word(
                view.terminal_word,
                f"started on the console, not on {view.terminal}",
                f"write {view.terminal} as the id",
                fix,
            )


@rule("INT704", "blank-before-process", "warning", ONLY)
def blank_before_process(inittab: Inittab) -> Iterator[Match]:
    """A blank stands before the process.

    BusyBox takes what is before the first blank for the program, here nothing at all: ``can't run ''``.

    Bad::

        ::sysinit: /etc/init.d/rcS

    Good::

        ::sysinit:/etc/init.d/rcS
    """
    for view in inittab.views:
        process = view.process
        blanks = len(process) - len(process.lstrip(BLANKS))
        if blanks and not view.by_shell:
            at = view.span(PROCESS).start
            fix = Fix("remove the blank", (Edit(view.entry.line, at, at + blanks, ""),))
            yield Match(
                view.entry.file,
                view.entry.line,
                at,
                at + blanks,
                "nothing is run: the process begins with a blank",
                "",
                fix,
            )


@rule("INT705", "joined-comment", "warning", ONLY)
def joined_comment(inittab: Inittab) -> Iterator[Match]:
    """A comment ends with a backslash, which makes the next line a part of it.

    BusyBox joins lines before it looks for a #. What stands in the next line is not run.

    Bad::

        # getty on C:\\
        tty1::respawn:/sbin/getty 38400 tty1

    Good::

        # getty on C:
        tty1::respawn:/sbin/getty 38400 tty1
    """
    for document in inittab.documents:
        for line in document.lines:
            at = line.text.find("#") + 1
            if at and isinstance(line, JoinedLine) and line.goes_on(at):
                message = "the backslash makes the next line a part of this comment"
                yield Match(document.file, line.number, at, len(line.text) + 1, message)


@rule("INT706", "shared-console", "warning", ONLY)
def shared_console(inittab: Inittab) -> Iterator[Match]:
    """Two shells or gettys are started on the console.

    They have empty ids and read the same keys.

    Bad::

        ::askfirst:-/bin/sh
        ::respawn:-/bin/sh

    Good::

        ::askfirst:-/bin/sh
        tty2::askfirst:-/bin/sh
    """
    first = None
    for view in inittab.views:
        if view.id or view.action not in RESPAWNED or not view.is_interactive or view.terminal:
            continue
        if first:
            yield view.match(PROCESS, f"the entry in line {first.entry.line} is on the console too")
        first = first or view


@rule("INT707", "second-restart", "warning", ONLY)
def second_restart(inittab: Inittab) -> Iterator[Match]:
    """There are two restart entries.

    BusyBox executes the program of the first one; the others are silently ignored.

    Bad::

        ::restart:/sbin/init
        ::restart:/sbin/init.new

    Good::

        ::restart:/sbin/init.new
    """
    lost = replaced(inittab)
    restarts = [s for s in inittab.views if s.action == "restart" and s not in lost]
    for view in restarts[1:]:
        message = f"only the first restart counts, in line {restarts[0].entry.line}"
        yield view.match(ACTION, message)


@rule("INT708", "repeated-command", "warning", ONLY)
def repeated_command(inittab: Inittab) -> Iterator[Match]:
    """Two entries have the same terminal and the same command.

    BusyBox tells entries apart by these two, so the later entry takes the place of the earlier one, whose
    action is lost.

    Bad::

        ::restart:/etc/init.d/rc.shutdown
        ::shutdown:/etc/init.d/rc.shutdown

    Good::

        ::restart:/sbin/init
        ::shutdown:/etc/init.d/rc.shutdown
    """
    for view, later in replaced(inittab).items():
        message = f"this {view.action} entry is lost: line {later.entry.line} has its command too"
        yield view.match(PROCESS, message)


def replaced(inittab: Inittab) -> dict[EntryView, EntryView]:
    """Return the entries that are lost to a later one with the same terminal and command, and that one."""
    latest: dict[tuple[str, str], EntryView] = {}
    lost: dict[EntryView, EntryView] = {}
    for view in reversed(inittab.views):
        what = (view.id.removeprefix("/dev/"), view.entry.process)
        later = latest.setdefault(what, view)
        if later is not view:
            lost[view] = later
    return lost
