"""inittab history: the recent events of entries."""

from __future__ import annotations

import time

from sysvinit_py.cli import looking, out
from sysvinit_py.clients.inittab.status import chosen, look
from sysvinit_py.report.history import Event, read
from sysvinit_py.report.item import FORM, ITSELF, ending, how_it_ended, iso, marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sysvinit_py.cli.options import Values

#: The text of an event, by its kind; any other is a request.
_SAID: dict[str, Callable[[Event], str]] = {
    "begin": lambda event: f"started, process {event.pid}",
    "end": lambda event: (
        f"{_process(event)}ended: {how_it_ended(event.status)}{f' ({event.word})' if event.word else ''}"
    ),
    "rest": lambda event: "respawning too fast: rests for 5 minutes",
    "release": lambda event: "no longer stopped: its levels were left",
    "level": lambda event: f"stage {event.word}" if event.word in "#*" else f"level {event.word}",
    "read": lambda event: "inittab read" + (f": {event.status} refused" if event.status else ""),
}


def said(event: Event) -> str:
    """Return the event as text."""
    return _SAID[event.what](event) if event.what in _SAID else f"{event.what} requested by {event.word}"


def _process(event: Event) -> str:
    return f"process {event.pid} " if event.pid else ""


def history(values: Values) -> int:
    """Show the events; return the exit status."""
    offset = looking.boot_time()
    _, published, listed = look(values.pid)
    events = read(published.history)
    ids = {event.id for event in events if event.id in values.ids and event.id}  # also removed entries
    ids.update(item.id for item in chosen([name for name in values.ids if name not in ids], listed))
    events = [event for event in events if not ids or event.id in ids]
    if values.lines is not None:
        events = events[len(events) - min(values.lines, len(events)) :]
    if values.json:
        told = {"form": FORM, "events": [event_json(event, offset) for event in events]}
        out.write(out.as_json(told) + "\n")
        return out.DONE
    rows = [["TIME", "ID", "EVENT"]]
    for event in events:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time + offset))
        rows.append([when, event.id or "-", said(event)])
    out.write(out.table(rows, most=out.width()))
    return out.DONE


def event_json(event: Event, offset: float) -> dict[str, Any]:
    """Return the event in the form of data/history.schema.json."""
    ended, is_request = event.what == "end", event.what not in _SAID
    fields = {
        "number": event.number, "time": iso(event.time + offset), "event": event.what, "id": event.id or None,
        "pid": event.pid or None,
        **(ending(event.status) if ended else {"exit": None, "signal": None, "core": False}),
        "why": (event.word or ITSELF) if ended else None,
        "by": event.word if is_request else None,
        "level": event.word if event.what == "level" else None,
        "refused": event.status if event.what == "read" else None,
    }  # fmt: skip
    return marked(fields)
