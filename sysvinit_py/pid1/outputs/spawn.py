"""Starting the processes of entries: command, environment, console, session.

See behaviour/inittab#process and behaviour/children.
"""

from __future__ import annotations

import errno

from sysvinit_py import __version__
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.linux import calls
from sysvinit_py.machine.effects import Start
from sysvinit_py.machine.limits import FORK_RETRY
from sysvinit_py.machine.rules import cannot_execute
from sysvinit_py.machine.stages import SINGLE_USER
from sysvinit_py.pid1.outputs import shell
from sysvinit_py.pid1.survival.barrier import best_effort, report_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sysvinit_py.pid1.outputs.console import Console

VERSION = f"sysvinit_py-{__version__}"
SHELL = "/bin/sh"
INITSCRIPT = "/etc/initscript"
PATH = "/sbin:/usr/sbin:/bin:/usr/bin"
SHUTDOWN = ["/sbin/shutdown", "-hP", "now"]

#: Instead of a descriptor for the output of a process.
CONSOLE = -1

_BY_FORCE = 1
#: Signals to its group that a leader, which has to outlive its command, ignores.
_GROUP_SIGNALS = (
    calls.SIGHUP, calls.SIGINT, calls.SIGQUIT, calls.SIGPIPE, calls.SIGALRM, calls.SIGTERM,
    calls.SIGCONT, calls.SIGTSTP, calls.SIGTTIN, calls.SIGTTOU,
)  # fmt: skip
#: Errors of posix_spawn(3) that are not caused by the command: no process can be created.
_NO_PROCESS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
#: Errors after which execvp(3) continues the search along PATH.
_LOOK_FURTHER = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ESTALE, errno.ENODEV)
_CANNOT_EXECUTE_STATUS = 127


class CannotExecuteError(Exception):
    """The command does not exist, or cannot be executed."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(command, reason)
        self.command, self.reason = command, reason


class CannotForkError(Exception):
    """No process can be created now."""


def words(entry: Entry, stage: str, path: str = PATH) -> list[str]:
    """Return the arguments to execute for the entry: its command, or a shell or /etc/initscript with it.

    ``path``: the value of PATH for that shell.
    """
    command = entry.command
    if stage != SINGLE_USER and calls.access(INITSCRIPT, calls.R_OK):
        return [SHELL, INITSCRIPT, entry.id, entry.stages, entry.action, command]
    if entry.by_shell:
        return [SHELL, "-c", shell.replaced(command, path)]
    return [word for word in command.partition("#")[0].replace("\t", " ").split(" ") if word]


def base_environment(environ: Mapping[str, str], console: str, auto: bool) -> dict[str, str]:
    """Return the environment of all children: the kernel's for init, and the variables of init(8)."""
    given = {name: value for name, value in environ.items() if not name.startswith("INIT_")}
    if given.get("LC_CTYPE") == "C.UTF-8":
        del given["LC_CTYPE"]  # Python's own, where no locale is set
    return given | {
        "PATH": PATH,
        "SHELL": SHELL,
        "CONSOLE": console,
        **({"AUTOBOOT": "YES"} if auto else {}),
    }


def start(
    order: Start,
    environment: dict[str, str],
    console: Console,
    report: Callable[[str], None],
    output: int = CONSOLE,
) -> int:
    """Start the entry's process; return its pid. Raises CannotExecuteError or CannotForkError.

    ``output``: the descriptor for its output, with /dev/null as input; CONSOLE: the console for both.
    """
    environment = environment | dict(order.variables)
    argv = words(order.entry, order.stage, environment.get("PATH", ""))
    environment |= {"INIT_VERSION": VERSION, "RUNLEVEL": order.runlevel, "PREVLEVEL": order.prevlevel}
    if order.owns_console:
        return _lead(console, report, lambda: _leader(argv, environment, console, report, order.entry))
    if output != CONSOLE:  # init's own standard input is /dev/null
        actions = [(calls.POSIX_SPAWN_DUP2, output, number) for number in (1, 2)]
        return execute(argv, environment, file_actions=actions, setsid=True)
    return run(argv, environment, console)


def run(argv: list[str], environment: dict[str, str], console: Console) -> int:
    """Start a command on the console, in a session of its own, without controlling terminal."""
    try:
        terminal = console.open()
    except OSError as error:
        raise CannotForkError from error
    try:
        actions = [(calls.POSIX_SPAWN_DUP2, terminal, number) for number in (0, 1, 2)]
        return execute(argv, environment, file_actions=actions, setsid=True)
    finally:
        calls.close(terminal)


