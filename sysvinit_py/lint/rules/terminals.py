"""INT3: which entry talks on which terminal."""

from __future__ import annotations

import re

from sysvinit_py.inittab.getopt import UnknownOptionError, parse
from sysvinit_py.inittab.getty import DEV, GETTYS, MANY, terminal_of
from sysvinit_py.lint.command import terminal
from sysvinit_py.lint.finding import Match, printable
from sysvinit_py.lint.inittab import ID, RESPAWNED, EntryView
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL, SYSV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.command import Word
    from sysvinit_py.lint.inittab import Inittab

#: ids that name a virtual console or a serial line by custom: 1, c1, v1; S0, s0.
_CONSOLE_ID = re.compile(r"[cv]?([1-9]\d?)$")
_SERIAL_ID = re.compile(r"[Ss](\d\d?)$")
#: The terminals that such an id means, and their number.
_CONSOLE = re.compile(r"(?:tty|vc/)(\d+)$")
_BSD_CONSOLE = re.compile(r"ttyE(\d+)$")  # ttyE0 is the first
_NUMBERED = re.compile(r".*?(\d+)$")

DIGITS = "0123456789"
#: Letters that are taken for digits.
_LOOKALIKE = {"l": "1", "I": "1", "i": "1", "O": "0", "o": "0"}


def named_by(entry_id: str, device: str) -> str:
    """Return the terminal that an id names by custom, if it is another than this one; else empty.

    Free ids (``co``, ``T0``) name none. A console's id at another kind of terminal, or a serial line's, is a
    mistake only where the numbers differ; any other terminal's name (``USB0``) only at one of the same kind.
    """
    number = _NUMBERED.match(device)
    actual = number[1] if number else ""
    if console := _CONSOLE_ID.match(entry_id):
        if _CONSOLE.match(device):
            return "" if actual == console[1] else f"tty{console[1]}"
        if bsd := _BSD_CONSOLE.match(device):
            actual = str(int(bsd[1]) + 1)
        return "" if device.endswith(entry_id) or actual in ("", console[1]) else f"tty{console[1]}"
    if serial := _SERIAL_ID.match(entry_id):
        return f"ttyS{serial[1]}" if actual not in ("", serial[1]) else ""
    for name in (entry_id, f"tty{entry_id}"):
        if terminal(name) and name != device and name.rstrip(DIGITS) == device.rstrip(DIGITS):
            return name
    return ""


@rule("INT301", "getty-id", "warning", ALL)
def getty_id(inittab: Inittab) -> Iterator[Match]:
    """A getty's id names another terminal than the one it is on.

    By custom the id is the end of the terminal's name: 1 or c1 for tty1, S0 for ttyS0. utmp records and
    ``who`` show it, and whoever edits the file goes by it. For BusyBox it is more than a custom: the id is
    the terminal that the process gets.

    Bad::

        c6:2345:respawn:/sbin/agetty 38400 tty1 linux

    Good::

        c1:2345:respawn:/sbin/agetty 38400 tty1 linux
    """
    for view in inittab.views:
        if not (view.is_getty and view.terminal_word):
            continue
        actual = view.terminal_word.text.removeprefix(DEV)
        if inittab.target.sysv:
            named = named_by(view.id, actual)
        else:
            named = "" if view.id in ("", "null", "console", actual) else view.id
        if named:
            yield view.match(ID, f"id {view.id!r} names {named}, but the getty is on {actual}")


@rule("INT302", "shared-terminal", "warning", ALL)
def shared_terminal(inittab: Inittab) -> Iterator[Match]:
    """Two entries talk on one terminal in the same runlevel.

    Two gettys or shells take turns at eating what is typed there; no login can succeed.

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1
        2:23:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
        2:23:respawn:/sbin/getty 38400 tty2
    """
    by_terminal: dict[str, list[EntryView]] = {}
    for view in inittab.views:
        if view.action not in RESPAWNED or not view.terminal:
            continue
        others = by_terminal.setdefault(view.terminal, [])
        for other in others:
            if not inittab.target.sysv or set(view.levels) & set(other.levels):
                message = f"{view.terminal} is used by the entry in line {other.entry.line} too"
                yield _at_terminal(view, message)
                break
        others.append(view)


def _at_terminal(view: EntryView, message: str) -> Match:
    """Return a match where the entry names its terminal; for BusyBox that is the id."""
    if view.inittab.target.sysv and view.terminal_word:
        return view.match_word(view.terminal_word, message)
    return view.match(ID, message)


