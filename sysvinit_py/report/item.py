"""An item: what people and programs are told of an entry, the same whoever tells it.

Times are in seconds since 1970. Texts may hold bytes that are not UTF-8, as surrogates.
"""

from __future__ import annotations

import time
from binascii import b2a_base64

from sysvinit_py.inittab.getty import terminal_of
from sysvinit_py.machine.job import UNKNOWN
from sysvinit_py.machine.rules import has_place
from sysvinit_py.machine.run_queue import RunQueue
from sysvinit_py.report import states
from sysvinit_py.report.slots import STOPPING, job_of
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.report.slots import Header, Published
else:
    import _signal  # and not signal, which imports enum

#: Of the JSON (data/*.schema.json): fields are only added; else it changes.
FORM = 1
#: The action of an item that is a service of runsv's.
SERVICE = "service"
#: Why a process has ended if there is no word for it in machine.job.
ITSELF = "itself"
_SIGNALS = {
    int(getattr(_signal, name)): name[3:]
    for name in dir(_signal)
    if name.startswith("SIG") and "_" not in name
}


class Item(Value):
    """An entry and what has become of it. None where there is nothing to say, or nobody knows."""

    id: str
    action: str
    levels: str
    state: states.State
    pid: int | None = None
    since: float | None = None  # of its process, or of the end of the last one
    starts: int | None = None  # since the entry is there
    window: tuple[float, int] | None = None  # of the throttle: when it opened, and the starts in it
    rests_until: float | None = None
    waits_for: str | None = None  # inittab, answer, ends; the entry before it; its terminal
    last: tuple[float | None, int, str] | None = None  # when its process ended; how, as wait(2) has it; why
    command: str | None = None
    source: tuple[str, int] | None = None  # file, line
    asked: str | None = None  # who has stopped or started it last, as they say


def items(published: Published, offset: float) -> Iterator[Item]:
    """Yield what was published as items; ``offset``: from CLOCK_BOOTTIME to seconds since 1970."""

    def time_of(boottime: float) -> float | None:
        return boottime + offset if boottime else None

    stage = published.header.stage
    # Entries are many, and what they do is much the same: their levels and states.
    known: dict[tuple[object, ...], tuple[str, states.State]] = {}
    held: dict[Entry, str] | None = None
    for entry, fields in published.slots:
        _, pid, status, starts, began, ended_at, rests_until, window, opened, marks, why, asked = fields
        runs, rests, well = bool(pid), bool(rests_until), status in (0, UNKNOWN)
        alike = (entry.action, entry.runlevels, not entry.command, runs, rests, well, marks)
        if alike not in known:
            levels = entry.stages if entry.rule.when else ""
            known[alike] = levels, states.state(job_of(entry, fields), stage, STOPPING in marks)
        levels, state = known[alike]
        waits_for = None
        if state.word in ("pending", "triggered"):
            held = _held(published) if held is None else held
            waits_for = held.get(entry)
        elif state.word == "no-terminal":
            waits_for = terminal_of(entry)
        yield Item(
            entry.id,
            entry.action,
            levels,
            state,
            pid or None,
            time_of(began if runs else ended_at),
            starts,
            (opened + offset, window) if window else None,
            time_of(rests_until),
            waits_for,
            None if status == UNKNOWN and not why else (time_of(ended_at), status, why),
            entry.command,
            (entry.file, entry.line) if entry.file else None,
            asked or None,
        )


def _held(published: Published) -> dict[Entry, str]:
    """Return what the entries of the stage wait for, those that have to."""
    header = published.header
    jobs = (job_of(entry, fields) for entry, fields in published.slots)
    in_turn = RunQueue(job for job in jobs if has_place(job, header.stage)).jobs
    if header.busy:
        return {job.entry: header.busy for job in in_turn}
    return {job.entry: holder.entry.id for job, holder in states.holders(in_turn) if holder}


# As JSON.


#: The fields of the object ``init``.
INIT = ("version", "stage", "level", "prevlevel", "since", "busy")


def header_json(header: Header, offset: float) -> dict[str, Any]:
    """Return what init says of itself, as the schema has it."""
    fields = {name: getattr(header, name) or None for name in INIT}
    return fields | {"since": iso(header.since + offset if header.since else None)}


def as_json(
    init: dict[str, Any], listed: Iterable[Item], services: Callable[[Item], Iterable[Item]] | None = None
) -> dict[str, Any]:
    """Return the object that the schema describes; ``services``: those that an entry supervises."""
    entries = []
    for item in listed:
        entries.append(item_json(item))
        if services and (found := [item_json(service) for service in services(item)]):
            entries[-1]["services"] = found
    return {"form": FORM, "init": init, "entries": entries}