def shut_down(environment: dict[str, str], console: Console, report: Callable[[str], None]) -> None:
    """Start the program that shuts the machine down."""
    try:
        run(SHUTDOWN, environment, console)
    except (CannotExecuteError, CannotForkError) as error:
        why = f": {error.reason}" if isinstance(error, CannotExecuteError) else ""
        report(f'cannot execute "{SHUTDOWN[0]}"{why}')


def execute(argv: list[str], environment: dict[str, str], search: str = PATH, **how: object) -> int:
    """Start a command, searched along ``search``; return its pid. The shell runs a file without ``#!``."""
    if not argv:
        raise CannotExecuteError("", "no command")
    command, reason = argv[0], ""
    if not command:  # as execvp(3) does
        raise CannotExecuteError(command, calls.strerror(errno.ENOENT))
    paths = [command] if "/" in command else [f"{folder}/{command}" for folder in search.split(":")]
    for path in paths:
        for program, words in ((path, argv), (SHELL, [SHELL, path, *argv[1:]])):
            try:
                return calls.posix_spawn(
                    program, words, environment, setsigmask=[], setsigdef=calls.SIGNALS, **how
                )  # fmt: skip
            except OSError as error:
                if error.errno in _NO_PROCESS:
                    raise CannotForkError from error
                if error.errno not in (errno.ENOEXEC, *_LOOK_FURTHER):
                    raise CannotExecuteError(command, str(error.strerror)) from error
                if error.errno != errno.ENOENT or not reason:
                    reason = str(error.strerror)  # preferably of a file that exists
                if error.errno != errno.ENOEXEC:
                    break
            except ValueError as error:  # arguments or variables with NUL
                raise CannotExecuteError(command, str(error)) from error
    raise CannotExecuteError(command, reason)


# An entry that owns the console (behaviour/children#terminal). Its session is led by a child of init, which
# gives up the terminal before it exits. Otherwise the kernel would hang up the console for all processes, and
# send SIGHUP to what the command has left running in the background.


def _lead(console: Console, report: Callable[[str], None], lead: Callable[[], int]) -> int:
    """Fork the leader, which exits with the status that ``lead`` returns; return its pid."""
    console.make_sane()
    try:
        leader = calls.fork()
    except OSError as error:
        raise CannotForkError from error
    if leader:
        return leader
    status = _CANNOT_EXECUTE_STATUS
    try:
        console.forget_backlog()  # init itself writes it
        status = lead()
    except BaseException as error:
        best_effort(report_error, report, error)
    finally:
        calls._exit(status)


def _leader(
    argv: list[str],
    environment: dict[str, str],
    console: Console,
    report: Callable[[str], None],
    entry: Entry,
) -> int:
    """Take the terminal, run the command, wait for it, release the terminal; return the exit status."""
    calls.setsid()
    for number in calls.SIGNALS:
        calls.signal(number, calls.SIG_DFL)
    calls.pthread_sigmask(calls.SIG_SETMASK, [])
    terminal = console.open()
    for descriptor in (0, 1, 2):
        calls.dup2(terminal, descriptor)
    has_terminal = _take_terminal()
    try:
        pid = _insist(lambda: execute(argv, environment), report)
    except CannotExecuteError as error:
        pid = 0
        report(cannot_execute(entry, error.command, error.reason))
    for number in _GROUP_SIGNALS:  # not earlier, so that a signal to the group also ends the start
        calls.signal(number, calls.SIG_IGN)
    calls.closerange(3, 1024)  # do not keep init's descriptors open, the FIFO least of all
    status = calls.waitpid(pid, 0)[1] if pid else _CANNOT_EXECUTE_STATUS << 8
    if has_terminal:
        tty_releaser = _insist(calls.fork, report)
        if not tty_releaser:
            calls.setsid()
            _take_terminal()
            calls._exit(0)
        calls.waitpid(tty_releaser, 0)
    return 128 + (status & 0x7F) if status & 0x7F else status >> 8


def _insist(make: Callable[[], int], report: Callable[[str], None]) -> int:
    """Retry until a process is created: the leader has nothing else to do."""
    reported = False
    while True:
        try:
            return make()
        except (CannotForkError, OSError):
            if not reported:
                reported = True
                report("cannot fork, retry..")
            calls.sleep(FORK_RETRY)


def _take_terminal() -> bool:
    """Make the terminal on standard input the controlling terminal, even if another session has it."""
    try:
        calls.take_terminal(0, _BY_FORCE)
    except OSError:
        return False
    return True