@rule("INT303", "missing-terminal", "warning", ALL, needs_root=True)
def missing_terminal(inittab: Inittab) -> Iterator[Match]:
    """The terminal does not exist under ``--root``.

    The getty ends at once and is respawned until init gives it up for five minutes; sysvinit_py starts it
    when the terminal is there, and says so in the hint. Nothing is said where the image's /dev has no
    terminals at all: there the kernel fills it at boot.

    Bad::

        S9:2345:respawn:/sbin/getty 115200 ttyS9

    Good::

        S0:2345:respawn:/sbin/getty 115200 ttyS0
    """
    if not (inittab.root and inittab.root.has_terminals):
        return
    for view in inittab.views:
        if view.terminal and inittab.root.mode(f"/dev/{view.terminal}") is None:
            message = f"/dev/{view.terminal} does not exist under {inittab.root.folder}"
            waits = inittab.target.waits_for_terminals and terminal_of(view.entry)
            hint = "init will wait for it; that is fine for one that is plugged in later" if waits else ""
            yield _at_terminal(view, message).replace(hint=hint)
            continue
        for _, word in view.command.redirects if view.command else ():
            if terminal(word.text) and inittab.root.mode(word.text) is None:
                yield view.match_word(word, f"{word.text} does not exist under {inittab.root.folder}")


@rule("INT304", "misspelt-terminal", "warning", ALL)
def misspelt_terminal(inittab: Inittab) -> Iterator[Match]:
    """A word looks like a terminal's name, but for a letter in the place of a digit.

    Bad::

        1:2345:respawn:/bin/login -f pi ttyl </dev/tty1 >/dev/tty1 2>&1

    Good::

        1:2345:respawn:/bin/login -f pi tty1 </dev/tty1 >/dev/tty1 2>&1
    """
    for view in inittab.views:
        if not (view.command and "tty" in view.process):
            continue
        words: list[Word] = [*view.command.arguments, *(word for _, word in view.command.redirects)]
        for word in words:
            meant = meant_terminal(word.text)
            if meant:
                fix = view.replace_word(word, meant, f"write {meant}")
                yield view.match_word(
                    word, f"no terminal is called {printable(word.text)}", f"did you mean {meant}?", fix
                )


def meant_terminal(word: str) -> str:
    """Return the terminal that a misspelt name stands for; empty if the name is as good as any."""
    stem, last = word[:-1], word[-1:]
    if stem.removeprefix("/dev/") in ("tty", "ttyS", "ttyAMA", "ttyUSB", "ttyACM") and last in _LOOKALIKE:
        return "" if stem.endswith("tty") and last == "O" else stem + _LOOKALIKE[last]
    return ""


@rule("INT305", "half-redirected", "warning", ALL)
def half_redirected(inittab: Inittab) -> Iterator[Match]:
    """A login or a shell reads from a terminal and writes elsewhere.

    Its input is redirected and its output is not: the prompt appears on the console, and whoever sits at
    the terminal sees nothing.

    Bad::

        1:2345:respawn:/bin/login -f root </dev/tty1 2>&1

    Good::

        1:2345:respawn:/bin/login -f root </dev/tty1 >/dev/tty1 2>&1
    """
    for view in inittab.views:
        if not (view.command and view.is_interactive):
            continue
        operators = {operator.lstrip("012") for operator, _ in view.command.redirects}
        for operator, word in view.command.redirects:
            if (
                operator == "<"
                and word.text.startswith("/dev/")
                and not any(o[:1] in (">", "&") for o in operators - {">&"})
            ):
                yield view.match_word(
                    word,
                    f"input comes from {printable(word.text)}, but output goes elsewhere",
                    f"add >{word.text} 2>&1",
                )


@rule("INT306", "getty-without-terminal", "warning", SYSV)
def getty_without_terminal(inittab: Inittab) -> Iterator[Match]:
    """A getty is not told on which terminal to offer a login.

    It ends with a complaint, is respawned, and given up for five minutes.

    Bad::

        1:2345:respawn:/sbin/getty 38400

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for view in inittab.views:
        syntax = GETTYS.get(view.name)
        if not syntax or not view.command or view.terminal or view.action not in RESPAWNED:
            continue
        try:
            parsed = list(parse([word.text for word in view.command.arguments], syntax))
        except UnknownOptionError:
            continue
        operands = [value for option, value, _ in parsed if not option]
        if not operands or (view.name != MANY and all(w.replace(",", "").isdigit() for w in operands)):
            yield view.match_word(view.command.program, f"{view.name} is given no terminal")
