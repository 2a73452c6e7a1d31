"""The users of the machine: what they are told, and whether one who may shut it down is logged in."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import time

from sysvinit_py.cli import out
from sysvinit_py.clients import runlevel
from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp

ALLOW, CONSOLE = "/etc/shutdown.allow", "/dev/console"
_NAME = "shutdown"
_FOLDERS = ("/sbin", "/usr/sbin", "/bin", "/usr/bin")
_VC_MAJOR, _VC_MINORS = 4, range(1, 64)
#: What shutdown ignores, and no program that it starts does.
IGNORED = (calls.SIGHUP, calls.SIGQUIT, calls.SIGTSTP, calls.SIGTTIN, calls.SIGTTOU, calls.SIGCHLD)


def may_shut_down() -> bool:
    """Return whether somebody who may shut down is logged in on a virtual console, or nobody has to be."""
    try:
        posix.stat(ALLOW)
    except FileNotFoundError:
        return True
    lines = runlevel.contents(ALLOW).decode("utf-8", "surrogateescape").split("\n")
    names = {"root", *(line for line in lines if line and line[0] != "#")}
    content = runlevel.contents(runlevel.UTMP)
    for offset in range(0, len(content) - utmp.SIZE + 1, utmp.SIZE):
        login = utmp.unpack(content, offset)
        if login.type == utmp.USER_PROCESS and login.user in names and _is_console(login.line):
            return True
    put(CONSOLE, "shutdown: no authorized users logged in.\r\n", 0)
    return False


def _is_console(line: str) -> bool:
    try:
        device = calls.stat(f"/dev/{line}").st_rdev
    except OSError:
        return False
    return posix.major(device) == _VC_MAJOR and posix.minor(device) in _VC_MINORS


def tell(message: str, line: str = "") -> None:
    """Write to all users' terminals. It does not take longer if some of them are stuck."""
    import pwd

    try:
        user = pwd.getpwuid(posix.getuid()).pw_name
    except KeyError:
        user = f"uid {posix.getuid()}"
    try:
        terminal = f"({posix.ttyname(0).removeprefix('/dev/')}) "
    except OSError:
        terminal = ""
    sender = f"{user}@{calls.uname().nodename} {terminal}({time.strftime('%a %b %e %T %Y')})"
    lines = [f"Broadcast message from {sender}:", "", *filter(None, (message, line))]
    text = calls.memfd_create("message", calls.MFD_CLOEXEC)
    calls.write(text, "\n".join(lines).encode("utf-8", "surrogateescape"))
    calls.lseek(text, 0, calls.SEEK_SET)
    try:
        if not start(("wall", "-n"), text):
            out.say(_NAME, "there is no wall(1): nobody is told")
    finally:
        calls.close(text)


def start(command: tuple[str, ...], stdin: int) -> int:
    """Start a program of the system, with signals at their default; return its pid, or 0."""
    for folder in _FOLDERS:
        try:
            return posix.posix_spawn(
                f"{folder}/{command[0]}", command, posix.environ, setsigdef=IGNORED, setsigmask=(),
                file_actions=[(posix.POSIX_SPAWN_DUP2, stdin, 0)],
            )  # fmt: skip
        except OSError:
            pass
    return 0


def put(path: str, text: str, how: int = calls.O_CREAT | calls.O_TRUNC) -> bool:
    """Write the text to a file or terminal; return whether that was begun."""
    how |= calls.O_WRONLY | calls.O_NOFOLLOW | calls.O_NONBLOCK | calls.O_NOCTTY | calls.O_CLOEXEC
    try:
        file = calls.open(path, how, 0o644)
    except FileExistsError:
        return False
    except OSError as error:
        out.say(_NAME, f"warning: cannot open {path}: {error.strerror}")
        return False
    try:
        calls.write(file, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        out.say(_NAME, f"warning: cannot write {path}: {error.strerror}")
    finally:
        calls.close(file)
    return True
