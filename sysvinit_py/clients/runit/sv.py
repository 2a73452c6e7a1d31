"""sv: control services, and say how they are, in runit's words.

Orders go to all services first; then all that are waited for are looked at in turn.
"""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import time

from sysvinit_py.clients.runit import supervised
from sysvinit_py.clients.runit.common import UsageError, complain, encoded, options, wrong_usage
from sysvinit_py.clients.runit.controlled import Service, line, undoer, variable
from sysvinit_py.clients.runit.supervised import NoFolderError, NoRunsvError, TroubleError
from sysvinit_py.protocol.supervise import reason
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = "sv"
#: Seconds: how long a command is waited for, and by how much longer, as C's takes so much longer, too.
_WAIT, _MORE = 7, 0.4
#: A file of the service: how many seconds it takes to stop.
_OWN_WAIT = "wait"
#: Seconds between two looks at the services: at first, and at most, as C's.
_FIRST_PAUSE, _PAUSE = 0.01, 0.42
#: Exit statuses: the maximum number of failures; wrong usage; and as an LSB script: that, and status unknown.
_MOST, _USAGE, _LSB_USAGE, _LSB_DOWN, _LSB_UNKNOWN = 99, 100, 2, 3, 4


class Command(Value):
    """What is done to services."""

    characters: str  # that runsv is given
    done: Callable[[Service], bool] | None = None  # None: only once runsv is gone
    waits: bool = False  # also without -v
    kills: bool = False  # what takes too long


#: By their first letter.
_LETTERS = {
    "u": Command("u", Service.is_up),
    "d": Command("d", Service.is_stopped),
    "o": Command("o", Service.is_once),
    "p": Command("p", Service.is_paused),
    "c": Command("c", lambda service: not service.status.paused),
    **{letter: Command(letter, lambda _: True) for letter in "haiq12"},
    **{letter: Command(letter, Service.is_new_or_down) for letter in "tk"},
    **dict.fromkeys("ex", Command("x")),
    "D": Command("d", Service.is_stopped, True, True),
    "T": Command("tc", Service.is_new_or_down, True, True),
    **dict.fromkeys("EX", Command("x", None, True, True)),
}
#: By their names; what begins with s and is none of these is status.
_COMMANDS = {
    "start": Command("u", Service.is_up, True),
    "stop": Command("d", Service.is_stopped, True),
    "shutdown": Command("x", None, True),
    "reload": Command("h", lambda _: True, True),
    "restart": Command("tcu", Service.is_new, True),
    "try-restart": Command("tc", Service.is_new_or_down, True),
    "check": Command("", Service.is_as_wanted, True),
    "force-stop": _LETTERS["D"],
    "force-reload": _LETTERS["T"],
    "force-restart": Command("tcu", Service.is_new, True, True),
    "force-shutdown": _LETTERS["X"],
}


def main(argv: list[str]) -> int:
    """Run the command sv, or the LSB script that a link of another name is; return its exit status."""
    called, words = argv[0].rpartition("/")[2], argv[1:]
    lsb = called != _NAME
    try:
        given, waits, listed = _parsed(words)
        if not words or not (lsb or words[1:]):
            raise UsageError
        name, services = words[0], [Service(name) for name in ([called] if lsb else words[1:])]
        if name[:1] == "s" and name not in _COMMANDS:
            return _listed(services, listed) if listed else _show(services, lsb)
        command = _COMMANDS.get(name) or _LETTERS.get(name[:1])
        if not command or listed:
            raise UsageError
    except UsageError as error:
        operands = "[-w sec] command" if lsb else "[-v] [-w sec] command service ..."
        wrong_usage(called, error, f"{called} {operands}")
        return _LSB_USAGE if lsb else _USAGE
    orders = Orders(command, waits or command.waits, given)
    failed = orders.carry_out(services)
    return min(failed, 1) if lsb else min(failed, _MOST)


def _parsed(words: list[str]) -> tuple[int | None, bool, str]:
    """Take the options from the words; return -w's number, whether -v was given, and json or quiet.

    Raises UsageError.
    """
    seconds, waits, listed = None, False, ""
    while words and words[0] in ("--json", "--quiet"):
        listed = words.pop(0)[2:]
    for letter, text in options(words, "vw:V"):
        if letter == "V":
            from sysvinit_py import __version__

            complain(f"sysvinit_py {__version__}\n")
            raise UsageError
        if letter == "w":
            seconds = _seconds(text)
        waits = True
    return seconds, waits, listed


def _seconds(text: str) -> int:
    """Return the digits that text begins with, as a number; 0 without any."""
    rest = text.lstrip("0123456789")
    return int("0" + text[: len(text) - len(rest)][:9])


def _print(text: str) -> None:
    """Write to standard output; what cannot be written is said, and is the end of it."""
    data = encoded(text)
    try:
        while data:
            data = data[posix.write(1, data) :]
    except OSError as error:
        complain("" if isinstance(error, BrokenPipeError) else f"{_NAME}: unable to write: {reason(error)}\n")
        raise SystemExit(_USAGE) from None


def _trouble(name: str, error: TroubleError) -> str:
    """Return what is said of a service that cannot be asked."""
    where = "unable to change to service directory: " if isinstance(error, NoFolderError) else ""
    return f"{error.kind}: {name}: {where}{error}\n"


