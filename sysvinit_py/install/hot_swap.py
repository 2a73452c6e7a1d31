"""Hot swap: have the running init execute another /sbin/init, and check that this has taken over.

C sysvinit silently refuses to re-execute itself in levels 7 to 9 and during the boot, and may not respond for
seconds. So everything is checked beforehand, and a request that was not read is withdrawn: otherwise it could
take effect at any time, even while the file is being restored.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients import telinit
from sysvinit_py.inittab.sources import gather
from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import C_INITS, SYSVINIT_PY
from sysvinit_py.protocol import initctl

C, OURS = "C sysvinit", "sysvinit_py"
INIT = Path("/sbin/init")
#: The levels in which C sysvinit hands over, and in which it can take over.
LEVELS = "0123456S"
#: Seconds for each of the two inits: C does not respond while it ends processes, and Python may start slowly.
PATIENCE = 30.0

_PID1 = Path("/proc/1")
_REQUEST = initctl.encode(initctl.Request(initctl.RUNLVL, "u", initctl.WAIT_TIME))
_MOST_PENDING = 1 << 16  # bytes: the capacity of a pipe
#: Seconds within which an init acts on a request that it has read.
_AT_ONCE = 1.0
_LOOK = 0.05
_C_VERSION = re.compile(r"SysV init version: (\d+\.\d+)")


class HandOverError(RefusedError):
    """The running init cannot hand over, or has not; the message gives the reason and the present state."""


def c_version(program: Path) -> str:
    """Return the version of a C sysvinit, such as ``3.06``; empty if it is another program."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _C_VERSION.search(said.stdout + said.stderr)
    return found[1] if found else ""


def running() -> str:
    """Return what PID 1 is: C, OURS, or the path of another program."""
    program = os.readlink(_PID1 / "exe")
    if "python" in os.path.basename(program) and _title().startswith("init "):
        return OURS
    return C if c_version(_PID1 / "exe") else program


def level() -> str:
    """Return the runlevel in the title of PID 1; empty if it has not entered one yet."""
    found = re.match(r"init \[(.)\]", _title())
    return found[1] if found else ""


def _title() -> str:
    return (_PID1 / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def require(kind: str) -> None:
    """Raise HandOverError unless PID 1 is an init of this kind that can hand over now."""
    if not (_PID1 / "root" / INIT.relative_to("/")).samefile(INIT):
        raise HandOverError(f"{INIT} is not the one that PID 1 would execute")
    found, stage = running(), level()
    if found != kind:
        raise HandOverError(f"PID 1 is {found}, not {kind}")
    if not stage:
        raise HandOverError("the boot is not over: C sysvinit cannot hand over, nor take over")
    if stage not in LEVELS:
        raise HandOverError(f"this is level {stage}: C sysvinit cannot hand over in it, nor take over")
    if not _serves():
        raise HandOverError(f"PID 1 does not read {initctl.PATH}")


def losses(version: str) -> list[str]:
    """Return the lines of the inittab that this version of C sysvinit refuses or never reads, unlike ours."""
    files = [(source.path, source.data) for source in gather()]
    known = [init for init in C_INITS if _number(init.name.rpartition("-")[2]) <= _number(version)]
    of_c, ours = (
        {
            (found.path, found.line): found.message
            for found in check(files, target)
            if found.severity == "error"
        }
        for target in ((known or C_INITS)[-1], SYSVINIT_PY)
    )
    return [f"{path}:{line}: {of_c[path, line]}" for path, line in of_c if (path, line) not in ours]


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def swap(kind: str, put: Callable[[], None], put_back: Callable[[], None], patience: float) -> None:
    """Have PID 1 execute an init of this kind, which ``put`` installs as /sbin/init.

    ``patience``: seconds for each of the inits. Raises HandOverError on failure, undone if possible.
    """
    before, program = running(), _program()
    put()
    if not _executes(program, patience):
        put_back()
        raise HandOverError(f"PID 1 did not execute {INIT}: all is as before")
    if _within(patience, lambda: _serves() and bool(level()) and running() == kind):
        return
    # Its interpreter reads the file before it serves; replacing the file before that would crash PID 1.
    if not _within(patience, _serves):
        raise HandOverError(f"PID 1 has executed {INIT}, and does not answer; nothing more can be done")
    put_back()
    _executes(_program(), patience)
    if not _within(patience, lambda: _serves() and running() == before):
        raise HandOverError(f"the new init did not take over; PID 1 is {running()} now, and not what it was")
    raise HandOverError("the new init did not take over; the one of before has, and all is as before")


def _program() -> tuple[int, int]:
    """Return device and inode of the program that PID 1 executes."""
    status = (_PID1 / "exe").stat()
    return status.st_dev, status.st_ino


def _serves() -> bool:
    """Return whether PID 1 has the FIFO open."""
    try:
        fifo = os.stat(initctl.PATH)
    except OSError:
        return False
    return any(_is(fd, fifo) for fd in (_PID1 / "fd").iterdir())


def _is(fd: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(fd.stat(), file)
    except OSError:
        return False  # closed meanwhile


def _executes(program: tuple[int, int], patience: float) -> bool:
    """Request re-execution of PID 1; return whether it executes another program than this one now."""

    def changed() -> bool:
        return _program() != program

    if telinit.main(["telinit", "u"]) != 0:
        return False
    if not _within(patience, changed):
        _take_back()
    return _within(_AT_ONCE, changed)


def _take_back() -> None:
    """Remove the request from the FIFO if it is still there, but not other requests."""
    try:
        fifo = os.open(initctl.PATH, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return
    try:
        pending = os.read(fifo, _MOST_PENDING)
        os.write(fifo, pending.replace(_REQUEST, b"", 1))
    except BlockingIOError:
        pass  # it is empty
    finally:
        os.close(fifo)


def _within(seconds: float, look: Callable[[], bool]) -> bool:
    """Return whether ``look`` returns True within this time."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK)
    return True
