"""Which terminal an entry needs: the one on which its getty asks for a login.

Without it the getty would exit at once, and be respawned until it is throttled; so init checks for it first
(docs/devices.rst). If the terminal is not evident from the command, the entry is started as SysV init would.
"""

from __future__ import annotations

from sysvinit_py.inittab.entry import SHELL_CHARACTERS
from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.inittab.entry import Entry

DEV = "/dev/"

#: util-linux's, as of 2.38; BusyBox's getty has a subset of them.
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

#: The options of each getty, by the name of the program. Those without any are no longer packaged: their
#: first word is the terminal, unless an option precedes it.
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
#: It serves several terminals, and does not need all of them.
MANY = "ngetty"

#: Characters after which the terminal is not evident: no attempt is made to expand words as a shell does.
_UNCLEAR = SHELL_CHARACTERS - {"="}
#: Prefixes of the names of terminals; others, such as mgetty's ``modem``, have to be given with /dev.
_BEGINNINGS = ("tty", "hvc", "hvsi", "xvc", "cua", "rfcomm", "vc/", "tts/", "usb/tts/", "pts/", "console")


def terminal_of(entry: Entry) -> str:
    """Return the path of the terminal that the entry's getty needs; empty: none, or not evident."""
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
    """Return the index of the argument that is a getty's terminal; None: none, or not evident."""
    try:
        for name, value, at in parse(arguments, GETTYS.get(getty, Syntax())):
            if not name and not value[:1].isdigit():  # a speed may precede the terminal
                return at if value.startswith((DEV, *_BEGINNINGS)) else None
    except UnknownOptionError:
        pass
    return None


def _without_quotes(command: str) -> str:
    """Replace each quoted string, which is one word or part of one, by a word without whitespace."""
    quote = "'" if "'" in command else '"'
    pieces = command.split(quote)
    if len(pieces) == 1:
        return command
    if quote == "'" or _UNCLEAR.isdisjoint("".join(pieces[1::2])):
        pieces[1::2] = ["_"] * len(pieces[1::2])
    return quote.join(pieces) if len(pieces) % 2 == 0 else "_".join(pieces)
