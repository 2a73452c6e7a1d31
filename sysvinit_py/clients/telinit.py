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

_ASKABLE = "0123456789SsQqAaBbCcUu"
_USAGE = f"{{-e VAR[=VAL] | [-t SECONDS] {{{'|'.join(_ASKABLE)}}}}}"
_HELP = """
  0 to 9, S, s        change to that runlevel
  Q, q                read the inittab again
  A, a, B, b, C, c    start the ondemand entries with that letter
  U, u                execute /sbin/init anew, processes are kept
  -t SECONDS          between SIGTERM and SIGKILL for processes that have to end
  -e INIT_NAME[=VAL]  set or remove a variable for processes started later
  --help, --version   print this, or the version
"""
#: init takes no other variables.
_PREFIX = "INIT_"
_MAX_SECONDS = 2**31 - 1
_PATIENCE = 3.0  # seconds
_TRY_AGAIN = 0.01  # seconds
#: The FIFO has no reader, is full, or its reader went away: init may be busy with it at this moment.
_MAY_PASS = (errno.ENXIO, errno.EAGAIN, errno.EPIPE)


class RefusedError(Exception):
    """Nothing was asked for, and why: a line for stderr."""


class _UsageError(Exception):
    """The arguments are wrong, and why: a line for stderr, after the usage."""


class _OptionError(_UsageError):
    """getopt(3) would refuse an option: its words, which come before the usage."""


def main(argv: list[str] | None = None, path: str = initctl.PATH) -> int:
    """Carry out the command line, its first word the program's name. Exit status 1: init was not asked.

    Why not stands on stderr. The order: --version, --help, are we root, the arguments, the FIFO.
    """
    program, *arguments = sys.argv if argv is None else argv
    name = program.rpartition("/")[2]
    if arguments == ["--version"]:
        say(1, f"SysV init version: sysvinit_py {__version__}\n\n")
        return 0
    if arguments == ["--help"]:
        say(1, f"Usage: {name} {_USAGE}\n{_HELP}")
        return 0
    try:
        if posix.geteuid() != 0 and not _is_own(path):
            raise RefusedError("must be superuser.")
        send(initctl.encode(_request(arguments)), path)
    except _OptionError as wrong:
        say(2, f"{program}: {wrong}\nUsage: {name} {_USAGE}\n")
    except _UsageError as wrong:
        say(2, f"Usage: {name} {_USAGE}\n{name}: {wrong}\n")
    except RefusedError as refused:
        say(2, f"{name}: {refused}\n")
    except OSError as error:
        say(2, f"{name}: {path}: {error.strerror}\n")
    else:
        return 0
    return 1


def _is_own(path: str) -> bool:
    """Return whether the FIFO is this user's: that of a container whose init is not root."""
    try:
        return posix.stat(path).st_uid == posix.geteuid()
    except OSError:
        return False


def say(descriptor: int, text: str) -> None:
    """Say it, unless nobody can hear it: what was asked for does not depend on that."""
    try:
        posix.write(descriptor, _bytes(text))
    except (OSError, UnicodeEncodeError):
        pass


def _bytes(argument: str) -> bytes:
    """Return what Python has made text of, as os.fsencode does it."""
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
            try:
                sleeptime = seconds(value)
            except ValueError as wrong:
                raise _UsageError(f"-t {wrong}") from None
        else:
            operands.append(value)
    if variables and operands:
        raise _UsageError("-e cannot be combined with a runlevel")
    if variables:
        _check_names(variables)
        return initctl.Request(initctl.SETENV, data=data)
    return initctl.Request(initctl.RUNLVL, _level(operands), sleeptime)


def _level(operands: list[str]) -> str:
    """Return what is asked for."""
    if not operands:
        raise _UsageError("missing runlevel")
    if len(operands) > 1:
        raise _UsageError(f"one runlevel is expected, not {len(operands)}")
    [level] = operands
    if len(level) != 1 or level not in _ASKABLE:
        raise _UsageError(f"{level!a} is not a runlevel (expected one of {' '.join(_ASKABLE)})")
    return level


def _check_names(variables: list[bytes]) -> None:
    """Refuse what init would drop without a message; C's telinit sends it all the same."""
    for variable in variables:
        name = variable.partition(b"=")[0].decode(errors="backslashreplace")
        if not name.startswith(_PREFIX):
            raise RefusedError(f"-e {name!a}: init takes only variables that begin with {_PREFIX}")


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
                raise _OptionError(f"invalid option -- '{option}'")
            value = argument[2:] or next(rest, None)
            if value is None:
                raise _OptionError(f"option requires an argument -- '{option}'")
            yield option, value


def seconds(text: str) -> int:
    """Read the wait time. C takes a word for 0 and sends -1: SIGKILL at once. We take both for mistakes.

    Raises ValueError.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > _MAX_SECONDS:
        raise ValueError(f"{text!a}: not a number of seconds (expected 0 to {_MAX_SECONDS})")
    return int(text)


def send(request: bytes, path: str) -> None:
    """Write the request to the FIFO; try for ``_PATIENCE`` seconds. Raises OSError, RefusedError."""
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
    """Write the request to the FIFO without waiting, atomically. Raises OSError, RefusedError."""
    # Non-blocking, so that no signal is needed to give up; writes of this size are never partial.
    fifo = posix.open(path, posix.O_WRONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        if not S_ISFIFO(posix.fstat(fifo).st_mode):
            raise RefusedError(f"{path} is not a fifo")
        posix.write(fifo, request)
    finally:
        posix.close(fifo)
