"""shutdown(8): warn all users, count down, and have init go to level 0, 6 or 1.

While it runs its pid is in PIDFILE, which is locked. SIGINT, as ``shutdown -c`` sends it, and SIGTERM are
blocked but while it sleeps, so neither of them leaves anything half done.
"""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import time
from stat import S_ISREG

from sysvinit_py.cli import out
from sysvinit_py.cli.options import LONG, Option, Program, RefusedError, UsageError
from sysvinit_py.clients import halt, runlevel, telinit, users
from sysvinit_py.linux import calls, syslog
from sysvinit_py.protocol import initctl
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.cli.options import Values

PIDFILE, NOLOGIN = "/run/shutdown.pid", "/run/nologin"
#: What tells the boot scripts about file systems, and the option that makes it.
FLAGS = {"f": "/fastboot", "F": "/forcefsck"}
#: By level: what the users are told, if not the level's name.
GOING = {"0": "for system halt", "6": "for reboot", "1": "to maintenance mode"}
_LEVELS = tuple("0156aAbBcCsS")

_MAX_MINUTES = 2**31 // 60
_DAY = 24 * 60  # minutes
#: The interval between warnings, by the minutes left, from which on it applies; in minutes.
_EVERY = ((180, 60), (60, 30), (10, 15), (2, 1))
_QUIET = (5, 10)  # and every hour
_FIRST, _NO_LOGIN = 15, 5  # minutes: below the first there is one at the start
_CANCELS = (calls.SIGINT, calls.SIGTERM)

_HALTED = "The system is halted. Press CTRL-ALT-DEL or turn off power\n"
_REBOOTING = "Please stand by while rebooting the system.\n"
#: What -n does in the place of the boot scripts, after all processes are gone.
_LAST = (
    ("accton", "off"),
    ("quotaoff", "-a"),
    ("swapoff", "-a"),
    ("umount", "-a"),
    ("mount", "-o", "remount,ro", "/"),
)


