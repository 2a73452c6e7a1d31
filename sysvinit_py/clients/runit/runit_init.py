"""runit-init: tells runit to halt or to reboot the machine; as PID 1, becomes runit."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
from stat import S_IXUSR

from sysvinit_py.clients.runit.common import complain, is_there
from sysvinit_py.protocol.supervise import SIGNALS, reason

RUNIT = "/sbin/runit"
STOP_IT, REBOOT = "/run/runit.stopit", "/run/runit.reboot"
_FATAL = 111
_ORDERED, _NOT_ORDERED = S_IXUSR, 0


def main(argv: list[str]) -> int:
    """Pass the request on; return the exit status."""
    try:
        if posix.getpid() == 1:
            posix.execv(RUNIT, [RUNIT])
        if argv[1:2] not in (["0"], ["6"]):
            complain(f"usage: {argv[0]} 0|6\n\n")
            return 0  # as Debian's does
        wants_reboot = argv[1] == "6"
        if wants_reboot or is_there(REBOOT):
            _mark(REBOOT, _ORDERED if wants_reboot else _NOT_ORDERED)
        _mark(STOP_IT, _ORDERED)
        posix.kill(1, SIGNALS["c"])
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        complain(f"init: fatal: {what}{reason(error)}\n")
        return _FATAL
    return 0


def _mark(path: str, mode: int) -> None:
    """Give a file of ours this mode; it is made if it is missing, and a link is not followed."""
    flags = posix.O_CREAT | posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
    file = posix.open(path, flags, 0)
    try:
        posix.fchmod(file, mode)
    finally:
        posix.close(file)
