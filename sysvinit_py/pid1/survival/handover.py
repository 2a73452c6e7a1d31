"""Re-execution: become the /sbin/init that is there now, children and all; or take over from one.

See behaviour/reexec.

The state goes through a pipe in the form that C sysvinit writes and reads, so that either of the two can
take over from the other. Between two of ours a line that C skips carries everything: what C's form has no
words for would be lost otherwise, such as processes that are being ended, or a boot that is not done.
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
#: The option by which the program looks whether it could be init, and is not.
PROBE = "--probe"
#: Bytes in which a script of ours says that it is.
_BEGIN = 512

#: A form of marshal that all versions of Python from 3.11 on read and write alike.
_MARSHAL = 2
#: Bytes that a pipe holds unless it is asked to hold more.
_PIPE_SIZE = 1 << 16
#: How often it is looked whether the trial has ended, and seconds between: 20 s in all.
_TRIAL_LOOKS, _TRIAL_PAUSE = 4000, 0.005
#: Milliseconds: the signature is there before the new init is; what follows may take long on a slow machine.
_AT_ONCE, _PATIENCE = 1000, 60_000
#: Milliseconds that the writer stays at most. Somebody may have inherited the pipe, and keep it open.
_STAYS = 10_000
#: How often it is tried to read the state, and seconds between.
_ATTEMPTS, _PAUSE = 10, 0.1
_CHUNK = 1 << 16
_MAX_BYTES = 64 << 20
_LAST_LINE = b"\nEND\n"


def hand_over(
    state: bytes, environment: Mapping[str, str], *more: str, inherit: Callable[[int], object] = bool
) -> None:
    """Become the new init, called with ``more`` arguments. Raises OSError if that is not possible.

    Nothing has changed then. Without a state, the one that was handed to this init and not read is passed on.
    ``inherit`` is called with the flags of what one of ours inherits, and no other init.
    """
    option = _trial(PROGRAM)
    if option:
        _try_out(option, environment)
    # What comes now waits for the new init.
    blocked = calls.pthread_sigmask(calls.SIG_BLOCK, calls.SIGNALS)
    try:
        if state:
            _offer(state)
        else:
            _pass_on()
        if option == PROBE:
            inherit(0)
        # The path as the name, for C init executes what it was called by when it is its turn to hand over.
        calls.execve(PROGRAM, [PROGRAM, OPTION, *more], environment)
    finally:
        # Still here: it did not work. The writer ends when nobody can read what there is.
        if state:
            keep_place()
        inherit(calls.FD_CLOEXEC)
        calls.pthread_sigmask(calls.SIG_SETMASK, blocked)


def _trial(program: str) -> str:
    """Return the option to try a script out with, for ours a look at all of itself; empty: not a script."""
    file = calls.open(program, calls.O_NONBLOCK)  # to read it
    try:
        begin = calls.read(file, _BEGIN)
    finally:
        calls.close(file)
    if not begin.startswith(b"#!"):
        return ""
    return PROBE if b"sysvinit_py" in begin else "--version"


def _try_out(option: str, environment: Mapping[str, str]) -> None:
    """Raise OSError unless the new init can be executed, starts, and says something.

    For want of memory, or of a Python that is whole, a script may not; and who executed it cannot go back.
    """
    said = calls.memfd_create("trial", calls.MFD_CLOEXEC)
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
    for _ in range(_TRIAL_LOOKS):
        ended, status = calls.waitpid(pid, calls.WNOHANG)
        if ended:
            break
        calls.sleep(_TRIAL_PAUSE)
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
        # else there is none to pass on


def _offer(state: bytes) -> None:
    """Put a pipe with the state in its place.

    What the pipe holds is safe, whatever becomes of the process that writes the rest of it.
    """
    keep_place()  # else it might be an end of the pipe
    read_end, write_end = calls.pipe2(calls.O_CLOEXEC)
    try:
        if FD in (read_end, write_end):
            raise OSError(EMFILE, "the place of the state could not be kept")
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
    """Write as much as the pipe holds, and return how much that was."""
    if len(state) > _PIPE_SIZE:
        try:
            calls.fcntl(write_end, calls.F_SETPIPE_SZ, len(state))
        except OSError:
            pass  # so much is not to be had
    calls.fcntl(write_end, calls.F_SETFL, calls.O_NONBLOCK)
    written = calls.write(write_end, state)
    calls.fcntl(write_end, calls.F_SETFL, 0)
    return written


def _start_writer(read_end: int, write_end: int, state: bytes) -> None:
    """Write what is left of the state, and stay until nobody can read it any more.

    As long as the writer stays, the FIFO of requests is open: what is written to it meanwhile is not lost.
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
    """Return the state that the previous init has left; empty if it has left nothing. It stays open."""
    state = bytearray()
    for _ in range(_ATTEMPTS):
        try:
            _read(state)
            break
        except OSError as error:
            if error.errno == EBADF:
                break  # nobody has left anything
            calls.sleep(_PAUSE)  # children depend on it
    return bytes(state) if state.startswith(SIGNATURE) else b""


def _read(state: bytearray) -> None:
    """Add to the state what is there, until it is whole, or can be none."""
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
    """Let nothing else have the descriptor of the state: a failed re-execution would have to give it back.

    The writer of the state that was there ends.
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


# What a machine knows, in C's form and in ours.


def serialized(
    machine: Machine, signals: Iterable[int], boot_recorded: bool, level_recorded: bool, history: bytes = b""
) -> bytes:
    """Return the state of the machine, which signals have not reached it yet, and the last events."""
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
    """Return a state that says little more than the level, for when :func:`serialized` cannot be had.

    ``signal`` has the new init read the inittab, and start what has its place in the level.
    """
    level = machine.position.runlevel
    return encode(Saved(level, level, machine.position.prevlevel, signals=1 << signal))


def history_of(saved: Saved) -> bytes:
    """Return the events that the previous init has published; empty if it has left none."""
    try:
        return a2b_base64(saved.history)
    except ValueError:
        return b""


def _saved_entry(job: Job) -> SavedEntry:
    """Return it as C takes it, which would start what was stopped: there it is off until the next reading."""
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
    """Return the machine that goes on where the previous init was."""
    number, _, text = saved.ours.partition(" ")
    if text:
        try:
            whole = a2b_base64(text)
            if crc32(whole) == int(number):
                return restore(marshal.loads(whole))
        except Exception:
            pass  # of another version of ours, whatever that has in it; C's form will do
    return _machine_from_c(saved, environ)


def is_child(pid: int) -> bool:
    """Return whether it is a child of ours still, if only as a zombie."""
    try:
        calls.waitid(calls.P_PID, pid, calls.WNOHANG | calls.WEXITED | calls.WNOWAIT)
    except OSError:
        return False
    return True


def _in_file(entry: Entry) -> Entry:
    """Return the entry as the inittab may have it: C writes # and * for levels that are ignored."""
    ignored = entry.rule.when in (AT_SYSINIT, AT_BOOT)
    return entry.replace(runlevels="") if ignored else entry


def variables_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the INIT_* variables of telinit -e: they live in the environment while no init does."""
    return {
        name: value for name, value in environ.items() if name.startswith("INIT_") and name != "INIT_VERSION"
    }


def _machine_from_c(saved: Saved, environ: Mapping[str, str]) -> Machine:
    """Return the machine of a state in C's form: what that has no words for is as in a machine at rest."""
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
        ended = marks.status or (marks.has_run and not marks.pid)  # 0 may say that it has not
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
