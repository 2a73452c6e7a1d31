"""Which terminal an entry cannot do without: the one that its getty is to ask for a login on.

On one that does not exist it would end at once, again and again; so init looks first (docs/devices.rst).
Where the command does not say plainly which terminal it means, it needs none, and is started as SysV would.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import SHELL_CHARACTERS
from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.inittab.entry import Entry

DEV = "/dev/"

#: util-linux's, as of 2.38; BusyBox's getty knows fewer options, and none otherwise.
_AGETTY = Syntax(
    "8a:cC:d:Ef:hH:iI:Jl:L::mnNo:pP:r:Rst:Uw",
    (
        "8bits", "autologin=", "noreset", "chdir=", "delay=", "remote", "issue-file=", "show-issue",
        "flow-control", "host=", "noissue", "init-string=", "noclear", "login-program=", "local-line?",
        "extract-baud", "skip-login", "nonewline", "login-options=", "login-pause", "nice=", "chroot=",
        "hangup", "keep-baud", "timeout=", "detect-case", "wait-cr", "nohints", "nohostname", "long-hostname",
        "erase-chars=", "kill-chars=", "reload", "list-speeds", "help", "version",
    ),
)  # fmt: skip
_MGETTY = Syntax("c:x:s:rp:n:R:i:DC:FS:k:m:I:baV")
_MINGETTY = Syntax(
    "a:p:d:l:n:w:r:",
    (
        "noclear", "nonewline", "noissue", "nohangup", "nohostname", "no-hostname", "long-hostname",
        "loginprog=", "nice=", "delay=", "chdir=", "chroot=", "autologin=", "loginpause",
    ),
)  # fmt: skip
_RUNGETTY = Syntax(
    "d:n:u:w:g:",
    ("noclear", "long-hostname", "autologin=", "prompt?", "path=", "nice="),
    most_operands=1,
)

#: The options of each program that offers a login, by its name, wherever it is. Those without any are no
#: longer packaged: their first word is their terminal, and what follows an option of theirs is not plain.
GETTYS = {
    "getty": _AGETTY,
    "agetty": _AGETTY,
    "smart_agetty": _AGETTY,
    "mgetty": _MGETTY,
    "vgetty": _MGETTY,
    "mingetty": _MINGETTY,
    "rungetty": _RUNGETTY,
    "fgetty": Syntax("", ("noclear", "long-hostname")),
    "uugetty": Syntax(),
    "fbgetty": Syntax(),
    "ngetty": Syntax(),
    "qingy": Syntax(),
}
#: It serves several terminals, whether all of them exist or not.
MANY = "ngetty"

#: In the words before the terminal: what the shell would make of them is not looked at.
_UNCLEAR = SHELL_CHARACTERS - {"="}
#: How the names of terminals begin; others, such as mgetty's ``modem``, have to be below /dev.
_BEGINNINGS = ("tty", "hvc", "hvsi", "xvc", "cua", "rfcomm", "vc/", "tts/", "usb/tts/", "pts/", "console")


def terminal_of(entry: Entry) -> str:
    """Return the path of the terminal below /dev that the entry's getty needs; empty: it needs none."""
    if not entry.rule.again:
        return ""
    command = entry.command if entry.no_shell else _without_quotes(entry.command)
    words = command.partition("#")[0].split()
    if words[:1] == ["exec"]:
        del words[0]
    if words and words[0].rpartition("/")[2] == "busybox":
        del words[0]
    if not words:
        return ""
    name, *arguments = words
    name = name.rpartition("/")[2]
    at = line_of(name, arguments) if name in GETTYS and name != MANY else None
    if at is None or not _UNCLEAR.isdisjoint("".join(arguments[: at + 1])):
        return ""
    return DEV + arguments[at].removeprefix(DEV)


def line_of(getty: str, arguments: Sequence[str]) -> int | None:
    """Return which argument is the terminal of a getty; None: it has none, or that is not plain."""
    try:
        for name, value, at in parse(arguments, GETTYS.get(getty, Syntax())):
            if not name and not value[:1].isdigit():  # a speed may precede the terminal
                return at if value.startswith((DEV, *_BEGINNINGS)) else None
    except UnknownOptionError:
        pass
    return None


def _without_quotes(command: str) -> str:
    """Replace each quoted text, which is one word or part of one, by as good a word without whitespace."""
    quote = "'" if "'" in command else '"'
    pieces = command.split(quote)
    if len(pieces) == 1:
        return command
    if quote == "'" or _UNCLEAR.isdisjoint("".join(pieces[1::2])):
        pieces[1::2] = ["_"] * len(pieces[1::2])
    return quote.join(pieces) if len(pieces) % 2 == 0 else "_".join(pieces)
