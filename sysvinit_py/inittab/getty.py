"""Which terminal an entry cannot do without: the one that its getty is to ask for a login on.

On one that does not exist it would end at once, again and again; so init looks first (docs/devices.rst).
Where the command does not say plainly which terminal it means, it needs none, and is started as SysV would.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import SHELL_CHARACTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.inittab.entry import Entry

#: The programs, by name: wherever they are, and also behind ``exec``.
GETTYS = ("getty", "agetty", "mgetty", "uugetty", "vgetty", "mingetty", "fgetty", "fbgetty", "rungetty")
DEV = "/dev/"

#: How the names of terminals begin. Not every other word is an option's: ``-a root``, ``38400``, ``vt100``.
_BEGINNINGS = ("tty", "hvc", "hvsi", "xvc", "cua", "rfcomm", "vc/", "tts/", "usb/tts/", "pts/", "console")


def terminal_of(entry: Entry) -> str:
    """Return the path of the terminal below /dev that the entry's getty needs; empty: it needs none."""
    if not entry.rule.again:
        return ""
    words = entry.command.partition("#")[0].split()
    if words[:1] == ["exec"]:
        del words[0]
    if not words or words[0].rpartition("/")[2] not in GETTYS:
        return ""
    return next((DEV + word.removeprefix(DEV) for word in words[1:] if _names_terminal(word)), "")


def _names_terminal(word: str) -> bool:
    return SHELL_CHARACTERS.isdisjoint(word) and word.startswith((DEV, *_BEGINNINGS))
