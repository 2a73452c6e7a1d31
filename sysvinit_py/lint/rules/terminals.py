"""INT3: which entry talks on which terminal."""

from __future__ import annotations

import re

from sysvinit_py.inittab.getopt import UnknownOptionError, parse
from sysvinit_py.inittab.getty import DEV, GETTYS, MANY, terminal_of
from sysvinit_py.lint.command import terminal
from sysvinit_py.lint.finding import Hit, printable
from sysvinit_py.lint.inittab import ID, RESPAWNED, Subject
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


def named_by(id: str, device: str) -> str:
    """The terminal that an id names by custom, if it is another than this one; else empty.

    Free ids (``co``, ``T0``) name none. A console's id at another kind of terminal, or a serial line's, is a
    mistake only where the numbers differ; any other terminal's name (``USB0``) only at one of the same kind.
    """
    number = _NUMBERED.match(device)
    actual = number[1] if number else ""
    if console := _CONSOLE_ID.match(id):
        if _CONSOLE.match(device):
            return "" if actual == console[1] else f"tty{console[1]}"
        if bsd := _BSD_CONSOLE.match(device):
            actual = str(int(bsd[1]) + 1)
        return "" if device.endswith(id) or actual in ("", console[1]) else f"tty{console[1]}"
    if serial := _SERIAL_ID.match(id):
        return f"ttyS{serial[1]}" if actual not in ("", serial[1]) else ""
    for name in (id, f"tty{id}"):
        if terminal(name) and name != device and name.rstrip(DIGITS) == device.rstrip(DIGITS):
            return name
    return ""


@rule("INT301", "getty-id", "warning", ALL)
def getty_id(inittab: Inittab) -> Iterator[Hit]:
    """A getty's id names another terminal than the one it is on.

    By custom the id is the end of the terminal's name: 1 or c1 for tty1, S0 for ttyS0. utmp records and
    ``who`` show it, and whoever edits the file goes by it. For BusyBox it is more than a custom: the id is
    the terminal that the process gets.

    Bad::

        c6:2345:respawn:/sbin/agetty 38400 tty1 linux

    Good::

        c1:2345:respawn:/sbin/agetty 38400 tty1 linux
    """
    for subject in inittab.subjects:
        if not (subject.is_getty and subject.terminal_word):
            continue
        actual = subject.terminal_word.text.removeprefix(DEV)
        if inittab.target.sysv:
            named = named_by(subject.id, actual)
        else:
            named = "" if subject.id in ("", "null", "console", actual) else subject.id
        if named:
            yield subject.hit(ID, f"id {subject.id!r} names {named}, but the getty is on {actual}")


@rule("INT302", "shared-terminal", "warning", ALL)
def shared_terminal(inittab: Inittab) -> Iterator[Hit]:
    """Two entries talk on one terminal in the same runlevel.

    Two gettys or shells take turns at eating what is typed there; no login can succeed.

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1
        2:23:respawn:/sbin/getty 38400 tty1

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
        2:23:respawn:/sbin/getty 38400 tty2
    """
    by_terminal: dict[str, list[Subject]] = {}
    for subject in inittab.subjects:
        if subject.action not in RESPAWNED or not subject.terminal:
            continue
        others = by_terminal.setdefault(subject.terminal, [])
        for other in others:
            if not inittab.target.sysv or set(subject.levels) & set(other.levels):
                message = f"{subject.terminal} is used by the entry in line {other.entry.line} too"
                yield _at_terminal(subject, message)
                break
        others.append(subject)


def _at_terminal(subject: Subject, message: str) -> Hit:
    """A hit where the entry names its terminal; for BusyBox that is the id."""
    if subject.inittab.target.sysv and subject.terminal_word:
        return subject.hit_word(subject.terminal_word, message)
    return subject.hit(ID, message)


