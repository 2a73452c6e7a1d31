"""halt(8), poweroff(8), reboot(8): stop the machine, as the last thing that level 0 or 6 does.

In any other level they call shutdown. reboot(2) stops the PID namespace that it is called in, and from a
chroot that is the whole machine: see ``require_own_root``.
"""

from __future__ import annotations

import _socket
import posix  # and not os, which takes 2 ms to import
import time
from _struct import Struct

from sysvinit_py.cli import out
from sysvinit_py.cli.options import LONG, Option, Program, RefusedError
from sysvinit_py.clients import runlevel, telinit
from sysvinit_py.linux import calls
from sysvinit_py.protocol import utmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysvinit_py.cli.options import Values

WTMP = "/var/log/wtmp"
BLOCK = "/sys/block"
KEXEC_LOADED = "/sys/kernel/kexec_loaded"
#: Set for all that init starts.
_FROM_INIT = b"INIT_VERSION"

#: The commands of each program for reboot(2), the second if the first fails, and its options for shutdown.
POWER = {
    "halt": ((calls.RB_HALT_SYSTEM,), ("-h",)),
    "poweroff": ((calls.RB_POWER_OFF, calls.RB_HALT_SYSTEM), ("-h", "-P")),
    # Whether a kernel was loaded only the kernel knows for sure: a script may have unmounted /sys.
    "reboot": ((calls.RB_KEXEC, calls.RB_AUTOBOOT), ("-r",)),
}

_ROWS = (
    Option("-n", help="do not sync, and do not write a wtmp record"),
    Option("-w", help="write the wtmp record, and do nothing else"),
    Option("-d", help="do not write a wtmp record"),
    Option("-f", help="do not call shutdown, whatever the runlevel is"),
    Option("-i", help="shut down all network interfaces"),
    Option("-h", help="put ATA disks into standby mode"),
    Option("-p", help="switch off the power (default if called as poweroff)"),
    Option("-t", "SECONDS", "ignored"),
)
_REBOOT_ROWS = (
    Option(
        "-k",
        help="by the kernel that kexec has loaded, which is done without -k, too",
    ),
    Option("-m", "MESSAGE", "pass it to the firmware; implies -f"),
)
_ABOUT = "{} the machine: from level 0 or 6 at once, from any other level by shutdown."
_FORM = "[-n] [-w] [-d] [-f] [-i] [-h] [-p]"
PROGRAMS = tuple(
    Program(
        name, _ABOUT.format(verb), (*_ROWS, *more), forms=(_FORM + form,), common=LONG, misused=out.FAILED
    )
    for name, verb, more, form in (
        ("halt", "Halt", (), ""),
        ("poweroff", "Power off", (), ""),
        ("reboot", "Restart", _REBOOT_ROWS, " [-k] [-m MESSAGE]"),
    )
)

_IFREQ = Struct("16sh22x")
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_ATA_STANDBY = (0xE0, 0x94)  # STANDBY IMMEDIATE, as ATA has it now and had it before


def main(name: str, soft: Callable[[list[str]], int], arguments: list[str] | None = None) -> int:
    """Run the command of that name, with ``soft`` as shutdown; return its exit status."""
    return next(program for program in PROGRAMS if program.name == name).run(
        lambda values: _run(name, soft, values), arguments
    )


def _run(name: str, soft: Callable[[list[str]], int], values: Values) -> int:
    if posix.geteuid() != 0:
        raise RefusedError("must be superuser.")
    name = "poweroff" if values.p and name == "halt" else name
    commands, called = POWER[name]
    message = values.m if name == "reboot" else None
    if not (values.f or values.w or message) and not _is_last_level(name):
        if name == "reboot" and values.k and runlevel.contents(KEXEC_LOADED)[:1] != b"1":
            raise RefusedError("-k: no kernel is loaded: see kexec(8)")
        return soft([*called, "now"])
    if not values.w:
        require_own_root()
    if not (values.d or values.n):
        record()
    if values.w:
        return out.DONE
    posix.chdir("/")
    if not values.n:
        calls.sync()
    if values.i:
        _interfaces_down(name)
    _settle_disks(flush=not values.n, standby=values.h)
    if message:
        try:
            calls.reboot_with(message.encode("utf-8", "surrogateescape"))
        except OSError as error:
            out.say(name, f"-m: {error.strerror}")
    stop(commands)
    return out.DONE


