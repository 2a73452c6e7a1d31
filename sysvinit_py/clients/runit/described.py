"""The command lines of runit's programs as tables: for --help and --version, the man pages and completions.

The programs take their command lines apart themselves, as C's do, and none of these is imported then.
"""

from __future__ import annotations

from sysvinit_py.cli.options import LONG, Option, Program

_CHILD = (
    Option("prog", "PROG", "the program to execute", required=True, complete="file"),
    Option("arguments", "ARGUMENT", "what it is given", many=True, complete="file"),
)


_ACCOUNT = Option("account", "ACCOUNT", "a user", required=True, complete="cut -d : -f 1 /etc/passwd")
_FOLDER = Option("dir", "DIR", "the folder", required=True, complete="folder")


def _program(
    name: str, about: str, *rows: Option, form: str = "", verbs: tuple[Program, ...] = ()
) -> Program:
    return Program(name, about, rows, forms=(form,) * bool(form), verbs=verbs, common=LONG)


def _limits(**letters: str) -> tuple[Option, ...]:
    return tuple(Option(f"-{letter}", "N", f"limit {what}") for letter, what in letters.items())


_OF_BOTH = {
    "m": "data, stack, locked memory and address space, each to N bytes",
    "d": "the data segment to N bytes",
    "o": "open descriptors",
    "p": "processes of the user",
    "f": "files it writes to N bytes",
    "c": "core dumps to N bytes",
    "r": "resident memory to N bytes",
    "t": "processor time to N seconds",
}
_SERVICES = Option("services", "SERVICE", "a folder below $SVDIR, or a path", many=True, required=True,
    complete="sh -c 'ls -- \"${SVDIR:-/etc/service}\"'")  # fmt: skip
_SIGNALS = {
    "pause": "STOP", "cont": "CONT", "hup": "HUP", "alarm": "ALRM", "interrupt": "INT", "quit": "QUIT",
    "1": "USR1", "2": "USR2", "term": "TERM", "kill": "KILL",
}  # fmt: skip
_SV_COMMANDS = {
    "status": "say how it is, and its logger",
    "up": "start it, and again whenever it ends",
    "down": "stop it",
    "once": "start it, and not again when it ends",
    **{name: f"send SIG{signal}" for name, signal in _SIGNALS.items()},
    "exit": "stop it, and its runsv",
    "start": "as up, and wait until it is up",
    "stop": "as down, and wait until it is down",
    "reload": "as hup, and say how it is",
    "restart": "stop and start it, and wait until it is up",
    "try-restart": "restart it if it is up",
    "shutdown": "as exit, and wait for that",
    "check": "wait until it is as it is wanted",
    "force-stop": "as stop; if that takes too long, kill it",
    "force-reload": "as try-restart; if that takes too long, kill it",
    "force-restart": "as restart; if that takes too long, kill it",
    "force-shutdown": "as shutdown; if that takes too long, kill it",
}
_STREAMS = ("input", "output", "error")
_PROGRAMS = (
    _program(
        "chpst",
        "Execute a program with another user, environment, limits and so on.",
        Option("-u", "USER", "become USER[:GROUP]..., by names, or :UID:GID..., by numbers"),
        Option("-U", "USER", "set UID and GID in the environment to those of USER[:GROUP] or :UID:GID"),
        Option("-b", "ARGV0", "what the program is told that it is called"),
        Option("-e", "DIR", "set a variable for each file of DIR, to its first line", complete="folder"),
        Option("-/", "ROOT", "change the root directory", complete="folder"),
        Option("-n", "INC", "add INC to the nice value"),
        Option("-l", "LOCK", "lock a file, and wait for it", complete="file"),
        Option("-L", "LOCK", "lock a file, and fail if it is locked", complete="file"),
        *_limits(**_OF_BOTH),
        Option("-v", help="warn of what is left out"),
        Option("-V", help="show the version on standard error, and fail"),
        Option("-P", help="lead a new session and process group"),
        *(Option(f"-{at}", help=f"close standard {name}") for at, name in enumerate(_STREAMS)),
        *_CHILD,
    ),
    _program(
        "envdir",
        "Execute a program with variables, as chpst -e.",
        Option("dir", "DIR", "a file of it is a variable", required=True, complete="folder"),
        *_CHILD,
    ),
    _program(
        "envuidgid",
        "Execute a program with UID and GID set to those of a user, as chpst -U.",
        _ACCOUNT,
        *_CHILD,
    ),
    _program("pgrphack", "Execute a program that leads a new session, as chpst -P.", *_CHILD),
    _program("setuidgid", "Execute a program as another user, as chpst -u.", _ACCOUNT, *_CHILD),
    _program(
        "softlimit",
        "Execute a program with less resources; where N is = it gets the hard limit.",
        *_limits(**_OF_BOTH, a="the address space to N bytes"),
        *_limits(l="locked memory to N bytes", s="the stack to N bytes"),
        *_CHILD,
    ),
    _program(
        "setlock",
        "Execute a program that holds a lock.",
        Option("-n", help="fail if the file is locked"),
        Option("-N", help="wait for it, as without an option"),
        Option("-x", help="if it fails, exit 0 silently"),
        Option("-X", help="if it fails, say so and exit 111, as without an option"),
        Option("file", "FILE", "the file to lock", required=True, complete="file"),
        *_CHILD,
    ),
    _program(
        "sv",
        "Control services that runsv supervises, and say how they are.",
        Option("-v", help="wait until it is done, or 7 seconds"),
        Option("-w", "SECONDS", "wait so long; as $SVWAIT"),
        Option("--json", help="status, in JSON, as inittab status --json"),
        Option("--quiet", help="status, by the exit status alone"),
        form="[--json | --quiet] [-v] [-w SECONDS] VERB SERVICE...",
        verbs=tuple(
            Program(name, about, (_SERVICES,), passes=True, common=()) for name, about in _SV_COMMANDS.items()
        ),
    ),
    _program("runsv", "Supervise the service of a folder, and its logger.", _FOLDER),
    _program(
        "runsvdir",
        "Supervise all services of a folder of folders.",
        Option("-P", help="a session of its own for each service"),
        Option("-H", help="TERM ends all services, as HUP does, and their ends are waited for"),
        _FOLDER,
        Option("log", "LOG", "what is on standard error, at the end of the command line, as ps shows it"),
    ),
    _program("runsvchdir", "Have runsvdir supervise a folder below /etc/runit/runsvdir.", _FOLDER),
    _program(
        "svlogd",
        "Write standard input to log directories, and rotate them.",
        Option("-t", help="a time stamp before each line: -t TAI64N, -tt readable, -ttt as ISO 8601"),
        Option("-v", help="say what it does"),
        Option("-r", "CHARACTER", "in the place of what is not printable"),
        Option("-R", "CHARACTERS", "replace these, too"),
        Option("-l", "LENGTH", "of a line, that patterns see"),
        Option("-b", "BYTES", "of its buffer, more than LENGTH"),
        Option("dirs", "DIR", "a log directory", many=True, required=True, complete="folder"),
    ),
    _program(
        "utmpset",
        "Note in utmp that nobody is logged in at a line any more.",
        Option("-w", help="in wtmp, too"),
        Option("line", "LINE", "the terminal", required=True),
    ),
    _program("runit", "Boot, run and stop the machine as process 1, by /etc/runit/1, 2 and 3."),
    _program(
        "runit-init",
        "Be runit as process 1; else have it halt (0) or reboot (6).",
        Option("level", "LEVEL", "0 or 6", ("0", "6")),
    ),
)
PROGRAMS = {program.name: program for program in _PROGRAMS}
