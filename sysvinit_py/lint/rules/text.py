"""INT6: the text itself."""

from __future__ import annotations

import re

from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.lint.finding import Edit, Fix, Match, printable
from sysvinit_py.lint.inittab import ACTION, ID
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL, BUSYBOX, C_INITS, SYSV, SYSVINIT_3_14

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.parser import Document
    from sysvinit_py.lint.inittab import Inittab

_ODD = re.compile(r"[^\t\0 -~]+")
#: What a word processor or a web page makes of plain characters.
_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u2212": "-",
    "\u00a0": " ", "\u2026": "...", "\u200b": "", "\ufeff": "", "\uff1a": ":",
}  # fmt: skip


@rule("INT601", "cr-line-end", "warning", ALL)
def cr_line_end(inittab: Inittab) -> Iterator[Match]:
    """Lines end with CR LF, as on Windows, or with CR alone, as on old Macs.

    init knows only LF: a CR before it belongs to the last word of the command, so that getty opens
    ``tty1<CR>``; a blank line is refused. A file with CRs alone is one line. Reported once a file.

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1<CR>

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for document in inittab.documents:
        if crs := _lone_crs(document):
            edits = tuple(Edit(1, at, at + 1, "\n") for at in crs)
            fix = Fix("end the lines with LF", edits)
            message = "lines end with CR alone: init takes the file for one line"
            yield Match(document.file, 1, crs[0], crs[0] + 1, message, "", fix)
        elif ended := [line for line in document.lines if line.text.endswith("\r")]:
            count = "the line ends" if len(ended) == 1 else f"{len(ended)} lines end"
            edits = tuple(
                Edit(line.number, len(line.text.rstrip("\r")) + 1, len(line.text) + 1, "") for line in ended
            )
            width = len(ended[0].text)
            fix = Fix("remove the CRs", edits, safe=True)
            message = f"{count} with CR LF: the CR becomes a part of the command"
            yield Match(document.file, ended[0].number, width, width + 1, message, "", fix)


def _lone_crs(document: Document) -> list[int]:
    """Return the columns of the CRs, where they alone end the lines of a file, so that it is one line."""
    if len(document.lines) != 1 or "\r" not in document.lines[0].text.rstrip("\r"):
        return []
    return [at for at, character in enumerate(document.lines[0].text, 1) if character == "\r"]


@rule("INT602", "odd-character", "warning", ALL)
def odd_character(inittab: Inittab) -> Iterator[Match]:
    """An entry has a character that is not ASCII, or a control character.

    init takes bytes as they are: what looks like a quote or a dash may be something else, copied from a web
    page. In comments anything is allowed.

    Bad::

        pf::powerfail:/sbin/shutdown \u2013h now

    Good::

        pf::powerfail:/sbin/shutdown -h now
    """
    for document in inittab.documents:
        for line in document.lines:
            text = line.text.rstrip("\r")
            if line.kind == "entry" and not _lone_crs(document) and (found := _ODD.search(text)):
                odd = found[0]
                plain = "".join(_PLAIN.get(c, c) for c in odd)
                at = found.start() + 1
                fix = hint = None
                if plain != odd and plain.isascii():
                    fix = Fix(f"write {plain!r}", (Edit(line.number, at, at + len(odd), plain),))
                    hint = f"did you mean {plain!r}?"
                message = f"not ASCII: {odd}" if odd.isprintable() else f"odd character: {printable(odd)}"
                yield Match(document.file, line.number, at, at + len(odd), message, hint or "", fix)


@rule("INT603", "trailing-blank", "info", ALL)
def trailing_blank(inittab: Inittab) -> Iterator[Match]:
    """An entry ends with whitespace.

    They do no harm to the command, but are kept in init's messages and in utmp.

    Bad::

        l0:0:wait:/sbin/rc shutdown<blank>

    Good::

        l0:0:wait:/sbin/rc shutdown
    """
    for document in inittab.documents:
        for line in document.lines:
            text = line.text.removesuffix("\r")
            kept = len(text.rstrip(BLANKS))
            if line.entry is None or kept == len(text) or text[:kept].endswith("\\"):
                continue
            if not (inittab.target.sysv or line.entry.process.strip(BLANKS)):
                continue  # BusyBox refuses the line without them
            edit = Edit(line.number, kept + 1, len(text) + 1, "")
            fix = Fix("remove the trailing whitespace", (edit,), safe=True)
            yield Match(document.file, line.number, kept + 1, len(text) + 1, "trailing whitespace", "", fix)


@rule("INT604", "no-final-newline", "info", tuple(target for target in ALL if target is not SYSVINIT_3_14))
def no_final_newline(inittab: Inittab) -> Iterator[Match]:
    """The last line does not end with a newline.

    sysvinit-3.14 drops it (INT111); other versions read it. A line that is added with ``>>`` ends up on the
    same line.

    Bad::

        ca::ctrlaltdel:/sbin/shutdown -r now<no newline>

    Good::

        ca::ctrlaltdel:/sbin/shutdown -r now
    """
    for document in inittab.documents:
        if document.lines and not document.final_newline and not _lone_crs(document):
            last = document.lines[-1]
            end = len(last.text) + 1
            fix = Fix("end the last line", (Edit(last.number, end, end, "\n"),), safe=True)
            yield Match(document.file, last.number, end, end, "no newline at the end of the file", "", fix)


@rule("INT605", "action-case", "info", SYSV)
def action_case(inittab: Inittab) -> Iterator[Match]:
    """An action is not written in lower case.

    SysV init takes it in any case, BusyBox and most other tools do not.

    Bad::

        1:2345:Respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        span = view.span(ACTION)
        written = view.line.text[span.start - 1 : span.end - 1]
        if written != view.action:
            fix = view.replace(ACTION, view.action, "write it in lower case", safe=True)
            yield view.match(ACTION, f"{written} is {view.action} in capitals", "write it in lower case", fix)


@rule("INT606", "nul-cuts-line", "warning", (*C_INITS, BUSYBOX))
def nul_cuts_line(inittab: Inittab) -> Iterator[Match]:
    """There is a NUL byte in an entry, and init reads the line only up to it.

    sysvinit_py refuses such a line (INT110).

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1<NUL> linux

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for document in inittab.documents:
        for line in document.lines:
            at = line.text.find("\0") if line.kind == "entry" else -1
            if at >= 0:
                fix = Fix(
                    "remove the NUL and what follows", (Edit(line.number, at + 1, len(line.text) + 1, ""),)
                )
                yield Match(
                    document.file, line.number, at + 1, at + 2, "init reads the line up to this NUL", "", fix
                )


@rule("INT607", "blank-in-id", "warning", SYSV)
def blank_in_id(inittab: Inittab) -> Iterator[Match]:
    """There is a space in the id.

    Spaces before the id are skipped, those in it and behind it belong to it: ``a`` and ``a`` with a space
    are two ids.

    Bad::

        ca :12345:ctrlaltdel:/sbin/shutdown -r now

    Good::

        ca:12345:ctrlaltdel:/sbin/shutdown -r now
    """
    for view in inittab.views:
        if set(view.id) & set(BLANKS):
            fix = view.replace(ID, view.id.strip(BLANKS), "remove the spaces")
            yield view.match(ID, f"whitespace belongs to the id: it is {view.id!r}", "", fix)
