"""runsv: supervises one service."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.services.folder import FolderError
from sysvinit_py.services.hub import Hub

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

_USAGE, FATAL = 1, 111


def prepare() -> None:
    """Undo what Python has done to signals, and see that no descriptor of ours is a standard one."""
    if _signal.getsignal(calls.SIGINT) is _signal.default_int_handler:
        calls.signal(calls.SIGINT, calls.SIG_DFL)
    while (fd := open_nothing()) <= 2:
        calls.fcntl(fd, calls.F_SETFD, calls.FD_CLOEXEC)  # so that a child has none there either
    calls.close(fd)


def main(argv: list[str]) -> int:
    """Supervise a service; return the exit status."""
    if len(argv) != 2:
        calls.write(2, f"usage: {argv[0]} dir\n\n".encode(errors="surrogateescape"))
        return _USAGE
    prepare()
    codes: list[int] = []
    hub = Hub(lambda number, code: codes.append(code))
    try:
        hub.add(0, argv[1] if argv[1].startswith("/") else f"{calls.getcwd()}/{argv[1]}", argv[1])
    except (FolderError, OSError) as error:
        Hub.say(f"runsv {argv[1]}: fatal: {error}")
        return FATAL
    hub.run(lambda: not codes)
    return codes[0]
