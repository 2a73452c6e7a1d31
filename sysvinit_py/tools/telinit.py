"""telinit(8): ask init for another runlevel, or for a change of its environment.

See behaviour/telinit and behaviour/messages.

The same program as init: it is this one that runs when the pid is not 1, so ``init 3`` works too.
"""

from __future__ import annotations

import errno
import posix  # and not os, which takes 2 ms to import
import sys
import time
from stat import S_ISFIFO

from sysvinit_py import __version__
from sysvinit_py.protocol import initctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: What may be asked for; the usage keeps quiet about levels 7, 8 and 9, and so does init(8).
_ASKABLE = "0123456789SsQqAaBbCcUu"
_USAGE = "{-e VAR[=VAL] | [-t SECONDS] {0|1|2|3|4|5|6|S|s|Q|q|A|a|B|b|C|c|U|u}}"
_PATIENCE = 3.0  # seconds
_TRY_AGAIN = 0.01  # seconds
#: The FIFO has no reader, is full, or its reader went away: init may be busy with it at this moment.
_MAY_PASS = (errno.ENXIO, errno.EAGAIN, errno.EPIPE)


class RefusedError(Exception):
    """Nothing was asked for, and why: a line for stderr."""


class _UsageError(Exception):
    """The arguments are wrong; what getopt(3) would say of them, if anything."""


def main(argv: list[str] | None = None, path: str = initctl.PATH) -> int:
    """Carry out the command line, its first word the program's name. Exit status 1: init was not asked.

    Why not stands on stderr. Looked at in this order: --version, are we root, the arguments, the FIFO.
    """
    program, *arguments = sys.argv if argv is None else argv
    name = program.rpartition("/")[2]
    if arguments == ["--version"]:
        _write(1, f"SysV init version: sysvinit_py {__version__}\n\n")
        return 0
    try:
        if posix.geteuid() != 0:
            raise RefusedError("must be superuser.")
        _send(initctl.encode(_request(arguments)), path)
    except _UsageError as wrong:
        said = f"{program}: {wrong}\n" if str(wrong) else ""
        _write(2, f"{said}Usage: {name} {_USAGE}\n")
    except RefusedError as refused:
        _write(2, f"{name}: {refused}\n")
    except OSError as error:
        _write(2, f"{name}: {path}: {error.strerror}\n")
    else:
        return 0
    return 1


def _write(descriptor: int, text: str) -> None:
    """Say it, unless nobody can hear it: what was asked for does not depend on that."""
    try:
        posix.write(descriptor, _bytes(text))
    except (OSError, UnicodeEncodeError):
        pass


def _bytes(argument: str) -> bytes:
    """What Python has made text of, as os.fsencode does it."""
    return argument.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


def _request(arguments: list[str]) -> initctl.Request:
    variables: list[bytes] = []
    operands: list[str] = []
    sleeptime, data = initctl.WAIT_TIME, b""
    for option, value in _options(arguments):
        if option == "e":
            try:
                variables.append(_bytes(value))
                data = initctl.environment_data(variables)
            except UnicodeEncodeError:
                raise RefusedError("-e option data cannot be written in the encoding of the locale") from None
            except ValueError:
                raise RefusedError("-e option data too large") from None
        elif option == "t":
            sleeptime = _seconds(value)
        else:
            operands.append(value)
    if variables and not operands:
        return initctl.Request(initctl.SETENV, data=data)
    if not variables and len(operands) == 1 and len(operands[0]) == 1 and operands[0] in _ASKABLE:
        return initctl.Request(initctl.RUNLVL, operands[0], sleeptime)
    raise _UsageError


def _options(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yield options with their values, and operands with no option, as getopt(3) takes ``t:e:`` apart."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield from (("", operand) for operand in rest)
        elif len(argument) < 2 or argument[0] != "-":
            yield "", argument
        else:
            option = argument[1]
            if option not in "te":
                raise _UsageError(f"invalid option -- '{option}'")
            value = argument[2:] or next(rest, None)
            if value is None:
                raise _UsageError(f"option requires an argument -- '{option}'")
            yield option, value


def _seconds(text: str) -> int:
    """Read the wait time. C takes a word for 0, which would be SIGKILL at once; we take it for a mistake."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
        raise _UsageError
    seconds = int(text)
    if not -(2**31) <= seconds < 2**31:
        raise _UsageError
    return seconds


def _send(request: bytes, path: str) -> None:
    """Write the request to the FIFO, or try to until patience ends. OSError: there is none, or the like."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            write(request, path)
        except OSError as error:
            if error.errno not in _MAY_PASS:
                raise
            if time.monotonic() >= deadline:
                raise RefusedError(f"timeout opening/writing control channel {path}") from None
            time.sleep(_TRY_AGAIN)
        else:
            return


def write(request: bytes, path: str) -> None:
    """Write the request to the FIFO without waiting, atomically. OSError, RefusedError: not now."""
    # Non-blocking, so that no signal is needed to give up; writes of this size are never partial.
    fifo = posix.open(path, posix.O_WRONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        if not S_ISFIFO(posix.fstat(fifo).st_mode):
            raise RefusedError(f"{path} is not a fifo")
        posix.write(fifo, request)
    finally:
        posix.close(fifo)
