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

    from sysvinit_py.lint.inittab import Inittab, Subject

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
    for subject in inittab.subjects:
        if subject.runlevels:
            fix = subject.replace(RUNLEVELS, "", "leave it empty")
            yield subject.match(RUNLEVELS, "BusyBox ignores runlevels", "leave it empty", fix)


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
    for subject in inittab.subjects:
        if (
            subject.id
            and subject.id != "null"
            and not terminal(subject.id)
            and not subject.id.startswith("tty")
        ):
            yield subject.match(
                ID, f"/dev/{subject.id} is hardly a terminal", "leave the id empty for the console"
            )


@rule("INT703", "console-getty", "info", ONLY)
def console_getty(inittab: Inittab) -> Iterator[Match]:
    """A getty has an empty id, so that BusyBox starts it on the console.

    It works, because the getty opens its own terminal. The id says which one to whoever reads the line.

    Bad::

        ::respawn:/sbin/getty 115200 ttyS1

    Good::

        ttyS1::respawn:/sbin/getty 115200 ttyS1
    """
    for subject in inittab.subjects:
        if subject.is_getty and not subject.id and subject.terminal_word:
            fix = subject.replace(ID, subject.terminal, f"write {subject.terminal}")
            yield subject.match_word(
                subject.terminal_word,
                f"started on the console, not on {subject.terminal}",
                f"write {subject.terminal} as the id",
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
    for subject in inittab.subjects:
        process = subject.process
        blanks = len(process) - len(process.lstrip(BLANKS))
        if blanks and not subject.by_shell:
            at = subject.span(PROCESS).start
            fix = Fix("remove the blank", (Edit(subject.entry.line, at, at + blanks, ""),))
            yield Match(
                subject.entry.file,
                subject.entry.line,
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
    for subject in inittab.subjects:
        if subject.id or subject.action not in RESPAWNED or not subject.is_interactive or subject.terminal:
            continue
        if first:
            yield subject.match(PROCESS, f"the entry in line {first.entry.line} is on the console too")
        first = first or subject


@rule("INT707", "second-restart", "warning", ONLY)
def second_restart(inittab: Inittab) -> Iterator[Match]:
    """There are two restart entries.

    BusyBox becomes the program of the first one; the others are ignored without a word.

    Bad::

        ::restart:/sbin/init
        ::restart:/sbin/init.new

    Good::

        ::restart:/sbin/init.new
    """
    lost = replaced(inittab)
    restarts = [s for s in inittab.subjects if s.action == "restart" and s not in lost]
    for subject in restarts[1:]:
        message = f"only the first restart counts, in line {restarts[0].entry.line}"
        yield subject.match(ACTION, message)


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
    for subject, later in replaced(inittab).items():
        message = f"this {subject.action} entry is lost: line {later.entry.line} has its command too"
        yield subject.match(PROCESS, message)


def replaced(inittab: Inittab) -> dict[Subject, Subject]:
    """The entries that are lost to a later one with the same terminal and command, and that one."""
    latest: dict[tuple[str, str], Subject] = {}
    lost: dict[Subject, Subject] = {}
    for subject in reversed(inittab.subjects):
        what = (subject.id.removeprefix("/dev/"), subject.entry.process)
        later = latest.setdefault(what, subject)
        if later is not subject:
            lost[subject] = later
    return lost
