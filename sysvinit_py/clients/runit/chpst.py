"""chpst: execute a program with another user, environment, limits and so on. See behaviour/services.

Also daemontools' envdir, envuidgid, pgrphack, setlock, setuidgid and softlimit, by the name it is called as.
All is done in C's order. A chroot may leave nothing to import from, so all is imported before.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import posix  # and not os, which takes 2 ms to import
import pwd
import resource

from sysvinit_py import __version__
from sysvinit_py.clients.runit.common import UsageError, complain, encoded, number, options, wrong_usage
from sysvinit_py.linux import inherited
from sysvinit_py.protocol.supervise import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

#: What follows the name in the usage.
USAGES = {
    "chpst": "[-vVP012] [-u user[:group]] [-U user[:group]] [-b argv0] [-e dir] [-/ root] [-n nice]"
    " [-l|-L lock] [-m n] [-d n] [-o n] [-p n] [-f n] [-c n] [-t n] prog",
    "envdir": "dir child",
    "envuidgid": "account child",
    "pgrphack": "child",
    "setlock": "[ -nNxX ] file program [ arg ... ]",
    "setuidgid": "account child",
    "softlimit": "[-a allbytes] [-c corebytes] [-d databytes] [-f filebytes] [-l lockbytes] [-m membytes]"
    " [-o openfiles] [-p processes] [-r residentbytes] [-s stackbytes] [-t cpusecs] child",
}
_CHPST = "u:U:b:e:m:d:o:p:f:c:r:t:/:n:l:L:vP012V"
_SOFTLIMIT = "a:c:d:f:l:m:o:p:r:s:t:"
#: What the letters limit.
_LIMITS = {
    "d": (resource.RLIMIT_DATA,), "s": (resource.RLIMIT_STACK,), "l": (resource.RLIMIT_MEMLOCK,),
    "a": (resource.RLIMIT_AS,), "o": (resource.RLIMIT_NOFILE,), "p": (resource.RLIMIT_NPROC,),
    "f": (resource.RLIMIT_FSIZE,), "c": (resource.RLIMIT_CORE,), "r": (resource.RLIMIT_RSS,),
    "t": (resource.RLIMIT_CPU,),
    "m": (resource.RLIMIT_DATA, resource.RLIMIT_STACK, resource.RLIMIT_MEMLOCK, resource.RLIMIT_AS),
}  # fmt: skip
#: The options that are stored as they are.
_TEXTS = {"u": "user", "U": "shown", "b": "argv0", "e": "folder", "/": "root"}
#: The one argument that these take before the program.
_FIRST = {"envdir": "folder", "envuidgid": "shown", "setuidgid": "user"}
#: A limit that is the hard one. In C it is the largest number of 64 bits, too.
_HARD = 2**64 - 1
_MOST_GROUPS = 60
_STDIO = ("stdin", "stdout", "stderr")
_PATH = b"/bin:/usr/bin"
#: Errors after which C looks further along PATH.
_ELSEWHERE = (errno.ENOENT, errno.EACCES, errno.EISDIR)
#: Bytes that are freed before memory is limited: to execute a program takes Python some of its own.
_RESERVE = 100_000


class FatalError(Exception):
    """A change failed; the text says which and why, in runit's words."""


class _NumberError(UsageError):
    """Something should have been a number; whatever the name, C then shows the usage of chpst."""


class Changes:
    """What is to be changed, in the order of the changes, and the program with its arguments."""

    plain = False  # as in daemontools: a user is a name without groups, and there is no folder in an envdir
    verbose = False
    quiet = False  # setlock -x: a failure is not told, and not a failure
    session = False
    folder: str | None = None  # of variables
    root: str | None = None
    nice: int | None = None
    shown: str | None = None  # whose numbers go into UID and GID
    user: str | None = None
    lock: str | None = None
    wait = True  # for the lock
    argv0: str | None = None

    def __init__(self) -> None:
        self.limits: dict[int, int] = {}
        self.closed: set[int] = set()
        self.words: list[str] = []


def main(argv: list[str]) -> int:
    """Execute what the command line says. Returns an exit status only if that fails."""
    name, changes = argv[0].rpartition("/")[2], Changes()
    try:
        changes.words = argv[1:]
        _PARSERS.get(name, _daemontools)(name, changes)
        if not changes.words:
            raise UsageError
        execute(changes, apply(changes))
    except UsageError as wrong:
        form = USAGES["chpst" if isinstance(wrong, _NumberError) else name]
        wrong_usage(name, wrong, f"{name} {form}")
        return 100
    except (FatalError, MemoryError) as fatal:
        if changes.quiet:
            return 0
        complain(f"chpst: fatal: {str(fatal) or 'out of memory.'}\n")
    return 111


