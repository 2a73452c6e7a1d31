"""The program that is init, telinit and inittab: chosen by its name, its first argument and the pid."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
else:
    import _signal  # and not signal, which imports enum


def program() -> Callable[[], int | None]:
    """Return the function to run; the modules that it needs are imported by then.

    See behaviour/telinit.
    """
    name, arguments = sys.argv[0].rpartition("/")[2], sys.argv[1:]
    if name in ("shutdown", "halt", "poweroff", "reboot", "runlevel") and posix.getpid() != 1:
        return _power(name)
    if name == "inittab":
        import gc

        from sysvinit_py.clients.inittab.program import main as inittab

        # Thousands of entries are no garbage; but it is not off, as some verbs run until interrupted.
        gc.set_threshold(100_000)
        gc.enable()
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        status = inittab()  # now, while the one file is open, as it may import more of it
        return lambda: status
    if arguments[:1] == ["--read-inittab"] and posix.getpid() != 1:  # whatever it is called
        from sysvinit_py.inittab.child import main as read_inittab

        return read_inittab
    if arguments[:1] == ["--container"] or name == "container-init":
        from sysvinit_py.pid1.container.front import program as container

        if be := container():
            return be
    if posix.getpid() == 1 or arguments[:1] == ["--init"]:
        from sysvinit_py.pid1.sysv import main as init

        path = sys.argv[0] if sys.argv[0].startswith("/") else f"{posix.getcwd()}/{sys.argv[0]}"
        return lambda: init(sys.argv, path)
    if arguments[:1] == ["--logger"]:
        from sysvinit_py.clients.inittab.logd import main as logger

        return logger
    if arguments == ["--probe"]:
        from sysvinit_py.pid1.probe import main as probe

        return probe
    from sysvinit_py.clients.telinit import main as telinit

    return lambda: telinit(sys.argv)


def _power(name: str) -> Callable[[], int]:
    """Return the function for shutdown, halt, poweroff, reboot or runlevel."""
    if name == "runlevel":
        from sysvinit_py.clients.runlevel import main as runlevel

        return runlevel
    from sysvinit_py.clients.shutdown import main as shutdown

    if name == "shutdown":
        return shutdown
    from sysvinit_py.clients.halt import main as halt

    return lambda: halt(name, shutdown)


def main() -> int | None:
    """Run the program."""
    return program()()


if __name__ == "__main__":
    sys.exit(main())
