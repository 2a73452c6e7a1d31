"""Services as items: what sv --json, inittab status and inittab log tell of them."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import

from sysvinit_py.cli import out
from sysvinit_py.clients.runit import supervised
from sysvinit_py.clients.runit.common import complain
from sysvinit_py.clients.runit.supervised import TroubleError
from sysvinit_py.protocol.supervise import DOWN, RUN, UP
from sysvinit_py.report.item import INIT, SERVICE, Item, as_json
from sysvinit_py.report.states import OF_SERVICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.protocol.supervise import Status

_SECOND = 10**9
#: The year 10000: what is later, or before 1970, is no time that runsv has written.
_LATEST = 253402300800 * _SECOND
#: As many services as runsvdir takes.
_MOST = 1000
#: Where runsvdir may hide behind a script, such as /etc/runit/2.
_MAY_SUPERVISE = ("runsv", "runit")


def word(status: Status, down: bool | None, needed: str = "") -> str:
    """Return the name of the state that a service is in.

    down    whether there is a file of this name
    needed  the service that it waits for
    """
    wanted = status.want == UP
    if status.state == DOWN:
        return "pending" if needed else "throttled" if wanted else "disabled" if down else "stopped"
    if status.state == RUN and not status.got_term:
        return "paused" if status.paused else "running"
    return "restarting" if wanted else "stopping"


def item(name: str, folder: str, *, careful: bool = False) -> Item:
    """Return a service, or a logger, as an item. Raises TroubleError."""
    status = supervised.status(folder, careful=careful)
    what, _, object_ = supervised.note(folder, status, careful=careful).partition(" ")
    needed, pause = (object_, "") if what == "needs" else ("", object_.removesuffix("s"))
    state = OF_SERVICES[word(status, supervised.exists(folder, "down", name), needed)]
    since = supervised.since(status) / _SECOND if 0 <= status.since < _LATEST else None
    rests_until = since + float(pause) if since and pause.isdecimal() else None
    return Item(
        name, SERVICE, "", state, status.pid or None, since,
        rests_until=rests_until, waits_for=needed or None, command=f"{folder}/run",
    )  # fmt: skip


def with_logger(name: str, folder: str, *, careful: bool = False) -> Iterator[Item]:
    """Yield a service and, if it has one that is supervised, its logger. Raises TroubleError."""
    yield item(name, folder, careful=careful)
    try:
        yield item(f"{name}/log", f"{folder}/log", careful=careful)
    except TroubleError:
        pass


def status(services: list[tuple[str, str]], *, as_json: bool) -> int:
    """Print services, given by name and folder, in JSON or not at all; return the worst exit status."""
    found: list[Item] = []
    codes: list[int] = []
    for name, folder in services:
        try:
            listed = [*with_logger(name, folder)]
        except TroubleError as error:
            complain(f"sv: {name}: {error}\n" if as_json else "")
            codes.append(out.CANNOT_LOOK)
        else:
            found += listed
            codes.append(listed[0].state.code)
    if as_json:
        out.write(out.as_json(_as_json(found)) + "\n")
    if out.CANNOT_LOOK in codes:
        return out.CANNOT_LOOK
    return min((code for code in codes if code), default=out.DONE)


def _as_json(found: list[Item]) -> dict[str, object]:
    return as_json(dict.fromkeys(INIT) | {"prevlevel": "N"}, found)


# Below an entry of the inittab. Whose folders they are, nobody knows: see supervised.status().


def below(entry: Item) -> list[Item]:
    """Return the services that an entry's process supervises, if it is runsvdir."""
    folder = folder_of(entry)
    found: list[Item] = []
    try:
        names = sorted(name for name in posix.listdir(folder) if name[0] != ".") if folder else []
    except OSError:
        names = []
    for name in names[:_MOST]:
        try:
            found += with_logger(name, f"{folder}/{name}", careful=True)
        except TroubleError:
            pass
    return found


def folder_of(entry: Item) -> str:
    """Return the folder that an entry's process supervises; empty if it is not a runsvdir, as far as seen."""
    if not entry.pid or not any(text in (entry.command or "") for text in _MAY_SUPERVISE):
        return ""
    try:
        with open(f"/proc/{entry.pid}/cmdline", errors="surrogateescape") as file:
            words = file.read().split("\0")
        names = [word.rpartition("/")[2] for word in words]
        operands = [word for word in words[names.index("runsvdir") + 1 :] if word[:1] != "-"]
        cwd = "" if operands[0][:1] == "/" else posix.readlink(f"/proc/{entry.pid}/cwd") + "/"
    except (OSError, ValueError, IndexError):
        return ""
    return cwd + operands[0]


def log_folder(folder: str) -> str:
    """Return the folder that a service's logger writes to: where it has a file current; else log/main."""
    try:
        logger = supervised.status(f"{folder}/log", careful=True).pid
        for fd in posix.listdir(f"/proc/{logger}/fd") if logger else ():
            target = posix.readlink(f"/proc/{logger}/fd/{fd}")
            if target.endswith("/current"):
                return target.rpartition("/")[0]
    except (OSError, TroubleError):
        pass
    return f"{folder}/log/main"
