"""inittab-try: boot an inittab in a sandbox, with or without root.

On a terminal you get the sandbox's console: see it boot, type telinit 3 in the shell there. telinit 0, halt,
or Ctrl-] ends it. Otherwise the console is written to standard output, and it ends when the boot has settled.
With --container it runs like a container without an engine: its output, its exit status, its signals.
"""

from __future__ import annotations

import math
import os
import re
import signal
import stat
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sysvinit_py.build import onefile
from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, RefusedError, UsageError, Values
from sysvinit_py.sandbox import given
from sysvinit_py.sandbox.refusal import NamespaceError
from sysvinit_py.sandbox.sandbox import ENGINE_ENVIRONMENT, Content
from sysvinit_py.sandbox.session import (
    DIED,
    FAILED,
    MEMORY,
    NO_SANDBOX,
    OK,
    PIDS,
    TIMEOUT,
    USAGE,
    Outcome,
    Session,
    Settings,
)

PACKAGE = Path(__file__).parents[1]
EXAMPLE = PACKAGE / "data" / "example.inittab"
#: Signals that are forwarded to a container, as an engine does.
PASSED_ON = signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2
PATIENCE = 60.0  # seconds, without a terminal

EPILOG = f"""\
exit status:
  {OK}    booted, and ended as asked
  {DIED}    PID 1 died, or what had started inittab-try did
  {USAGE}    wrong arguments
  {FAILED}    something could not be executed, or is throttled
  {TIMEOUT}  timeout, or too much output
  {NO_SANDBOX}  no sandbox could be made
  or that of COMMAND, if it fails; with --container that of the container
"""


def level(text: str) -> str:
    """Parse a level that can be booted into. Raises ValueError."""
    if not re.fullmatch("[0-9Ss]", text):
        raise ValueError(f"{text!r} is not a level to boot into: 0 to 9, or S")
    return text.upper()


def bind(text: str) -> tuple[str, str]:
    """Parse SRC[:DST]. Raises ValueError."""
    source, _, target = text.partition(":")
    source = source and os.path.abspath(source)
    if not os.path.exists(source):
        raise ValueError(f"{source or repr(source)}: there is no such file")
    target = target or source
    if not target.startswith("/") or os.path.normpath(target) in ("/", "//"):
        raise ValueError(f"{target!r} is not a place inside: an absolute path, and not /")
    return source, os.path.normpath(target)


def size(text: str) -> int:
    """Parse a number of bytes. Raises ValueError."""
    found = re.fullmatch("([0-9]{1,15})([KMG]?)", text.upper())
    number = int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]] if found else 0
    if number < 16 << 20:
        raise ValueError(f"{text!r} is not a size of at least 16M")
    return number


def count(text: str) -> int:
    """Parse a number of processes. Raises ValueError."""
    if not re.fullmatch("[0-9]{1,7}", text) or int(text) < 8:
        raise ValueError(f"{text!r} is not a number of at least 8")
    return int(text)