def _show(services: list[Service], lsb: bool) -> int:
    """Say how they are, and their loggers; return the exit status."""
    failed = code = 0
    for service in services:
        try:
            service.look()
        except TroubleError as error:
            _print(_trouble(service.name, error))
            failed, code = failed + 1, _LSB_UNKNOWN
            continue
        code = _LSB_DOWN if service.is_down() else 0
        text, ok = _log(service)
        failed += not ok
        _print(service.line() + text)
    return code if lsb else min(failed, _MOST)


def _log(service: Service) -> tuple[str, bool]:
    """Return how its logger is, and whether that could be found out."""
    folder = f"{service.folder}/log"
    if not supervised.exists(service.folder, "log", service.name):
        return "\n", True
    try:
        status = supervised.status(folder)
    except NoFolderError as error:
        return f"; warning: {service.name}/log: unable to change directory: {error}\n", False
    except TroubleError as error:
        return f"; {_trouble(f'{service.name}/log', error)}", False
    down = supervised.exists(folder, "down", f"{service.name}/log")
    return f"; {line('log', status, down)}\n", True


def _listed(services: list[Service], how: str) -> int:
    """Say how they are in JSON, or say nothing; return the exit status of the one that is worst off."""
    from sysvinit_py.clients.runit import items

    return items.status([(service.name, service.folder) for service in services], as_json=how == "json")


class Orders:
    """A command for services, and what became of it."""

    def __init__(self, command: Command, waits: bool, seconds: int | None) -> None:
        self._command, self._waits = command, waits
        self._seconds = _seconds(variable("SVWAIT", str(_WAIT))) if seconds is None else seconds
        self._fixed = seconds is not None or b"SVWAIT" in posix.environ
        self._failed = 0

    def carry_out(self, services: list[Service]) -> int:
        """Give the orders, and wait for what has to be waited for; return how many have failed."""
        waiting = [service for service in services if self._give(service)]
        progress = Progress()
        pause = _FIRST_PAUSE
        while waiting:
            waiting = [service for service in waiting if not self._is_over(service, progress)]
            if waiting:
                progress.show(waiting)
                soonest = min(service.gives_up for service in waiting) - time.monotonic()
                time.sleep(max(0, min(pause, soonest)))
                pause = min(pause * 2, _PAUSE)
        return self._failed

    def _give(self, service: Service) -> bool:
        """Give the order; return whether the service is waited for."""
        started = time.monotonic()
        try:
            service.look()
            service.before = service.status
            if self._command.done is None:
                service.undoer = undoer(service.folder)
            if self._command.characters:
                supervised.order(service.folder, self._command.characters)
        except TroubleError as error:
            self._end_badly(service, error)
            return False
        if not self._waits and service.undoer:
            _warn(service)
        service.gives_up = started + self._limit(service) + _MORE
        return self._waits

    def _limit(self, service: Service) -> int:
        """Return how long to wait: as the service says, unless sv was told; but kill none before that."""
        own = supervised.number(service.folder, _OWN_WAIT)
        if own is None or (self._fixed and not self._command.kills):
            return self._seconds
        return max(own, self._seconds) if self._fixed else own

    def _end_badly(self, service: Service, error: TroubleError) -> None:
        if isinstance(error, NoRunsvError) and self._command.done is None:
            _print(f"ok: {service.name}: {error}\n")
            if service.undoer:
                _warn(service)
        else:
            _print(_trouble(service.name, error))
            self._failed += 1

    def _is_over(self, service: Service, progress: Progress) -> bool:
        """Look at the service; if it is waited for no longer, say what became of it, and return true."""
        try:
            service.look()
            if self._command.done and self._command.done(service):
                word = "ok"
            elif time.monotonic() < service.gives_up:
                return False
            else:
                word = "kill" if self._command.kills else "timeout"
            progress.clear()
            _print(f"{word}: {service.line()}\n")
            self._failed += word != "ok"
            if word == "kill":
                supervised.order(service.folder, "k")
        except TroubleError as error:
            progress.clear()
            self._end_badly(service, error)
        service.end_check()
        return True


class Progress:
    """A line on the terminal, if there is one, that says who is waited for."""

    _AFTER = 1.0  # seconds

    def __init__(self) -> None:
        self._from = time.monotonic() + self._AFTER
        self._shown = ""
        self._is_seen = posix.isatty(2)

    def show(self, waiting: list[Service]) -> None:
        """Say who is waited for, and how long still."""
        now = time.monotonic()
        if self._is_seen and now >= self._from:
            names = " ".join(service.name for service in waiting)
            left = max(service.gives_up for service in waiting) - now
            text = f"\r{_NAME}: waiting up to {max(0, round(left))} s for {names}\x1b[K"
            complain(text if text != self._shown else "")
            self._shown = text

    def clear(self) -> None:
        """Remove it, before something else is said."""
        complain("\r\x1b[K" if self._shown else "")
        self._shown = ""


def _warn(service: Service) -> None:
    complain(
        f"{_NAME}: {service.name}: {service.undoer} starts its runsv again within seconds:"
        f" use down, or remove it from the directory\n"
    )
