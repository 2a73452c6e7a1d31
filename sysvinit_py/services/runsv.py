"""runsv: supervises one service."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.linux.loop import Loop
from sysvinit_py.services.folder import FolderError
from sysvinit_py.services.hub import Hub

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable
    from typing import Never
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


def take(events: Iterable[Never]) -> None:
    """Have a source served; it has no events for anybody."""
    for _ in events:
        pass


def main(argv: list[str]) -> int:
    """Supervise a service; return the exit status."""
    if len(argv) != 2:
        calls.write(2, f"usage: {argv[0]} dir\n\n".encode(errors="surrogateescape"))
        return _USAGE
    prepare()
    codes: list[int] = []
    hub = Hub(lambda number, code: codes.append(code))
    loop = Loop([hub.signals(), hub])  # before there is a child
    try:
        hub.add(0, argv[1] if argv[1].startswith("/") else f"{calls.getcwd()}/{argv[1]}", argv[1])
    except FolderError as error:
        Hub.say(f"runsv {argv[1]}: fatal: {error}")
        return FATAL
    while not codes:
        loop.turn(take)
    return codes[0]