def _is_last_level(name: str) -> bool:
    """Return whether this is level 0 or 6: as init has told us, or else as utmp has it."""
    if posix.environ.get(_FROM_INIT) and (level := posix.environ.get(b"RUNLEVEL")):
        return level[:1] in (b"0", b"6")
    levels = runlevel.look()
    if levels is None:
        warning = f"WARNING: could not determine runlevel - doing soft {name}\n"
        telinit.say(2, f"{warning}  (it's better to use shutdown instead of {name} from the command line)\n")
    return levels is not None and levels[1] in "06"


def record() -> None:
    """Add to wtmp that the machine goes down, if that can be."""
    entry = utmp.for_wtmp(utmp.shutdown(time.time_ns()), calls.uname().release)
    try:
        file = calls.open(WTMP, calls.O_WRONLY | calls.O_APPEND | calls.O_NONBLOCK | calls.O_CLOEXEC)
    except OSError:
        return
    try:
        calls.write(file, entry)
    except OSError:
        pass
    finally:
        calls.close(file)


def require_own_root() -> None:
    """Raise RefusedError unless our root directory is that of PID 1: then reboot(2) is about our own system.

    In a container with a PID namespace of its own it is, and what reboot(2) ends is the container.
    """
    try:
        theirs, ours = posix.stat("/proc/1/root/"), posix.stat("/")
    except OSError as error:
        if posix.environ.get(_FROM_INIT):
            return  # /proc is unmounted already, or a security module forbids it; init's own script calls
        raise RefusedError(
            f"refused: cannot tell whether / is the root directory of PID 1: /proc/1/root: {error.strerror}"
        ) from None
    if (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino):
        raise RefusedError(
            "refused: in a chroot, or a container that shares the PID namespace of another system, which"
            " reboot(2) would stop"
        )


def stop(commands: tuple[int, ...]) -> None:
    """Have the kernel stop this system; what init starts meanwhile would be in the way. Raises OSError."""
    if calls.RB_AUTOBOOT not in commands:
        _reboot(calls.RB_ENABLE_CAD)  # the only way out of a machine that is halted
        calls.kill(1, calls.SIGTSTP)
    errors = [_reboot(command) for command in commands]
    _reboot(calls.RB_DISABLE_CAD)
    calls.kill(1, calls.SIGCONT)
    raise errors[-1] or RefusedError("the kernel went on after reboot(2)")


def _reboot(command: int) -> OSError | None:
    try:
        calls.reboot(command)
    except OSError as error:
        error.filename = "reboot(2)"
        return error
    return None


def _interfaces_down(name: str) -> None:
    """Take down all network interfaces but the loopback."""
    control = calls.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        for _, interface in _socket.if_nameindex():
            request = _IFREQ.pack(interface.encode("utf-8", "surrogateescape"), 0)
            flags = _IFREQ.unpack(calls.ioctl(control.fileno(), calls.SIOCGIFFLAGS, request))[1]
            if flags & _IFF_UP and not flags & _IFF_LOOPBACK:
                request = _IFREQ.pack(request[:16], flags & ~_IFF_UP)
                calls.ioctl(control.fileno(), calls.SIOCSIFFLAGS, request)
    except OSError as error:
        out.say(name, f"-i: {error.strerror}")
    finally:
        control.close()


def _settle_disks(flush: bool, standby: bool) -> None:
    """Have all fixed disks write what their caches hold, and put those with ATA into standby mode."""
    for name in _disks() if flush or standby else ():
        try:
            disk = calls.open(f"/dev/{name}", calls.O_RDONLY | calls.O_NONBLOCK | calls.O_CLOEXEC)
        except OSError:
            continue
        try:
            if flush:
                calls.fsync(disk)
            if standby and runlevel.contents(f"{BLOCK}/{name}/device/vendor")[:3] == b"ATA":
                for command in _ATA_STANDBY:
                    calls.ioctl(disk, calls.HDIO_DRIVE_CMD, bytes((command, 0, 0, 0)))
        except OSError:
            pass  # it goes into no standby mode, and the kernel flushes what it can
        finally:
            calls.close(disk)


def _disks() -> Iterator[str]:
    try:
        names = sorted(calls.listdir(BLOCK))
    except OSError:
        return
    for name in names:
        # Without a device it is made of others, or of memory; a name with ! is one in a folder.
        if runlevel.contents(f"{BLOCK}/{name}/removable")[:1] == b"0" and calls.access(
            f"{BLOCK}/{name}/device", calls.R_OK
        ):
            yield name
