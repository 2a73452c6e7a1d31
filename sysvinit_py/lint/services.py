"""What the rules for service folders look at: the services of a folder, and their scripts.

The folder is not trusted: all files are opened beneath it, links that lead out are not followed, only regular
files are opened, and only the beginning of each is read.
"""

from __future__ import annotations

import stat
from errno import ENOENT, ENOTDIR
from functools import cached_property

from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse
from sysvinit_py.lint.command import SHELLS, Command, Token, plain_command, shell_command, tokens
from sysvinit_py.lint.finding import Match
from sysvinit_py.lint.root import MAX_SCRIPT
from sysvinit_py.lint.sources import exposed
from sysvinit_py.linux.beneath import LinkError, Place
from sysvinit_py.protocol.supervise import needed
from sysvinit_py.value import Value

#: What only a service folder has in it.
_MARKS = {"run", "finish", "down", "log", "supervise"}
#: Programs that execute another command: their options, and the number of words before the command.
_WRAPPERS = {
    "chpst": (Syntax("u:U:b:e:m:d:o:p:f:c:r:t:/:n:l:L:vP012V", most_operands=1), 0),
    "env": (Syntax("iu:C:", most_operands=1), 0),
    "envdir": (Syntax(most_operands=1), 1),
    "envuidgid": (Syntax(most_operands=1), 1),
    "nice": (Syntax("n:", most_operands=1), 0),
    "pgrphack": (Syntax(most_operands=1), 0),
    "setlock": (Syntax("nNxX", most_operands=1), 1),
    "setuidgid": (Syntax(most_operands=1), 1),
    "softlimit": (Syntax("a:c:d:f:l:m:o:p:r:s:t:", most_operands=1), 0),
}
#: What executes scripts for sh, besides: Debian's, for services.
_LIKE_SH = ("invoke-run",)
#: More than anybody has, and runsvdir of C takes 1,000.
_MOST = 10_000


class Script:
    """A file of a service that is executed; or whatever has its name."""

    def __init__(self, place: Place) -> None:
        self.path = place.shown
        status = place.status()
        self.is_file = stat.S_ISREG(status.st_mode)
        self.is_executable = bool(status.st_mode & 0o111)
        self.exposed = exposed(status, place.owner())
        content = place.beginning(MAX_SCRIPT) if self.is_file else b""
        self.content = content[: content.rfind(b"\n") + 1] if len(content) == MAX_SCRIPT else content

    @cached_property
    def first(self) -> str:
        """The first line, if it names an interpreter."""
        line = self.content.partition(b"\n")[0].decode(errors="surrogateescape")
        return line if line.startswith("#!") else ""

    @cached_property
    def lines(self) -> list[tuple[int, list[Token]]]:
        """What sh sees of each line that is a command, with the line's number; empty if no sh executes it."""
        words = [word.rpartition("/")[2] for word in self.first[2:].split()]
        if words[:1] == ["env"]:
            del words[0]
        if not words or words[0] not in (*SHELLS, *_LIKE_SH):
            return []
        text, found, number, held = self.content.decode(errors="surrogateescape"), [], 0, ""
        for number, line in enumerate(text.split("\n"), 1):
            if line.endswith("\\"):
                held += line[:-1] + " "
                continue
            if pieces := [*tokens(held + line.removesuffix("\r"), 0)]:
                found.append((number, pieces))
            held = ""
        return found

    @cached_property
    def last(self) -> Command | None:
        """The command in which it ends, if that is a simple one."""
        command = shell_command(self.lines[-1][1]) if self.lines else None
        return None if command is None or command.compound else command

    def match(self, message: str, hint: str = "", line: int = 1) -> Match:
        """Return a match on a line, or the file."""
        return Match(self.path, line, 1, 1, message, hint)


class Service:
    """A service folder."""

    def __init__(self, place: Place) -> None:
        self.place, self.path = place, place.shown
        self.name = self.path.rpartition("/")[2]
        self.names = {name: self.place.child(name) for name in place.names()}
        status = place.status()
        self.identity = status.st_dev, status.st_ino

    @cached_property
    def log(self) -> Service | None:
        """Its logger, if that is a folder."""
        return Service(self.names["log"]) if "log" in self.names and self.names["log"].is_folder() else None

    @cached_property
    def run(self) -> Script | None:
        """What is executed for it, if there is something."""
        return self.script("run")

    def script(self, name: str) -> Script | None:
        """Return one of its files, if there is something of the name."""
        try:
            return Script(self.names[name]) if name in self.names else None
        except FileNotFoundError:
            return None

    @cached_property
    def scripts(self) -> list[Script]:
        """All that is executed, that of the logger, too."""
        found = [self.script(name) for name in ("run", "finish", "check")]
        if "control" in self.names and self.names["control"].is_folder():
            folder = self.names["control"]
            found += [Script(folder.child(name)) for name in folder.names() if len(name) == 1]
        return [script for script in found if script] + ([self.log.run] if self.log and self.log.run else [])

    @cached_property
    def settings(self) -> dict[str, Script]:
        """Its files that are read."""
        return {name: file for name in ("backoff", "needs", "wait") if (file := self.script(name))}

    @cached_property
    def needs(self) -> dict[str, int]:
        """The services that it needs, with the lines that say so."""
        file = self.settings.get("needs")
        return needed(file.content.decode(errors="surrogateescape")) if file else {}

    def match(self, message: str, hint: str = "", name: str = "", line: int = 1) -> Match:
        """Return a match on the folder, or on what is in it."""
        return Match(self.names[name].shown if name in self.names else self.path, line, 1, 1, message, hint)


class Services(Value):
    """The services of a folder, or one."""

    all: tuple[Service, ...]
    names: frozenset[str] = frozenset()  # in the folder


def unwrapped(command: Command) -> Command:
    """Return the command that chpst and the like execute in the end; one that cannot be known as it is."""
    while command.name in _WRAPPERS:
        syntax, skipped = _WRAPPERS[command.name]
        try:
            parsed = parse([word.text for word in command.arguments], syntax)
            at = next((index for name, _, index in parsed if not name), len(command.arguments))
        except UnknownOptionError:
            break
        words = list(command.arguments[at + skipped :])
        while command.name == "env" and words and "=" in words[0].text:
            del words[0]
        if not (inner := plain_command(words)):
            break
        command = inner
    return command


def find(place: Place, failed: list[str]) -> Services | None:
    """Return the services of a folder; None if it holds none. Adds to ``failed`` what cannot be looked at."""
    try:
        names = place.names()
        if "run" in names:
            return Services((Service(place),))
    except OSError:
        return None
    places = [place.child(name) for name in names if not name.startswith(".")][:_MOST]
    if "inittab" in names or not any(_is_marked(child) for child in places):
        return None
    found = []
    for child in places:
        try:
            if child.is_folder():
                found.append(Service(child))
            else:
                child.status()
        except FileNotFoundError:
            pass  # a link that leads nowhere: runsvdir warns of it
        except LinkError as error:
            if error.errno not in (ENOENT, ENOTDIR):
                failed.append(f"{child.shown}: {error.strerror}, or --root / follows it")
        except OSError as error:
            failed.append(f"{child.shown}: {error.strerror}")
    return Services(tuple(found), frozenset(names))


def _is_marked(place: Place) -> bool:
    try:
        return not _MARKS.isdisjoint(place.names())
    except OSError:
        return False
