"""INT1: lines that init refuses, or never reads as what they are. These are the errors."""

from __future__ import annotations

from functools import cache

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import MAX_ID, MAX_RUNLEVELS
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.finding import Edit, Fix, Match, printable
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import (
    ALL,
    BUSYBOX_ACTIONS,
    OURS,
    SYSV,
    SYSVINIT_2_88,
    SYSVINIT_3_06,
    SYSVINIT_3_14,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.parser import Document, Line
    from sysvinit_py.lint.inittab import Inittab

    Refused = tuple[Document, Line, Match]

#: A byte order mark, as some editors write it at the beginning of a file.
MARK = "\ufeff"
FORM = "an entry has the form id:runlevels:action:process"


def refused(inittab: Inittab, words: str, hint: str = "") -> Iterator[Refused]:
    """Yield the refused lines whose reason has these words, each with a match that says the reason."""
    for document in inittab.documents:
        for line in document.lines:
            if line.problem and words in line.problem.reason and not line.text.startswith(MARK):
                span = line.problem.span
                start, end = (span.start, span.end) if span else (1, len(line.text) + 1)
                reason = line.problem.reason.partition(" (expected")[0]
                yield document, line, Match(document.file, line.number, start, end, reason, hint)


@rule("INT101", "missing-id", "error", SYSV)
def missing_id(inittab: Inittab) -> Iterator[Match]:
    """The id is missing.

    init refuses the line. BusyBox knows entries without an id; SysV init does not. Where most lines have
    none the file was written for BusyBox, which is said once.

    Bad::

        :2345:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for document in inittab.documents:
        found = [(line, match) for of, line, match in refused(inittab, "missing id field") if of is document]
        of_busybox = [match for line, match in found if line.text.lstrip(BLANKS).startswith("::")]
        if len(found) == len(of_busybox) > max(1, len(document.entries)):
            message = f"an inittab for BusyBox: SysV init refuses its {len(found)} lines without an id"
            hint = "check it with --target busybox; for SysV init give each line an id and runlevels"
            yield of_busybox[0].replace(message=message, hint=hint)
            continue
        for _, match in found:
            yield match.replace(hint="give it an id of up to 4 characters of its own")


@rule("INT102", "missing-process", "error", ALL)
def missing_process(inittab: Inittab) -> Iterator[Match]:
    """The third colon is missing, and the process field with it.

    init refuses the line. For SysV init the field may be empty, as in ``id:3:initdefault:``, but the colon
    must be there; for BusyBox it may not be empty.

    Bad::

        id:3:initdefault

    Good::

        id:3:initdefault:
    """
    for _, line, match in refused(inittab, "missing process field", FORM):
        text = line.text.rstrip("\r" + BLANKS)
        end = len(text) + 1
        if inittab.target.sysv and text.rpartition(":")[2].lower() in inittab.target.actions:
            yield match.replace(fix=Fix("add the third colon", (Edit(line.number, end, end, ":"),)))
        else:
            yield match


@rule("INT103", "missing-action", "error", ALL)
def missing_action(inittab: Inittab) -> Iterator[Match]:
    """The action is missing: the line has no second colon, or nothing behind it.

    init refuses the line. A line that is meant as a comment needs a # before its text; one with nothing but
    a CR is refused too (INT601).

    Bad::

        1:2345::/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for _, line, match in refused(inittab, "missing action field"):
        blank = not line.text.strip()
        yield match.replace(hint="a blank line has nothing in it but spaces and tabs" if blank else FORM)


@rule("INT104", "long-id", "error", SYSV)
def long_id(inittab: Inittab) -> Iterator[Match]:
    """The id has more than 4 bytes.

    init refuses the line. The limit is that of the id in utmp records. BusyBox, where the id names a
    terminal, has no such limit.

    Bad::

        ttyS0:2345:respawn:/sbin/getty 115200 ttyS0

    Good::

        S0:2345:respawn:/sbin/getty 115200 ttyS0
    """
    for _, line, match in refused(inittab, "id field too long"):
        yield match.replace(hint=f"shorten it to {MAX_ID} bytes" if ":" in line.text else FORM)


@rule("INT105", "long-runlevels", "error", SYSV)
def long_runlevels(inittab: Inittab) -> Iterator[Match]:
    """The runlevels field has more than 11 characters.

    init refuses the line.

    Bad::

        1:2, 3, 4 and 5:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    hint = f"write the levels side by side, {MAX_RUNLEVELS} characters at most, as in 2345"
    for _, _, match in refused(inittab, "rlevel field too long", hint):
        yield match


@rule("INT106", "long-process", "error", (SYSVINIT_3_06, SYSVINIT_2_88, *OURS))
def long_process(inittab: Inittab) -> Iterator[Match]:
    """The process field is longer than init takes.

    sysvinit up to 3.06 takes 127 bytes; sysvinit_py takes lines of 4096. The line is refused.

    Bad::

        x:5:respawn:/opt/viewer/bin/viewer --fullscreen --no-cursor --scale-to-fit --server 192.168.100.100 --port 5900 --log /var/log/viewer.log --retry

    Good::

        x:5:respawn:/opt/viewer/bin/start-viewer
    """  # noqa: E501
    for _, _, match in refused(inittab, "process field too long", "put the command into a script"):
        yield match


@rule("INT107", "unknown-action", "error", ALL)
def unknown_action(inittab: Inittab) -> Iterator[Match]:
    """The action is unknown to init.

    init refuses the line. Whitespace belongs to the field: `` once`` is unknown. SysV init takes upper case
    too, BusyBox does not; and each has actions that the other has not.

    Bad::

        1:2345:respwan:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for words in ("unknown action field", "action field too long"):
        for _, line, match in refused(inittab, words):
            written = line.text[match.start - 1 : match.end - 1]
            hint, better = _meant(written, inittab.target.actions)
            if not better:
                yield match.replace(hint=hint)
                continue
            fix = Fix(f"write {better}", (Edit(line.number, match.start, match.end, better),))
            yield match.replace(hint=hint, fix=fix)


@cache
def _meant(written: str, actions: tuple[str, ...]) -> tuple[str, str]:
    """Return what to say of an unknown action, and the known one that may be meant."""
    word = written.strip(BLANKS + "\r").lower()
    if word in actions and written.strip() != written:
        return f"whitespace belongs to the field: write {word}", word
    if word in actions:
        return f"write it in lower case: {word}", word
    if word in BUSYBOX_ACTIONS:
        return f"{word} is an action of BusyBox, not of SysV init", ""
    if word in ACTIONS and actions is BUSYBOX_ACTIONS:
        return f"{word} is an action of SysV init; BusyBox has no runlevels", ""
    if word in ACTIONS:
        return f"{word} is an action of SuSE's init and of sysvinit_py only", ""
    # Not imported before there is an action to guess at.
    from difflib import get_close_matches

    close = get_close_matches(word[:40], actions, 1, 0.6)
    if close:
        return f"did you mean {close[0]}?", close[0]
    return "it is one of " + ", ".join(actions), ""


#: What nobody does any more where the entry with this action is lost.
LOST = {
    "ctrlaltdel": "Ctrl-Alt-Del does nothing",
    "initdefault": "the other entry's level counts",
    "powerwait": "nothing is done when the power fails",
    "powerfail": "nothing is done when the power fails",
    "powerfailnow": "nothing is done when the battery is low",
    "powerokwait": "nothing is done when the power is back",
    "kbrequest": "the keyboard request does nothing",
}


#: Both are for power that fails.
POWER_FAILS = {"powerwait", "powerfail"}


@rule("INT108", "duplicate-id", "error", SYSV)
def duplicate_id(inittab: Inittab) -> Iterator[Match]:
    """Two entries have one id.

    init keeps the first and refuses the others, in all files together: what they would have started is
    lost. Only ``~~`` may be there more than once.

    Bad::

        ca:12345:respawn:/usr/bin/watch cat /proc/meminfo
        ca:12345:ctrlaltdel:/sbin/shutdown -r now

    Good::

        cb:12345:respawn:/usr/bin/watch cat /proc/meminfo
        ca:12345:ctrlaltdel:/sbin/shutdown -r now
    """
    kept = {view.id: view.entry for view in inittab.views[::-1]}
    acted = {view.action for view in inittab.views}
    for document, line, match in refused(inittab, "duplicate ID field"):
        entry_id, _, action, process = line.text.lstrip(BLANKS).split(":", 3)
        action = action.lower()
        first = kept[entry_id]
        where = f"line {first.line}" if first.file == document.file else f"{first.file}, line {first.line}"
        same = POWER_FAILS if action in POWER_FAILS else {action}
        lost = LOST.get(action, "") if acted.isdisjoint(same) else ""
        lost = lost or f"this {action} entry never runs: {process.strip(BLANKS)}"
        message = f'duplicate ID field "{entry_id}", first in {where}: {printable(lost)}'
        yield match.replace(message=message, hint="give it an id of its own")


@rule("INT109", "long-line", "error", (SYSVINIT_3_06, SYSVINIT_2_88, SYSVINIT_3_14))
def long_line(inittab: Inittab) -> Iterator[Match]:
    """The line is longer than init's buffer.

    Up to 3.06 init takes 254 bytes of it as the line, and what follows as the next line: the tail of a long
    comment is read as an entry. 3.14 refuses it, unless it is a comment. sysvinit_py takes 4096 bytes and says
    INT106.

    Bad::

        # A comment that explains at some length what the entries below are for, who is to be asked before one of them is changed, where the scripts are that they call, which of these may be edited by hand and which are made by a program, and why it was all done like this in 1996

    Good::

        # A comment that explains at some length what the entries below are for, who is to be asked before one of them
        # is changed, and where the scripts are that they call
    """  # noqa: E501
    for _, _, match in refused(inittab, "line too long", "shorten it, or break a comment into lines"):
        yield match


@rule("INT110", "nul-byte", "error", (SYSVINIT_3_14, *OURS))
def nul_byte(inittab: Inittab) -> Iterator[Match]:
    """There is a NUL byte in the line.

    The line is refused: a file with NULs was damaged, or is no text (perhaps UTF-16).

    Bad::

        1:2345:respawn:/sbin/getty<NUL> 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for _, line, match in refused(inittab, "NUL byte"):
        first = line.text.index("\0")
        edit = Edit(line.number, first + 1, len(line.text) + 1, line.text[first:].replace("\0", ""))
        yield match.replace(fix=Fix("remove the NUL bytes", (edit,)))


@rule("INT111", "never-read", "error", (SYSVINIT_3_06, SYSVINIT_3_14), example="etc/inittab.d/tty.tab")
def never_read(inittab: Inittab) -> Iterator[Match]:
    """init never reads this line.

    C sysvinit takes one entry from each ``.tab`` file. sysvinit-3.14 drops a last line that does not end
    with a newline, what follows a line with a NUL byte, and the entry of a ``.tab`` file that has a comment
    of more than 254 bytes before it. sysvinit_py reads all of them.

    Bad::

        S0:2345:respawn:/sbin/getty 115200 ttyS0
        S1:2345:respawn:/sbin/getty 115200 ttyS1

    Good::

        # One .tab file for each entry
        S0:2345:respawn:/sbin/getty 115200 ttyS0
    """
    for _, line, match in refused(inittab, "never read"):
        if "newline" in match.message:
            end = len(line.text) + 1
            fix = Fix("end the line", (Edit(line.number, end, end, "\n"),), safe=True)
            yield match.replace(fix=fix)
        else:
            yield match.replace(hint="put it into a .tab file of its own")


@rule("INT112", "byte-order-mark", "error", ALL)
def byte_order_mark(inittab: Inittab) -> Iterator[Match]:
    """The file begins with a byte order mark.

    Some editors write these three bytes, which cannot be seen, at the beginning of a UTF-8 file. For init
    they belong to the first line, which it refuses as an entry and does not know as a comment.

    Bad::

        <BOM>id:2:initdefault:

    Good::

        id:2:initdefault:
    """
    for document in inittab.documents:
        if document.lines and document.lines[0].text.startswith(MARK):
            fix = Fix("remove it", (Edit(1, 1, 2, ""),), safe=True)
            message = "a byte order mark, which init takes for a part of the first line"
            yield Match(document.file, 1, 1, 2, message, "save the file without it", fix)
