"""inittab status: the state of each entry."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import
import sys
import time

from sysvinit_py import __version__
from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.report.item import COLUMNS, INIT, SERVICE, ago, as_json, header_json, items, program_of, row
from sysvinit_py.report.slots import start_time
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sysvinit_py.cli.options import Values
    from sysvinit_py.report.item import Item
    from sysvinit_py.report.slots import Header, Published

PROGRAM = "inittab"
_TABLE = ("id", "state", "pid", "since", "starts", "last-end", "command")
_NUMBERS = ("pid", "starts")
_COLOURS = {"+": "", "-": "2", "~": "33", "!": "1;31"}
#: What init waits for, by the word that it publishes.
WAITS = {
    "inittab": "the inittab to be read",
    "answer": "an answer on the console",
    "ends": "processes to end",
}
_STAGES = {"#": "boot: sysinit entries", "*": "boot"}


def look(pid: int | None, offset: float | None = None) -> tuple[int, Published, list[Item]]:
    """Return an init's pid, what it publishes, and the items. Raises RefusedError, looking.ForeignError."""
    offset = looking.boot_time() if offset is None else offset
    try:
        pid, published = looking.look(pid)
    except looking.CannotLookError as error:
        raise RefusedError(str(error)) from None
    return (
        pid,
        published,
        [_with_start(item, offset) if pid == 1 else item for item in items(published, offset)],
    )


def _with_start(item: Item, offset: float) -> Item:
    """Return the item with the start time, from /proc, of a process that was started by C init."""
    if not item.pid or item.since is not None:
        return item
    try:
        with open(f"/proc/{item.pid}/stat", errors="replace") as stat:
            began: Item = item.replace(since=start_time(stat.read()) / posix.sysconf("SC_CLK_TCK") + offset)
            return began
    except (OSError, ValueError, IndexError):
        return item


def chosen(names: Sequence[str], listed: list[Item]) -> list[Item]:
    """Return the items that are named. Raises RefusedError."""
    found: list[Item] = []
    for name in dict.fromkeys(names):
        if not (those := named(name, listed)):
            shown = name or repr(name)
            raise RefusedError(
                f"{shown}: no entry has this id, and not exactly one runs a program of this name"
            )
        found += those
    return found


class View(Value):
    """The state of an init, to be shown; if it publishes none, ``code`` is FOREIGN."""

    pid: int
    init: dict[str, Any]  # as JSON has it
    listed: list[Item]
    title: str
    code: int = out.DONE
    note: str = ""  # a warning for the user


def status(values: Values) -> int:
    """Show the status; return the exit status: of the named entries, or whether it could be read."""
    now = time.time()
    view = view_of(values.pid, now, looking.boot_time())
    if view.note:
        out.say(PROGRAM, view.note)
    code = out.DONE if view.code and view.pid != 1 else _show(values, view, now)
    return view.code or code


def view_of(pid: int | None, now: float, offset: float) -> View:
    """Return what an init publishes, or else what utmp and /proc have. Raises RefusedError."""
    try:
        pid, published, listed = look(pid, offset)
    except looking.ForeignError:
        return _foreign(1 if pid is None else pid, offset)
    header = published.header
    title = ("" if pid == 1 else f"process {pid}: ") + _title(header, listed, now - offset)
    other = header.version != __version__
    note = f"init is sysvinit_py {header.version}, and this program {__version__}" if other else ""
    return View(pid, header_json(header, offset), listed, title, note=note)


def _foreign(pid: int, offset: float) -> View:
    """Return the state of an init that publishes none; for process 1, from utmp and /proc."""
    from sysvinit_py.clients.inittab import foreign

    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            name = file.read().strip()
    except OSError:
        raise RefusedError(f"there is no process {pid}, or /proc does not show it") from None
    records = foreign.records() if pid == 1 else []
    level, prevlevel = foreign.levels(records)
    init = dict.fromkeys(INIT) | {"stage": level, "level": level, "prevlevel": prevlevel}
    return View(
        pid,
        init,
        [*foreign.items(records, offset)],
        f"level {level or 'unknown'} (from {prevlevel}), as utmp and /proc have it",
        out.FOREIGN,
        f"process {pid} ({name}) publishes no status for this user:"
        " it is another init, or an older version, or has no /run/inittab and only root may look",
    )


def _title(header: Header, listed: list[Item], now: float) -> str:
    """Return the stage of init and the number of entries, as one line; ``now`` is on init's clock."""
    words = [item.state.word for item in listed]
    parts = [
        _STAGES.get(header.stage, f"level {header.stage} (from {header.prevlevel})"),
        f" for {ago(header.since, now)}" if header.since else "",
        f"; {len(words)} entries, {words.count('running')} running, {words.count('failed')} failed",
        f"; waits for {WAITS.get(header.busy, header.busy)}" if header.busy else "",
    ]
    return "".join(parts)


def _show(values: Values, view: View, now: float) -> int:
    """Print all items, or the named ones; return the exit status."""
    known = with_services(view)
    shown = chosen(values.ids, known) if values.ids else known
    if values.json:
        items = shown if values.ids else view.listed
        as_object = as_json(view.init, items, lambda item: services(item, view.pid))
        out.write(out.as_json(as_object) + "\n")
    elif values.columns:
        out.write("".join(cells(item, values.columns, now) for item in shown))
    elif values.ids:
        out.write("\n".join(details(item, now) for item in shown))
    else:
        out.write(f"{printable(view.title)}\n{table(shown, now, out.width())}")
    return (
        min((item.state.code for item in shown if item.state.code), default=out.DONE)
        if values.ids
        else out.DONE
    )


def services(item: Item, init: int) -> list[Item]:
    """Return the services that an entry's process supervises; none in a container, whose PIDs differ."""
    if init != 1 or "run" not in (item.command or ""):  # neither runsvdir nor /etc/runit
        return []
    from sysvinit_py.clients.runit.items import below

    return below(item)


def with_services(view: View) -> list[Item]:
    """Return the entries, and the services of each after it."""
    return [each for item in view.listed for each in (item, *services(item, view.pid))]


def cells(item: Item, columns: Sequence[str], now: float) -> str:
    """Return a line for programs."""
    return "\t".join(map(printable, row(item, columns, now))) + "\n"


def named(name: str, listed: list[Item]) -> list[Item]:
    """Return the items with this id, or else the only one that runs a program of this name."""
    if same_id := [item for item in listed if item.id == name]:
        return same_id
    same_program = [item for item in listed if name and program_of(item) == name]
    return same_program if len(same_program) == 1 else []


def details(item: Item, now: float) -> str:
    """Return all columns of an entry, one on each line."""
    names = [name for name in COLUMNS if name not in ("id", "state", "symbol")]
    pairs = [
        (name, cell) for name, cell in zip(names, row(item, names, now), strict=True) if cell not in ("", "-")
    ]
    lines = [f"    {name:<10} {printable(cell)}\n" for name, cell in pairs]
    return f"{printable(item.id)}  {item.state.word}\n{''.join(lines)}"


def table(listed: list[Item], now: float, most: int) -> str:
    """Return a header, and a line for each item."""
    indented = (item.replace(id=f"  {item.id}") if item.action == SERVICE else item for item in listed)
    rows = [[name.upper() for name in _TABLE], *(row(item, _TABLE, now) for item in indented)]
    colours = ["1", *(_COLOURS[item.state.symbol] for item in listed)] if out.coloured(sys.stdout) else ()
    return out.table(rows, right=[_TABLE.index(name) for name in _NUMBERS], most=most, colours=colours)
