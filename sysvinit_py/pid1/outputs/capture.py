"""Capture of entries' output for logs (``# inittab: log``): init makes and keeps a pipe for each entry.

Init does not read the pipes: ``inittab logd`` does, a process that init starts with the first pipe, and again
when it has ended. As init has both ends open, in one descriptor, nothing is lost while there is no logger,
and no writer gets SIGPIPE: it blocks once the pipe is full. So while the logger is in backoff, processes are
started with the console instead. An error affects only the log of an entry.
"""

from __future__ import annotations

from errno import EMFILE, ENOSPC
from stat import S_ISFIFO

from sysvinit_py.linux import calls
from sysvinit_py.linux.loop import Source
from sysvinit_py.machine.limits import FORK_RETRY, REST
from sysvinit_py.machine.throttle import Throttle
from sysvinit_py.pid1.outputs import spawn
from sysvinit_py.pid1.outputs.spawn import CONSOLE
from sysvinit_py.pid1.survival.handover import is_child
from sysvinit_py.report import pipes
from sysvinit_py.report.pipes import Pipe, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sysvinit_py.inittab.entry import Entry, FileOptions
    from sysvinit_py.machine.effects import Start
    from sysvinit_py.machine.machine import Machine
    from sysvinit_py.pid1.outputs.console import Console

#: The option that runs the program as the logger.
LOGGER_OPTION = "--logger"
#: The number of entries whose output is captured: each takes a descriptor, and a process may have 1024.
MOST = 256
#: Levels in which all processes are ended, including the logger, and file systems are unmounted.
_HALTING = "06"
#: The mode of the pipes: processes of other users may open /dev/stdout.
_MODE = 0o622


