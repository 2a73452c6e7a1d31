"""utmpset: note in utmp, and with -w in wtmp, that the user on a line has logged out."""

from __future__ import annotations

import fcntl
import posix as os  # and not os, which takes half a megabyte
import time

from sysvinit_py import __version__
from sysvinit_py.clients.runit.common import UsageError, complain, options, wrong_usage
from sysvinit_py.protocol import utmp
from sysvinit_py.protocol.supervise import reason

USAGE = "[-w] line"
UTMP, WTMP = "/var/run/utmp", "/var/log/wtmp"


def main(argv: list[str]) -> int:
    """Return the exit status: 1 for a wrong command line, 111 if the record cannot be written."""
    words, name = argv[1:], argv[0].rpartition("/")[2]
    try:
        letters = [letter for letter, _ in options(words, "wV")]
        if "V" in letters or not words:
            raise UsageError(f"{__version__} (sysvinit_py)" if "V" in letters else "")
    except UsageError as wrong:
        wrong_usage(name, wrong, f"{argv[0]} {USAGE}")
        return 1
    try:
        if not logout(words[0]):
            complain(f"utmpset: warning: unable to logout line {words[0]} in utmp: no such entry\n")
            return 111
        if letters:
            append(words[0])
    except OSError as error:
        about = f"open {error.filename}" if error.filename else f"logout line {words[0]}"
        complain(f"utmpset: fatal: unable to {about}: {reason(error)}\n")
        return 111
    return 0


def logout(line: str) -> bool:
    """Mark the first record of the line as dead; return whether there was one. Raises OSError."""
    file = os.open(UTMP, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        for offset in range(0, os.fstat(file).st_size, utmp.SIZE):
            content = os.pread(file, utmp.SIZE, offset)
            if len(content) == utmp.SIZE and (found := utmp.unpack(content)).line == line:
                ended = found.replace(type=utmp.DEAD_PROCESS, user="", host="", seconds=_now())
                os.pwrite(file, utmp.pack(ended), offset)
                return True
        return False
    finally:
        os.close(file)


def append(line: str) -> None:
    """Append a record to wtmp, which is made if it is missing. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(WTMP, flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.write(file, utmp.pack(utmp.Record(utmp.DEAD_PROCESS, line=line, seconds=_now())))
    finally:
        os.close(file)


def _now() -> int:
    return int(time.time()) & 0xFFFFFFFF
