"""initeventd(8): the command line, and the life cycle of the daemon."""

from __future__ import annotations

import os
import signal
import sys
import syslog
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.clients import telinit
from sysvinit_py.initeventd.notifications import MEANINGS
from sysvinit_py.initeventd.run_files import PID_FILE, STATE_FILE, AlreadyRunningError, PidFile, StateFile
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import Request

NAME = "initeventd"
LIMIT = 5  # percent
RUN = Path(initctl.PATH).parent
Say = Callable[[str], None]


def _percent(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 100):
        raise ValueError(f"{text!r} is not a whole number from 0 to 100")
    return int(text)


PROGRAM = Program(
    NAME,
    "Tell init of power failures and of resumes.",
    (
        Option("--foreground", help="do not detach; for respawn entries"),
        Option("--dry-run", help="print what would be sent; send nothing"),
        Option("--verbose", help="report events, and what is sent"),
        Option("--limit", "PERCENT", f"a battery is nearly used up at this capacity (default: {LIMIT})",
            _percent, LIMIT),
        Option("--run", "FOLDER", f"where initctl, {PID_FILE} and {STATE_FILE} are (default: {RUN})",
            Path, RUN, complete="folder"),
    ),
    forms=("[--foreground | --dry-run] [--verbose] [--limit PERCENT] [--run FOLDER]",),
    prefixes=True,
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command; return the exit status: 1 on failure, with the reason on stderr or in syslog."""
    return PROGRAM.run(_run, argv)


def _run(options: Values) -> int:
    detach = not (options.foreground or options.dry_run)
    try:
        from sysvinit_py.initeventd import devices  # noqa: F401 - what it needs is missing now, or never

        if detach:
            from daemon import DaemonContext
    except ImportError as error:
        packages = "python3-pyudev and python3-daemon" if detach else "python3-pyudev"
        _to_stderr(f"{error}: install {packages}, or the extra 'devices' of sysvinit_py")
        return 1
    run = options.run.absolute()
    if options.dry_run:
        _take_signals()
        return _serve(options, run, _to_stderr)
    try:
        pid_file = PidFile(run / PID_FILE)
    except AlreadyRunningError as other:
        _to_stderr(f"already running, with pid {other}")
        return 1
    except OSError as error:
        _to_stderr(f"{error.filename}: {error.strerror}")
        return 1
    if not detach:
        _take_signals()
        os.umask(0o022)
        os.chdir("/")
        with pid_file:
            return _serve(options, run, _to_stderr)
    with DaemonContext(
        detach_process=True, pidfile=pid_file, files_preserve=[pid_file], umask=0o022, signal_map=SIGNALS
    ):
        return _serve(options, run, _to_syslog)


def _take_signals() -> None:
    for number, action in SIGNALS.items():
        signal.signal(number, action or signal.SIG_IGN)


def _serve(options: Values, run: Path, say: Say) -> int:
    """Run the daemon until it is terminated."""
    from sysvinit_py.initeventd.daemon import Daemon
    from sysvinit_py.initeventd.devices import Devices
    from sysvinit_py.linux.clocks import ClockWatch

    note = say if options.verbose else _be_quiet
    state = StateFile(run / STATE_FILE)
    fifo = str(run / Path(initctl.PATH).name)

    def send(request: Request) -> None:
        if options.dry_run:
            _to_stdout(f"would send: {MEANINGS[request.cmd]}")
            return
        telinit.write(initctl.encode(request), fifo)
        note(f"sent: {MEANINGS[request.cmd]}")

    def save(told: dict[str, Any]) -> None:
        if not options.dry_run:
            state.save(told)

    try:
        daemon = Daemon(Devices(say, note), ClockWatch(), state.load(), save, send, options.limit, say, note)
        daemon.run()
    except Exception as error:  # init restarts it; report it, as nothing else does
        say(f"ends: {type(error).__name__}: {error}")
        return 1


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


#: What each signal does, None: nothing. The last three are what a terminal sends to stop a process.
SIGNALS = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), _end) | dict.fromkeys(
    (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
)


def _to_stdout(text: str) -> None:
    """Print it; exit if standard output cannot be written."""
    try:
        os.write(sys.stdout.fileno(), f"{text}\n".encode())
    except OSError as error:
        _to_stderr(f"standard output: {error.strerror}")
        raise SystemExit(1) from None


def _to_stderr(text: str) -> None:
    out.say(NAME, text)


def _to_syslog(text: str) -> None:
    syslog.openlog(NAME, syslog.LOG_PID, syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_INFO, text)


def _be_quiet(text: str) -> None:
    pass