class Capture(Source):
    """Keeps the pipes, and starts the logger.

    program, environment and console are the logger's
    files  returns the options of the inittab's files; None: they were not read yet
    """

    deadline: float | None = None  # when to start the logger

    def __init__(
        self,
        program: str,
        machine: Callable[[], Machine],
        environment: dict[str, str],
        console: Console,
        report: Callable[[str], None],
        files: Callable[[], tuple[tuple[str, FileOptions], ...] | None],
    ) -> None:
        self._argv = [program, LOGGER_OPTION]
        self._machine = machine
        self._environment = environment
        self._console = console
        self._report = report
        self._given_files = files
        self._files: tuple[tuple[str, FileOptions], ...] = ()
        self._pipes: dict[str, Pipe] = {}  # by the entry's id
        self._logger = 0  # its pid
        self._throttle = Throttle()
        self._rests = False
        self._jobs: object = None  # those with which the pipes were compared last
        self._gone = False  # there are pipes that do not belong to an entry any more
        self._said: set[str] = set()

    def set_flags(self, flags: int) -> None:
        """Set the descriptor flags of what the next init inherits; errors are ignored."""
        for fd in (pipes.FD, *(pipe.fd for pipe in self._pipes.values())) if self._pipes else ():
            try:
                calls.fcntl(fd, calls.F_SETFD, flags)
            except OSError:
                pass  # the next init makes another one

    def resume(self) -> None:
        """Take over the pipes of the previous init, if there are any."""
        try:
            table = pipes.decode(calls.pread(pipes.FD, pipes.MAX_BYTES, 0))
        except (OSError, ValueError):
            return  # there is no table, or it is incomplete
        self._files = table.files
        self._pipes = {pipe.entry.id: pipe for pipe in table.pipes if _is_there(pipe)}
        self.set_flags(calls.FD_CLOEXEC)
        if is_child(table.logger):
            self._logger = table.logger
        else:
            self.deadline = 0.0

    def output(self, order: Start) -> int:
        """Return the descriptor for the output of the entry's process, or CONSOLE."""
        entry = order.entry
        if not entry.options.log or order.owns_console or order.stage in _HALTING or self._rests:
            return CONSOLE
        try:
            pipe = self._pipes.get(entry.id) or self._make(entry)
        except OSError as error:
            self._say(f'Id "{entry.id}" has no log: {error.strerror}')
            return CONSOLE
        if not self._logger and self.deadline is None:
            self.deadline = 0.0
        return pipe.fd

    def serve(self, ready: set[int], now: float) -> Iterable[object]:
        """Start the logger, as the deadline has passed."""
        self.deadline = None
        if self._logger or not self._pipes or self._machine().position.stage in _HALTING:
            return ()
        self._rests = not self._throttle.allows(now)
        if self._rests:
            self.deadline = now + REST
            self._report("the logger ends again and again: for 5 minutes, what is started has no log")
            return ()
        try:
            self._logger = spawn.run(self._argv, self._environment, self._console)
            self._write()
        except (spawn.CannotExecuteError, spawn.CannotForkError, OSError) as error:
            self.deadline = None if self._logger else now + FORK_RETRY
            self._say(f"cannot start the logger: {error.__cause__ or error}")
        return ()

    def child_exited(self, pid: int) -> None:
        """Start the logger again, if it is what has ended."""
        if pid == self._logger:
            self._logger, self.deadline = 0, 0.0

    def write(self) -> None:
        """Update the table when the inittab was read; close the pipes that are not needed any more."""
        if not self._pipes:
            return
        machine = self._machine()
        jobs = machine.processes.jobs
        if jobs is self._jobs and not self._gone:
            return
        self._jobs = jobs
        entries = {job.entry.id: job.entry for job in jobs.values() if job.entry.options.log}
        running = {job.entry.id for job in machine.running.values()}
        kept, gone = {}, []
        for name, pipe in self._pipes.items():
            if name in entries:
                kept[name] = pipe.replace(entry=entries[name])
            elif name in running or _holds_something(pipe.fd):
                kept[name] = pipe
            else:
                gone.append(pipe.fd)
        self._gone = not entries.keys() >= kept.keys()
        files = self._given_files() or self._files
        if (kept, files) != (self._pipes, self._files):
            self._pipes, self._files = kept, files
            try:
                self._write()
            except OSError as error:
                self._say(f"the logger is not told of a new inittab: {error.strerror}")
        for fd in gone:
            calls.close(fd)

    def _make(self, entry: Entry) -> Pipe:
        """Make the pipe of an entry, and add it to the table. Raises OSError."""
        if len(self._pipes) >= MOST:
            raise OSError(EMFILE, f"{MOST} entries have one already")
        ends = calls.pipe2(calls.O_CLOEXEC)
        try:
            fd = calls.open(f"/proc/self/fd/{ends[0]}", calls.O_RDWR | calls.O_CLOEXEC)
        finally:
            for end in ends:
                calls.close(end)
        try:
            calls.fchmod(fd, _MODE)
            pipe = self._pipes[entry.id] = Pipe(entry, fd, calls.fstat(fd).st_ino)
            self._files = self._given_files() or self._files
            self._write()
        except OSError:
            self._pipes.pop(entry.id, None)
            calls.close(fd)
            raise
        return pipe

    def _write(self) -> None:
        """Write the table, and have the logger read it. Raises OSError."""
        data = pipes.encode(Table(tuple(self._pipes.values()), self._files, self._logger))
        try:
            written = calls.pwrite(pipes.FD, data, 0)
        except OSError:
            made = calls.memfd_create("inittab-pipes", calls.MFD_CLOEXEC)
            try:
                calls.dup2(made, pipes.FD, inheritable=False)
            finally:
                calls.close(made)
            written = calls.pwrite(pipes.FD, data, 0)
        if written != len(data):
            raise OSError(ENOSPC, "no memory for the table of pipes")
        if self._logger:
            try:
                calls.kill(self._logger, calls.SIGWINCH)  # ignored by a logger that has no handler yet
            except OSError:
                pass  # it has ended, and will be reaped

    def _say(self, text: str) -> None:
        """Report it once."""
        if text not in self._said:
            self._said.add(text)
            self._report(text)


def _is_there(pipe: Pipe) -> bool:
    """Return whether the descriptor is that of the pipe."""
    try:
        status = calls.fstat(pipe.fd)
    except OSError:
        return False
    return S_ISFIFO(status.st_mode) and status.st_ino == pipe.inode


def _holds_something(fd: int) -> bool:
    """Return whether the pipe is not empty."""
    poll = calls.poll()
    poll.register(fd, calls.POLLIN)
    return bool(poll.poll(0))
