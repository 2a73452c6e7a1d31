"""INT0: files, and the linter's own comments."""

from __future__ import annotations

import os

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import MAX_ID
from sysvinit_py.lint.finding import Match
from sysvinit_py.lint.inittab import line_match
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL, BUSYBOX_ACTIONS, SYSVINIT_PY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import Inittab


@rule("INT001", "not-an-inittab", "warning", ALL)
def not_an_inittab(inittab: Inittab) -> Iterator[Match]:
    """No line of the file is an entry.

    Some lines are refused and none is accepted: this is probably another kind of file, such as a script, or
    the settings of Upstart.

    Bad::

        env DEFAULT_RUNLEVEL=3

    Good::

        id:3:initdefault:
    """
    for document in inittab.documents:
        refused = [line for line in document.lines if line.problem]
        if refused and not document.entries and not any(_is_meant(line.text) for line in refused):
            yield line_match(document, refused[0], "no line of this file is an entry: is it an inittab?")


def _is_meant(text: str) -> bool:
    """Return whether a line would be an entry, or a comment, but for a mistake in it."""
    entry_id, _, action, process = (*text.lower().split(":", 3), "", "", "")[:4]
    is_misspelt = len(entry_id) <= MAX_ID and action.strip().isalpha() and process
    return bool(entry_id.startswith("#") or is_misspelt or action.strip() in {*ACTIONS, *BUSYBOX_ACTIONS})


@rule("INT002", "empty-inittab", "warning", ALL)
def empty_inittab(inittab: Inittab) -> Iterator[Match]:
    """There is nothing but blank lines and comments.

    SysV init then asks for a runlevel on the console and can start nothing but sulogin; BusyBox falls back
    to what is built into it.

    Bad::

        # nothing yet

    Good::

        id:2:initdefault:
        si::sysinit:/etc/init.d/rcS
    """
    if inittab.fragment:
        return
    if all(line.kind in ("blank", "comment") for document in inittab.documents for line in document.lines):
        yield inittab.match("no entries: init will start nothing of its own")


@rule("INT003", "ignored-drop-in", "warning", ALL, example="etc/inittab.d/ttyS0")
def ignored_drop_in(inittab: Inittab) -> Iterator[Match]:
    """A file in inittab.d is not read.

    init reads the files there whose names end in ``.tab``, and no others; hidden files neither.
    sysvinit-2.88 and BusyBox do not know the folder at all.

    Bad::

        # the text of /etc/inittab.d/ttyS0, without .tab
        S0:2345:respawn:/sbin/getty 115200 ttyS0

    Good::

        # the text of /etc/inittab, which is read
        S0:2345:respawn:/sbin/getty 115200 ttyS0
    """
    for document in inittab.documents:
        folder, name = os.path.split(document.file)
        if os.path.basename(folder) != "inittab.d" or not document.lines:
            continue
        first = document.lines[0]
        if not inittab.target.tab_files:
            yield line_match(document, first, f"{inittab.target.name} does not read inittab.d")
        elif not name.endswith(".tab") or name.startswith("."):
            yield line_match(
                document,
                first,
                "init does not read this file: its name does not end in .tab",
                f"rename it to {name}.tab" if not name.startswith(".") else "",
            )


@rule("INT004", "unused-suppression", "warning", (SYSVINIT_PY,))
def unused_suppression(inittab: Inittab) -> Iterator[Match]:
    """A comment turns a rule off where it finds nothing.

    The mistake is gone and the comment was forgotten, or it stands at the wrong line: it must be on a line
    of its own, directly above the entry that it is for (``disable=``), or anywhere for the whole file
    (``disable-file=``).

    Bad::

        # inittab-lint: disable=INT301
        c1:2345:respawn:/sbin/agetty 38400 tty1 linux

    Good::

        # inittab-lint: disable=INT301
        c6:2345:respawn:/sbin/agetty 38400 tty1 linux
    """
    yield from ()  # found by suppressions.py, once all other rules have run


@rule("INT005", "bad-suppression", "warning", ALL)
def bad_suppression(inittab: Inittab) -> Iterator[Match]:
    """A comment for the linter cannot be understood.

    It must read ``# inittab-lint: disable=INT301,INT403`` or ``# inittab-lint: disable-file=INT213``; names
    of rules may stand in the place of codes.

    Bad::

        # inittab-lint: disable INT999
        c6:2345:respawn:/sbin/agetty 38400 tty1 linux

    Good::

        # inittab-lint: disable=getty-id
        c6:2345:respawn:/sbin/agetty 38400 tty1 linux
    """
    yield from ()  # found by suppressions.py
