"""Re-execution: replace this process by the present /sbin/init, which keeps all children; or take over.

See behaviour/reexec.

The state is passed through a pipe in the format of C sysvinit, so that each of the two can take over from the
other. A line that C skips carries the complete state: C's format cannot represent, for example, processes
that are being ended, or an unfinished boot.
"""

from __future__ import annotations

import marshal
from binascii import a2b_base64, b2a_base64, crc32
from errno import EBADF, EMFILE, ENOEXEC
from stat import S_ISFIFO

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT
from sysvinit_py.inittab.entry import Entry
from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.machine.job import UNKNOWN, Job, numbered
from sysvinit_py.machine.machine import Machine
from sysvinit_py.machine.state import restore, save, save_job
from sysvinit_py.protocol.state import FD, SIGNATURE, Saved, SavedEntry, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROGRAM = "/sbin/init"
OPTION = "--init"
#: The option with which the program only tests whether it can start.
PROBE = "--probe"
#: The first bytes of a build, which contain its mark.
_BEGIN = 512

#: A version of marshal's format that is the same in all versions of Python from 3.11 on.
_MARSHAL = 2
#: The default capacity of a pipe, in bytes.
_PIPE_SIZE = 1 << 16
#: The number of checks whether the self-test has ended, and seconds between them: 20 s in all.
_TEST_LOOKS, _TEST_PAUSE = 4000, 0.005
#: Milliseconds for the signature, which is in the pipe already, and for the rest, which may take longer.
_AT_ONCE, _PATIENCE = 1000, 60_000
#: Milliseconds after which the writer exits even if the pipe is still open somewhere.
_STAYS = 10_000
#: The number of attempts to read the state, and seconds between them.
_ATTEMPTS, _PAUSE = 10, 0.1
_CHUNK = 1 << 16
_MAX_BYTES = 64 << 20
_LAST_LINE = b"\nEND\n"


def hand_over(
    state: bytes, environment: Mapping[str, str], *more: str, inherit: Callable[[int], object] = bool
) -> None:
    """Execute the new init with ``more`` arguments. Raises OSError on failure, and nothing has changed then.

    Without a state, the one that this init was given and has not read is passed on. ``inherit`` is called
    with the flags for descriptors that only this package's init inherits.
    """
    option = _test_option(PROGRAM)
    if option:
        _self_test(option, environment)
    # Signals that come from now on are for the new init.
    blocked = calls.pthread_sigmask(calls.SIG_BLOCK, calls.SIGNALS)
    try:
        if state:
            _offer(state)
        else:
            _pass_on()
        if option == PROBE:
            inherit(0)
        # argv[0] is the path, as C init executes its argv[0] when it is re-executed itself.
        calls.execve(PROGRAM, [PROGRAM, OPTION, *more], environment)
    finally:
        # execve has failed. The writer exits when the pipe is closed.
        if state:
            keep_place()
        inherit(calls.FD_CLOEXEC)
        calls.pthread_sigmask(calls.SIG_SETMASK, blocked)


def _test_option(program: str) -> str:
    """Return the option with which to test a script, PROBE for a build of ours; empty: not a script."""
    file = calls.open(program, calls.O_NONBLOCK)  # to read it
    try:
        begin = calls.read(file, _BEGIN)
    finally:
        calls.close(file)
    if not begin.startswith(b"#!"):
        return ""
    return PROBE if b"sysvinit_py" in begin else "--version"


def _self_test(option: str, environment: Mapping[str, str]) -> None:
    """Raise OSError unless the new init can be executed, starts, and prints something.

    A script may fail for lack of memory or with a broken Python, and after execve there is no way back.
    """
    said = calls.memfd_create("self-test", calls.MFD_CLOEXEC)
    try:
        if not (_runs(option, environment, said) and calls.fstat(said).st_size):
            raise OSError(ENOEXEC, f"{PROGRAM} does not start")
    finally:
        calls.close(said)