@rule("INT303", "missing-terminal", "warning", ALL, needs_root=True)
def missing_terminal(inittab: Inittab) -> Iterator[Hit]:
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
    for subject in inittab.subjects:
        if subject.terminal and inittab.root.mode(f"/dev/{subject.terminal}") is None:
            message = f"/dev/{subject.terminal} does not exist under {inittab.root.folder}"
            waits = inittab.target.waits_for_terminals and terminal_of(subject.entry)
            hint = "init will wait for it; that is fine for one that is plugged in later" if waits else ""
            yield _at_terminal(subject, message).replace(hint=hint)
            continue
        for _, word in subject.command.redirects if subject.command else ():
            if terminal(word.text) and inittab.root.mode(word.text) is None:
                yield subject.hit_word(word, f"{word.text} does not exist under {inittab.root.folder}")


@rule("INT304", "misspelt-terminal", "warning", ALL)
def misspelt_terminal(inittab: Inittab) -> Iterator[Hit]:
    """A word looks like a terminal's name, but for a letter in the place of a digit.

    Bad::

        1:2345:respawn:/bin/login -f pi ttyl </dev/tty1 >/dev/tty1 2>&1

    Good::

        1:2345:respawn:/bin/login -f pi tty1 </dev/tty1 >/dev/tty1 2>&1
    """
    for subject in inittab.subjects:
        if not (subject.command and "tty" in subject.process):
            continue
        words: list[Word] = [*subject.command.arguments, *(word for _, word in subject.command.redirects)]
        for word in words:
            meant = meant_terminal(word.text)
            if meant:
                fix = subject.replace_word(word, meant, f"write {meant}")
                yield subject.hit_word(
                    word, f"no terminal is called {printable(word.text)}", f"did you mean {meant}?", fix
                )


def meant_terminal(word: str) -> str:
    """The terminal that is meant by a name that is none; empty if the name is as good as any."""
    stem, last = word[:-1], word[-1:]
    if stem.removeprefix("/dev/") in ("tty", "ttyS", "ttyAMA", "ttyUSB", "ttyACM") and last in _LOOKALIKE:
        return "" if stem.endswith("tty") and last == "O" else stem + _LOOKALIKE[last]
    return ""


@rule("INT305", "half-redirected", "warning", ALL)
def half_redirected(inittab: Inittab) -> Iterator[Hit]:
    """A login or a shell reads from a terminal and writes elsewhere.

    Its input is redirected and its output is not: the prompt appears on the console, and whoever sits at
    the terminal sees nothing.

    Bad::

        1:2345:respawn:/bin/login -f root </dev/tty1 2>&1

    Good::

        1:2345:respawn:/bin/login -f root </dev/tty1 >/dev/tty1 2>&1
    """
    for subject in inittab.subjects:
        if not (subject.command and subject.is_interactive):
            continue
        operators = {operator.lstrip("012") for operator, _ in subject.command.redirects}
        for operator, word in subject.command.redirects:
            if (
                operator == "<"
                and word.text.startswith("/dev/")
                and not any(o[:1] in (">", "&") for o in operators - {">&"})
            ):
                yield subject.hit_word(
                    word,
                    f"input comes from {printable(word.text)}, but output goes elsewhere",
                    f"add >{word.text} 2>&1",
                )


@rule("INT306", "getty-without-terminal", "warning", SYSV)
def getty_without_terminal(inittab: Inittab) -> Iterator[Hit]:
    """A getty is not told on which terminal to offer a login.

    It ends with a complaint, is respawned, and given up for five minutes.

    Bad::

        1:2345:respawn:/sbin/getty 38400

    Good::

        1:2345:respawn:/sbin/getty 38400 tty1
    """
    for subject in inittab.subjects:
        syntax = GETTYS.get(subject.name)
        if not syntax or not subject.command or subject.terminal or subject.action not in RESPAWNED:
            continue
        try:
            parsed = list(parse([word.text for word in subject.command.arguments], syntax))
        except UnknownOptionError:
            continue
        operands = [value for option, value, _ in parsed if not option]
        if not operands or (subject.name != MANY and all(w.replace(",", "").isdigit() for w in operands)):
            yield subject.hit_word(subject.command.program, f"{subject.name} is given no terminal")