def seconds(text: str) -> float:
    """Parse a timeout in seconds. Raises ValueError."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(f"{text!r} is not a positive number of seconds")
    return number


PROGRAM = Program(
    "inittab-try",
    __doc__ or "",
    (
        Option("file", "FILE",
            "an inittab, or a folder with inittab and inittab.d (default: that of DIR, or an example)", Path,
            complete="file"),
        Option("words", "WORD", "with --container: the command that is its main process", many=True),
        Option("--container", help="run it as init --container does, instead of booting a machine"),
        Option("--init", "PATH", "another init than ours, such as Debian's", Path, complete="file"),
        Option("--root", "DIR",
            "a root file system whose programs and settings are used instead of this machine's", Path,
            complete="folder"),
        Option("--bind", "SRC[:DST]", "show a file or folder inside, too, read-only; may be given again",
            bind, many=True, complete="file"),
        Option("--level", "N", "boot into level N (0 to 9, S) instead of what initdefault says", level),
        Option("--command", "COMMAND", "what to run inside, by sh, when the boot has settled"),
        Option("--console", "FILE", "write the console there; standard output is COMMAND's alone", Path,
            complete="file"),
        Option("--timeout", "SECONDS",
            f"give up after that long (default: {PATIENCE:g}; on a terminal never)", seconds),
        Option("--allow-failures",
            help="it is no failure that something cannot be executed, or is throttled"),
        Option("--raw", help="show all output, including sequences that control a terminal"),
        Option("--memory", "SIZE",
            f"the memory for all processes, such as 64M or 1G (default: {MEMORY >> 20}M)", size, MEMORY),
        Option("--pids", "N", f"how many processes and threads there may be (default: {PIDS})", count, PIDS),
        Option("--privileged", help="as root, unconfined: only for an inittab that you trust"),
    ),
    EPILOG,
    ("[OPTION]... [FILE]", "--container [OPTION]... FILE [-- WORD...]"),
    prefixes=True,
    failed=USAGE,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command inittab-try; returns its exit status."""
    while (nothing := os.open(os.devnull, os.O_RDWR)) <= 2:  # so that no file becomes a standard stream
        os.set_inheritable(nothing, True)
    os.close(nothing)
    return PROGRAM.run(run, arguments)


def run(options: Values) -> int:
    """Boot it; return the exit status."""
    with ExitStack() as files:
        session = prepare(options, files)
        for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
            signal.signal(number, lambda number, _: sys.exit(128 + number))  # which cleans up
        for number in PASSED_ON if options.container else ():
            signal.signal(number, lambda number, _: session.kill(number))
        if options.privileged:
            say("--privileged: root inside is root of this machine; boot only what you trust")
        say(
            f"booting {options.file or options.root or EXAMPLE} with {options.init or 'our init'}"
            + ("; Ctrl-] ends it" if session.interactive else "")
        )
        try:
            outcome = session.run()
        except NamespaceError as error:
            outcome = Outcome(NO_SANDBOX, str(error))
        say(outcome.text)
        return outcome.status


def _engine(options: Values) -> dict[str, Any]:
    """Return the options of Sandbox for a container. Raises UsageError."""
    if not options.container:
        if options.words:
            raise UsageError(f"unrecognized arguments: {options.words[0]} (a command needs --container)")
        return {}
    for name in "command", "console", "allow_failures":
        if getattr(options, name):
            raise UsageError(f"--container takes no --{name.replace('_', '-')}")
    level = ["--level", options.level] if options.level else []
    arguments = ["--container", *level, *(["--", *options.words] if options.words else [])]
    environment = ENGINE_ENVIRONMENT | {"TERM": os.environ.get("TERM", "linux")}
    return {"engine": True, "arguments": arguments, "environment": environment}


def prepare(options: Values, files: ExitStack) -> Session:
    """Return the session for the options. Raises OSError, RefusedError."""
    engine = _engine(options)
    if options.privileged and os.geteuid():
        raise RefusedError("--privileged requires root")
    init: Content = options.init or onefile.build()
    if options.init and not stat.S_ISREG(options.init.stat().st_mode):
        raise RefusedError(f"{options.init}: not a regular file")
    root = options.root and options.root.resolve(strict=True)
    inittab = given.read_root(root) if root and not options.file else given.read(options.file or EXAMPLE)
    console = 1
    if options.console:
        console = os.open(options.console, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        files.callback(os.close, console)
    lenient = options.allow_failures or options.container
    settings = Settings(options.level or "", options.command or "", 0, console, options.raw, lenient)
    limits = {"memory": options.memory, "pids": options.pids, "system": str(root or ""), **engine}
    session = Session(init, inittab, settings, binds=options.bind, confined=not options.privileged, **limits)
    session.limit_time(options.timeout or (0 if session.interactive else PATIENCE))
    return session


def say(text: str) -> None:
    """Write a message to standard error."""
    out.say(PROGRAM.name, *text.split("\n"))


if __name__ == "__main__":
    sys.exit(main())