def _runs(option: str, environment: Mapping[str, str], output: int) -> bool:
    pid = calls.posix_spawn(
        PROGRAM, [PROGRAM, option], environment,
        file_actions=[(calls.POSIX_SPAWN_DUP2, output, 1)],
        setsid=True, setsigmask=[], setsigdef=calls.SIGNALS,
    )  # fmt: skip
    for _ in range(_TEST_LOOKS):
        ended, status = calls.waitpid(pid, calls.WNOHANG)
        if ended:
            break
        calls.sleep(_TEST_PAUSE)
    else:
        calls.kill(pid, calls.SIGKILL)
        return False
    return status == 0


def _pass_on() -> None:
    try:
        calls.fcntl(FD, calls.F_SETFD, 0)
    except OSError as error:
        if error.errno != EBADF:
            raise
        # else there is no state to pass on


def _offer(state: bytes) -> None:
    """Make a pipe with the state, whose read end is FD.

    What the pipe holds is safe, even if the process that writes the rest fails.
    """
    keep_place()  # otherwise FD might become an end of the pipe
    read_end, write_end = calls.pipe2(calls.O_CLOEXEC)
    try:
        if FD in (read_end, write_end):
            raise OSError(EMFILE, "the descriptor of the state could not be reserved")
        rest = state[_fill(write_end, state) :]
        try:
            _start_writer(read_end, write_end, rest)
        except OSError:
            if rest:
                raise
        calls.dup2(read_end, FD, inheritable=True)
    finally:
        calls.close(read_end)
        calls.close(write_end)


def _fill(write_end: int, state: bytes) -> int:
    """Write as much as the pipe holds; return the number of bytes."""
    if len(state) > _PIPE_SIZE:
        try:
            calls.fcntl(write_end, calls.F_SETPIPE_SZ, len(state))
        except OSError:
            pass  # more than the limit
    calls.fcntl(write_end, calls.F_SETFL, calls.O_NONBLOCK)
    written = calls.write(write_end, state)
    calls.fcntl(write_end, calls.F_SETFL, 0)
    return written


def _start_writer(read_end: int, write_end: int, state: bytes) -> None:
    """Fork a writer for the rest of the state, which exits when the pipe is closed.

    It keeps the FIFO of requests open, so that requests in the meantime are not lost.
    """
    if calls.fork():
        return
    try:
        calls.close(read_end)
        while state:
            state = state[calls.write(write_end, state) :]
        poll = calls.poll()
        poll.register(write_end, 0)
        poll.poll(_STAYS)
    finally:
        calls._exit(0)


def take_over() -> bytes:
    """Return the state of the previous init; empty without one. The pipe stays open."""
    state = bytearray()
    for _ in range(_ATTEMPTS):
        try:
            _read(state)
            break
        except OSError as error:
            if error.errno == EBADF:
                break  # there is no state
            calls.sleep(_PAUSE)  # retry, as children depend on it
    return bytes(state) if state.startswith(SIGNATURE) else b""


def _read(state: bytearray) -> None:
    """Append to the state what can be read, until it is complete or invalid."""
    calls.fcntl(FD, calls.F_SETFD, calls.FD_CLOEXEC)
    if not S_ISFIFO(calls.fstat(FD).st_mode):
        return
    poll = calls.poll()
    poll.register(FD, calls.POLLIN)
    while (
        len(state) < _MAX_BYTES
        and SIGNATURE.startswith(state[: len(SIGNATURE)])
        and not state.endswith(_LAST_LINE)  # the writer does not close its end
        and poll.poll(_PATIENCE if state else _AT_ONCE)
        and (piece := calls.read(FD, _CHUNK))
    ):
        state += piece


def keep_place() -> None:
    """Reserve the descriptor of the state, so that a re-execution finds it free.

    The writer of a state that was there exits.
    """
    try:
        nothing = open_nothing()
        try:
            calls.dup2(nothing, FD, inheritable=False)
        finally:
            calls.close(nothing)
    except OSError:
        try:
            calls.close(FD)
        except OSError:
            pass


# The state of a machine, in C's format and in ours.