def _chpst(_: str, changes: Changes) -> None:
    for letter, value in options(changes.words, _CHPST):
        if letter in _TEXTS:
            setattr(changes, _TEXTS[letter], value)
        elif letter in "012":
            changes.closed.add(int(letter))
        elif letter == "n":
            sign = value[:1] if value[:1] in ("+", "-") else ""
            inc = _number(value[len(sign) :]) * (-1 if sign == "-" else 1)
            changes.nice = (inc + 2**31) % 2**32 - 2**31  # an int of C
        elif letter in "lL":
            if changes.lock is not None:
                raise UsageError
            changes.lock, changes.wait = value, letter == "l"
        elif letter == "v":
            changes.verbose = True
        elif letter == "P":
            changes.session = True
        elif letter == "V":
            complain(f"$Id: sysvinit_py {__version__} $\n")
            raise UsageError
        else:
            _limit(changes, letter, _number(value))


def _softlimit(_: str, changes: Changes) -> None:
    for letter, value in options(changes.words, _SOFTLIMIT):
        _limit(changes, letter, _HARD if value == "=" else _number(value))


def _limit(changes: Changes, letter: str, limit: int) -> None:
    # What is negative for C is no limit: it leaves the one there is.
    for limited in _LIMITS[letter]:
        changes.limits.pop(limited, None)
        if limit < 2**63 or limit == _HARD:
            changes.limits[limited] = limit


def _setlock(_: str, changes: Changes) -> None:
    for letter, _value in options(changes.words, "nNxX"):
        if letter in "nN":
            changes.wait = letter == "N"  # as daemontools document it; in C it is the other way round
        else:
            changes.quiet = letter == "x"
    changes.lock = _first(changes)


def _daemontools(name: str, changes: Changes) -> None:
    changes.plain, changes.session = True, name == "pgrphack"
    if name in _FIRST:
        setattr(changes, _FIRST[name], _first(changes))


_PARSERS: dict[str, Callable[[str, Changes], None]] = {
    "chpst": _chpst,
    "setlock": _setlock,
    "softlimit": _softlimit,
}


def _first(changes: Changes) -> str:
    if len(changes.words) < 2:
        raise UsageError
    return changes.words.pop(0)


def _number(text: str) -> int:
    try:
        return number(text)
    except ValueError:
        raise _NumberError from None


def _do(what: str, call: Callable[..., Any], *arguments: object) -> Any:
    """Call something. Raises FatalError."""
    try:
        return call(*arguments)
    except OSError as error:
        raise FatalError(f"{what}: {reason(error)}") from None


def apply(changes: Changes) -> dict[bytes, bytes]:
    """Change all but the descriptors and limits; return the environment. Raises FatalError."""
    environment = inherited.variables()
    entries: list[bytes] = []
    if changes.session:
        try:
            posix.setsid()
        except OSError:
            pass  # it leads a session already
    if changes.folder is not None:
        entries = _variables(changes.folder, changes)
    if changes.root is not None:
        _do(f"unable to change directory: {changes.root}", posix.chdir, changes.root)
        _do("unable to change root directory", posix.chroot, ".")
    if changes.nice is not None:
        _do("unable to set nice level", posix.nice, changes.nice)
    if changes.shown is not None:
        uid, gids = _ids(changes.shown, changes.plain)
        entries += [b"GID=%d" % gids[0], b"UID=%d" % uid]
    if changes.user is not None:
        uid, gids = _ids(changes.user, changes.plain)
        _do("unable to setgroups", posix.setgroups, gids)
        _do("unable to setgid", posix.setgid, gids[0])
        _do("unable to setuid", posix.setuid, uid)
    if changes.lock is not None:
        _lock(changes.lock, changes.wait)
    return merged(environment, entries)


def _variables(folder: str, changes: Changes) -> list[bytes]:
    """Return what the files of a folder say, as NAME=VALUE, or NAME for one to remove."""
    here = _do("unable to open current working directory", posix.open, ".", posix.O_RDONLY | posix.O_CLOEXEC)
    _do(f"unable to switch to directory: {folder}", posix.chdir, folder)
    entries = []
    for name in _do(f"unable to open directory: {folder}", posix.listdir, "."):
        if name[0] == ".":
            continue
        try:
            content = _content(name)
        except FileNotFoundError:
            content = b""  # a link that leads nowhere, or it has gone
        except OSError as error:
            about = f"unable to read {folder}/{name}: {reason(error)}"
            if error.errno != errno.EISDIR or changes.plain:
                raise FatalError(about) from None
            complain(f"chpst: warning: {about}\n" * changes.verbose)
            continue
        value = content.partition(b"\n")[0].rstrip(b" \t").replace(b"\0", b"\n")
        entries.append(encoded(name) + (b"=" + value if content else b""))
    _do("unable to switch to starting directory", posix.fchdir, here)
    posix.close(here)
    return entries