SHUTDOWN = Program(
    "shutdown",
    "Warn all users, count down, and bring the system down: without -h or -r to maintenance mode.",
    (
        Option("-a", help=f"only if a user whom {users.ALLOW} names, or root, is logged in on a console"),
        Option("-k", help="only warn"),
        Option("-r", help="restart"),
        Option("-h", help="halt, or power off"),
        Option("-P", help="with -h: switch off the power (INIT_HALT=POWEROFF)"),
        Option("-H", help="with -h: leave the power on (INIT_HALT=HALT)"),
        Option("-f", help="skip fsck at the next boot"),
        Option("-F", help="force fsck at the next boot"),
        Option("-n", help="do it all without init (deprecated)"),
        Option("-c", help="cancel the shutdown that is waiting"),
        Option("-q", help="warn every hour, and 10 and 5 minutes before"),
        Option("-Q", help="warn only when it begins"),
        Option("-t", "SECONDS", "between SIGTERM and SIGKILL", telinit.seconds),
        Option("-i", "LEVEL", "the runlevel to go to", _LEVELS),
        Option("-g", "TIME", "the time, which then is not an operand"),
        Option("-y", help="ignored"),
        Option("TIME", "TIME", "now, +MINUTES, +HOURS:MINUTES or HOUR:MINUTE"),
        Option("MESSAGE", "MESSAGE", "what all users are told, too", many=True),
    ),
    forms=("[OPTION]... TIME [MESSAGE]...", "[OPTION]... -g TIME [MESSAGE]...", "-c [MESSAGE]..."),
    common=LONG,
    misused=out.FAILED,
    error="",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the command shutdown; return its exit status."""
    return SHUTDOWN.run(_run, arguments)


def _run(values: Values) -> int:
    if posix.geteuid() != 0:
        raise RefusedError("you must be root to do that!")
    chosen = [name for name, value in vars(values).items() if name in ("h", "r", "i") and value]
    level = values.i if chosen[-1:] == ["i"] else {"h": "0", "r": "6"}.get("".join(chosen[-1:]), "1")
    if (values.H or values.P) and level != "0":
        raise UsageError("-H and -P flags can only be used along with -h flag.")
    words = [*filter(None, [values.TIME]), *values.MESSAGE]
    if values.a and not users.may_shut_down():
        raise RefusedError("no authorized users logged in.")
    if values.c:
        return _cancel(words)
    if values.n and level not in ("0", "6"):
        raise RefusedError('can use "-n" for halt or reboot only.')
    if values.g is None and not words:
        raise UsageError('the TIME is missing (try "now")')
    wait = minutes(words.pop(0) if values.g is None else values.g, time.localtime())
    if values.n:
        halt.require_own_root()
    return _bring_down(values, level, wait, "".join(f"{word} " for word in words))


def minutes(text: str, now: time.struct_time) -> int:
    """Return how many minutes there are to a time. Raises UsageError."""
    if text == "now":
        return 0
    numbers = text.removeprefix("+").split(":")
    if all(number.isascii() and number.isdigit() and len(number) < 9 for number in numbers):
        hours, minute = int(numbers[0]), int(numbers[-1])
        if len(numbers) == 1:
            return min(minute, _MAX_MINUTES)
        if len(numbers) == 2 and len(numbers[1]) < 3 and minute < 60:
            if text[0] == "+":
                return min(60 * hours + minute, _MAX_MINUTES)
            if hours < 24:
                return (60 * (hours - now.tm_hour) + minute - now.tm_min) % _DAY
    raise UsageError(f"{text!a} is not a time (expected now, +MINUTES, +HOURS:MINUTES or HOUR:MINUTE)")


def warns(left: int, quiet: bool = False, silent: bool = False) -> bool:
    """Return whether users are warned when that many minutes are left."""
    if quiet or silent:
        return not silent and (left % 60 == 0 or left in _QUIET)
    every = next((every for least, every in _EVERY if left >= least), left + 1)
    return left % every == 0


def _cancel(words: list[str]) -> int:
    """End the shutdown that is waiting, and tell the users the words."""
    text = runlevel.contents(PIDFILE).strip()
    if not text.isdigit() or int(text) < 2:
        raise RefusedError("cannot find pid of running shutdown.")
    if not _is_shutdown(int(text)):
        raise RefusedError("not running.")
    calls.kill(int(text), calls.SIGINT)
    if words:
        users.tell("".join(f"{word} " for word in words))
    return out.DONE


def _is_shutdown(pid: int) -> bool:
    """Return whether the process is a shutdown; another one may have got the pid of one that was killed."""
    try:
        if posix.stat(f"/proc/{pid}").st_uid != posix.geteuid():
            return False
    except OSError:
        return False
    command = runlevel.contents(f"/proc/{pid}/cmdline").split(b"\0")
    names = {word.rpartition(b"/")[2].decode("ascii", "replace") for word in command[:3]}
    return not names.isdisjoint({SHUTDOWN.name, *halt.POWER})


def _bring_down(values: Values, level: str, wait: int, message: str) -> int:
    """Count down, and have it done; clean up if that is cancelled, or fails."""
    lock = _take_pidfile()
    for number in users.IGNORED:
        calls.signal(number, calls.SIG_IGN)
    made = [
        path
        for name, path in FLAGS.items()
        if getattr(values, name) and users.put(path, "", calls.O_CREAT | calls.O_EXCL)
    ]
    going = GOING.get(level, f"to runlevel {level}")
    try:
        cancelled = _count_down(wait, values, going, message)
        if not cancelled and not values.k:
            _hand_over(values, level, going, message)
            made = []
            return out.DONE
        telinit.say(1, "\r\nShutdown cancelled.\r\n")
        return out.DONE if cancelled in (0, calls.SIGINT) else 128 + cancelled
    finally:
        for path in (NOLOGIN, *made, *([PIDFILE] if lock >= 0 else [])):
            _remove(path)


def _take_pidfile() -> int:
    """Write the pid, and return the descriptor that is locked; -1 without one. Raises RefusedError."""
    calls.pthread_sigmask(calls.SIG_BLOCK, _CANCELS)
    flags = calls.O_RDWR | calls.O_CREAT | calls.O_NOFOLLOW | calls.O_NONBLOCK | calls.O_CLOEXEC
    while True:
        try:
            file = calls.open(PIDFILE, flags, 0o600)  # what others cannot read they cannot lock
        except OSError:
            out.say(SHUTDOWN.name, f"warning: cannot open {PIDFILE}")
            return -1
        if not S_ISREG(calls.fstat(file).st_mode):
            calls.close(file)
            out.say(SHUTDOWN.name, f"warning: {PIDFILE} is not a regular file: shutdown -c will not work")
            return -1
        try:
            calls.lockf(file, calls.LOCK_EX | calls.LOCK_NB)
        except (BlockingIOError, PermissionError):
            text = calls.read(file, 32).strip()
            if not text.isdigit() or _is_shutdown(int(text)):
                raise RefusedError("already running.") from None
            calls.close(file)
            _remove(PIDFILE)  # of one that was killed; who has locked it now is no shutdown
            continue
        except OSError as error:
            out.say(SHUTDOWN.name, f"warning: {PIDFILE} cannot be locked: {error.strerror}")
        if not calls.fstat(file).st_nlink:
            calls.close(file)  # its owner has ended this very moment
            continue
        text = calls.read(file, 32).strip()
        if text.isdigit() and int(text) != calls.getpid() and _is_shutdown(int(text)):
            raise RefusedError("already running.")  # C's, which takes no lock
        try:
            calls.ftruncate(file, 0)
            calls.pwrite(file, b"%d\n" % calls.getpid(), 0)
        except OSError as error:
            out.say(SHUTDOWN.name, f"warning: {PIDFILE}: {error.strerror}: shutdown -c will not find it")
        return file


def _count_down(wait: int, values: Values, going: str, message: str) -> int:
    """Warn and wait; return the signal that cancels it, or 0."""
    end = _clock() + 60 * wait
    for left in range(wait, 0, -1):
        if _clock() > end - 60 * (left - 1):
            continue  # the machine slept meanwhile
        if left == min(wait, _NO_LOGIN):
            when = time.strftime("%a %b %e %T %Y", time.localtime(time.time() + 60 * left))
            text = f"{printable(message)}\r\n" if message else ""
            users.put(NOLOGIN, f"\rThe system is going down on {when}\n\r\n{text}")
        if warns(left, values.q, values.Q) or left == wait < _FIRST:
            plural = "s" * (left != 1)
            users.tell(message, f"The system is going DOWN {going} in {left} minute{plural}!")
        if cancelled := _sleep(end - 60 * (left - 1)):
            return cancelled
    users.tell(message, f"The system is going down {going} NOW!")
    return _sleep(0)


def _clock() -> float:
    """Return seconds that nobody sets, and that count on while the machine is suspended."""
    return calls.clock_gettime(calls.CLOCK_BOOTTIME)


def _sleep(until: float) -> int:
    """Sleep; return the signal that cancels the shutdown, or 0."""
    found = calls.sigtimedwait(_CANCELS, max(until - _clock(), 0))
    return found.si_signo if found else 0


def _hand_over(values: Values, level: str, going: str, message: str) -> None:
    """Have init go to the level. Raises RefusedError, OSError."""
    log = syslog.Syslog(f"{SHUTDOWN.name}[{calls.getpid()}]", syslog.USER_NOTICE)
    log.send(f"shutting down {going}")
    if values.n:
        _without_init(values, level)
    calls.sync()
    halting = "INIT_HALT=HALT" if values.H else "INIT_HALT=POWEROFF" if values.P else "INIT_HALT"
    seconds = initctl.WAIT_TIME if values.t is None else values.t
    variable = initctl.Request(initctl.SETENV, data=initctl.environment_data([halting.encode()]))
    try:
        for request in variable, initctl.Request(initctl.RUNLVL, level, seconds):
            telinit.send(initctl.encode(request), initctl.PATH)
    except (OSError, telinit.RefusedError) as error:
        log.send("shutdown failed")
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, initctl.PATH) from None
        raise RefusedError(str(error)) from None


def _without_init(values: Values, level: str) -> None:
    """Do what init and the boot scripts would do. Raises OSError if the machine goes on."""
    out.say(SHUTDOWN.name, "sending all processes the TERM signal...")
    calls.kill(1, calls.SIGTSTP)
    _kill_all(calls.SIGTERM)
    time.sleep(initctl.WAIT_TIME if values.t is None else values.t)
    out.say(SHUTDOWN.name, "sending all processes the KILL signal.")
    _kill_all(calls.SIGKILL)
    halt.record()
    calls.sync()
    calls.signal(calls.SIGCHLD, calls.SIG_DFL)
    nothing = calls.open("/dev/null", calls.O_RDONLY)
    for command in _LAST:
        if pid := users.start(command, nothing):
            calls.waitpid(pid, 0)
    commands = halt.POWER["reboot" if level == "6" else "poweroff" if values.P else "halt"][0]
    telinit.say(2, _REBOOTING if level == "6" else _HALTED)
    halt.stop(commands)


def _kill_all(number: int) -> None:
    try:
        calls.kill(-1, number)
    except ProcessLookupError:
        pass


def _remove(path: str) -> None:
    try:
        calls.unlink(path)
    except OSError:
        pass