def item_json(item: Item) -> dict[str, Any]:
    """Return the item as the schema has it."""
    fields = {
        "id": item.id, "action": item.action, "levels": item.levels, "state": item.state.word,
        "pid": item.pid, "since": iso(item.since), "starts": item.starts,
        "window": item.window and {"opened": iso(item.window[0]), "starts": item.window[1]},
        "rests_until": iso(item.rests_until), "waits_for": item.waits_for,
        "last": item.last
        and {"ended": iso(item.last[0])} | ending(item.last[1]) | {"why": item.last[2] or ITSELF},
        "asked": item.asked,
        "command": item.command,
        "source": item.source and marked({"file": item.source[0], "line": item.source[1]}),
    }  # fmt: skip
    return marked(fields)


def ending(status: int) -> dict[str, Any]:
    """Return what a status of wait(2) says; UNKNOWN: nothing."""
    if status == UNKNOWN:
        return {"exit": None, "signal": None, "core": False}
    signal = status & 0x7F
    return {"exit": None if signal else status >> 8, "signal": signal or None, "core": bool(status & 0x80)}


def marked(fields: dict[str, Any]) -> dict[str, Any]:
    """Replace bytes that are not UTF-8 by U+FFFD; NAME_raw has them all in base64."""
    for name, text in [*fields.items()]:
        if isinstance(text, str):
            raw = text.encode("utf-8", "surrogateescape")
            fields[name] = raw.decode("utf-8", "replace")
            if fields[name] != text:
                fields[f"{name}_raw"] = b2a_base64(raw, newline=False).decode()
    return fields


def iso(seconds: float | None) -> str | None:
    """UTC to the millisecond."""
    if seconds is None:
        return None
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    year, month, day, hour, minute, second, *_ = time.gmtime(whole)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


# As a row of a table.

#: The cells by the names of their columns: of an item, and the time.
COLUMNS: dict[str, Callable[[Item, float], str]] = {
    "id": lambda item, now: item.id,
    "action": lambda item, now: item.action,
    "levels": lambda item, now: item.levels,
    "state": lambda item, now: item.state.word,
    "symbol": lambda item, now: item.state.symbol,
    "pid": lambda item, now: _or_dash(item.pid),
    "since": lambda item, now: ago(item.since, now),
    "starts": lambda item, now: _or_dash(item.starts),
    "window": lambda item, now: _or_dash(item.window and item.window[1]),
    "rests": lambda item, now: ago(now, item.rests_until),
    "waits-for": lambda item, now: _or_dash(item.waits_for),
    "last-end": lambda item, now: how_it_ended(item.last[1]) if item.last else "-",
    "why": lambda item, now: item.last[2] or ITSELF if item.last else "-",
    "asked": lambda item, now: _or_dash(item.asked),
    "command": lambda item, now: item.command or "-",
    "source": lambda item, now: "{}:{}".format(*item.source) if item.source else "-",
}


def row(item: Item, columns: Iterable[str], now: float) -> list[str]:
    """Return the cells of these columns, not escaped yet."""
    return [COLUMNS[column](item, now) for column in columns]


def program_of(item: Item) -> str:
    """Return the name of the program that it runs, as far as the command says it plainly."""
    return (item.command or "").partition(" ")[0].rpartition("/")[2]


def how_it_ended(status: int) -> str:
    """Return it in words: exit 1, signal 11 SEGV, core. What led the console's session exits with 128+N."""
    if status == UNKNOWN:
        return "unknown"
    how = ending(status)
    if signal := how["signal"]:
        return f"signal {signal}{_signal_name(signal)}{', core' if how['core'] else ''}"
    hint = _signal_name(how["exit"] - 128)
    return f"exit {how['exit']}" + (f" (signal{hint})" if hint else "")


def _signal_name(number: int) -> str:
    return f" {_SIGNALS[number]}" if number in _SIGNALS else ""


_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def ago(then: float | None, now: float | None) -> str:
    """Return how long it is from then to now, in two units at most."""
    if then is None or now is None:
        return "-"
    seconds = max(0, int(now - then))
    for size, name, smaller, its_name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {name} {seconds % size // smaller} {its_name}"
    return f"{seconds} s"


def _or_dash(thing: object) -> str:
    return "-" if thing is None else str(thing)