def _content(path: str) -> bytes:
    """Return what is in a file; of a FIFO, what is in it now."""
    file = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        content = b""
        while chunk := posix.read(file, 1 << 16):
            content += chunk
        return content
    finally:
        posix.close(file)


def merged(given: Mapping[bytes, bytes], entries: list[bytes]) -> dict[bytes, bytes]:
    """Return the environment with the entries, in the order in which C leaves it: the last fills each gap."""
    words = [b"%s=%s" % pair for pair in given.items()]
    for entry in entries:
        begin = entry.partition(b"=")[0] + b"="
        for at, word in enumerate(words):
            if word.startswith(begin):
                words[at] = words[-1]
                del words[-1]
                break
        if b"=" in entry:
            words.append(entry)
    ends = [(word, word.index(b"=", 1)) for word in words]
    return {word[:end]: word[end + 1 :] for word, end in ends}


def _ids(text: str, plain: bool) -> tuple[int, list[int]]:
    """Return the uid and the gids that USER, USER:GROUP... or :UID:GID... stands for."""
    if text[:1] == ":" and not plain:
        try:
            uid, *gids = (number(word) % 2**32 for word in text[1:].split(":"))
        except ValueError:
            gids = []
        if not 0 < len(gids) <= _MOST_GROUPS:
            raise FatalError(f"invalid uid/gids: {text[1:]}")
        return uid, gids
    user, *groups = [text] if plain else text.split(":")
    what = "password" if plain else "password/group"
    unknown = f"unknown {'account' if plain else 'user/group'}: {text}"

    def entry(database: Callable[[str], Any], file: str, name: str) -> Any:
        try:
            return database(name)
        except KeyError:
            _do(f"unable to get {what} file entry", posix.stat, file)
            raise FatalError(unknown) from None

    found = entry(pwd.getpwnam, "/etc/passwd", user)
    gids = [entry(grp.getgrnam, "/etc/group", group).gr_gid for group in groups[:_MOST_GROUPS]]
    return found.pw_uid, gids or [found.pw_gid]


def _lock(path: str, wait: bool) -> None:
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_NONBLOCK
    file = _do(f"unable to open lock: {path}", posix.open, path, flags, 0o600)
    _do(f"unable to lock: {path}", fcntl.flock, file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    posix.set_inheritable(file, True)


def execute(changes: Changes, environment: dict[bytes, bytes]) -> None:
    """Set the limits, close descriptors, and become the program. Raises FatalError."""
    program = changes.words[0]
    arguments = [program if changes.argv0 is None else changes.argv0, *changes.words[1:]]
    paths = [encoded(program)]
    if b"/" not in paths[0]:
        folders = inherited.variables().get(b"PATH", _PATH).split(b":")
        paths = [(folder or b".") + b"/" + paths[0] for folder in folders]
    inherited.restore_signals()
    reserve = bytearray(_RESERVE)
    del reserve
    for limited in changes.limits:
        _, hard = _do("unable to getrlimit()", resource.getrlimit, limited)
        limit = changes.limits[limited]
        soft = hard if limit == _HARD or 0 <= hard < limit else limit
        _do("unable to setrlimit()", resource.setrlimit, limited, (soft, hard))
    for stream, name in enumerate(_STDIO):
        if stream in changes.closed:
            _do(f"unable to close {name}", posix.close, stream)
    _do(f"unable to run: {arguments[0]}", _execute, paths, arguments, environment)


def _execute(paths: list[bytes], arguments: list[str], environment: dict[bytes, bytes]) -> None:
    """Execute the first path that leads to a program. Raises OSError: if any was denied, that."""
    failed = OSError(errno.ENOENT, "")
    for path in paths:
        try:
            posix.execve(path, arguments, environment)
        except ValueError:  # Python executes nothing without a name
            failed = OSError(errno.EINVAL if paths[0][-1:] != b"/" else errno.EACCES, "")
        except OSError as error:
            if error.errno not in _ELSEWHERE:
                raise
            if failed.errno != errno.EACCES:
                failed = error
    raise failed