def serialized(
    machine: Machine, signals: Iterable[int], boot_recorded: bool, level_recorded: bool, history: bytes = b""
) -> bytes:
    """Serialize the state of the machine, with pending signals and the history."""
    position = machine.position
    whole = marshal.dumps(save(machine), _MARSHAL)
    saved = Saved(
        runlevel=position.runlevel,
        this_level=position.runlevel,
        previous_level=position.prevlevel,
        entries=tuple(map(_saved_entry, machine.processes.jobs.values())),
        signals=sum(1 << number for number in signals),
        boot_in_wtmp=boot_recorded,
        boot_in_utmp=boot_recorded,
        runlevel_in_wtmp=level_recorded,
        runlevel_in_utmp=level_recorded,
        wait_time=int(machine.wait_time),
        boot_done=machine.boot_done,
        ours=f"{crc32(whole)} {b2a_base64(whole, newline=False).decode()}",
        history=b2a_base64(history, newline=False).decode(),
    )
    return encode(saved)


def minimal_state(machine: Machine, signal: int) -> bytes:
    """Return a state with little more than the level, if :func:`serialized` fails.

    ``signal`` has the new init read the inittab, and start the entries of the level.
    """
    level = machine.position.runlevel
    return encode(Saved(level, level, machine.position.prevlevel, signals=1 << signal))


def history_of(saved: Saved) -> bytes:
    """Return the history that the previous init has published; empty without one."""
    try:
        return a2b_base64(saved.history)
    except ValueError:
        return b""


def _saved_entry(job: Job) -> SavedEntry:
    """Return a job for C sysvinit. One that was stopped is off there until the next reading."""
    return SavedEntry(
        job.entry.replace(action="off") if job.stopped and job.rule.again else job.entry,
        pid=job.pid,
        status=max(job.status, 0),
        has_run=job.has_run,
        pending_event=job.pending_event,
        on_demand=job.on_demand,
        waited_for=job.rule.waited and job.pid > 0,
        window_opened=job.throttle.opened,
        starts=job.throttle.starts,
        rests_until=job.rests_until,
    )


def machine_from_saved(saved: Saved, environ: Mapping[str, str]) -> Machine:
    """Return the machine in the state of the previous init."""
    number, _, text = saved.ours.partition(" ")
    if text:
        try:
            whole = a2b_base64(text)
            if crc32(whole) == int(number):
                return restore(marshal.loads(whole))
        except Exception:
            pass  # from an incompatible version; C's format is used instead
    return _machine_from_c(saved, environ)


def is_child(pid: int) -> bool:
    """Return whether it is a child of this process, possibly a zombie."""
    try:
        calls.waitid(calls.P_PID, pid, calls.WNOHANG | calls.WEXITED | calls.WNOWAIT)
    except OSError:
        return False
    return True


def _in_file(entry: Entry) -> Entry:
    """Return the entry as in the inittab: C writes # and * for levels that are ignored."""
    ignored = entry.rule.when in (AT_SYSINIT, AT_BOOT)
    return entry.replace(runlevels="") if ignored else entry


def variables_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the INIT_* variables of telinit -e, which are passed in the environment."""
    return {
        name: value for name, value in environ.items() if name.startswith("INIT_") and name != "INIT_VERSION"
    }


def _machine_from_c(saved: Saved, environ: Mapping[str, str]) -> Machine:
    """Return the machine for a state in C's format; what that does not represent gets defaults."""
    new = Machine(saved.wait_time)
    new.resume_inittab(tuple(_in_file(marks.entry) for marks in saved.entries), ())
    state = save(new)
    state["machine"] |= {
        "must_read": False, "boot_done": saved.boot_done, "boot_recorded": True, "nothing_left_said": True,
    }  # fmt: skip
    state["position"] = {
        "stage": saved.this_level, "level": saved.this_level, "prevlevel": saved.previous_level,
        "variables": variables_of(environ),
    }  # fmt: skip
    for number, ((key, entry), marks) in enumerate(zip(numbered(new.entries), saved.entries, strict=True)):
        ended = marks.status or (marks.has_run and not marks.pid)  # status 0 is ambiguous
        job = save_job(Job(key, entry, marks.status if ended else UNKNOWN))
        job["marks"] |= {
            "pid": marks.pid, "accounted": entry.accounting, "has_run": marks.has_run,
            "pending_event": marks.pending_event, "on_demand": marks.on_demand,
            "rests_until": marks.rests_until,
        }  # fmt: skip
        job["throttle"] = {"opened": marks.window_opened, "starts": marks.starts}
        state["jobs"].append(job)
        if marks.pid:
            state["running"].append([marks.pid, number])
    return restore(state)
