"""A boot, or a change of level, as bars: how long each process ran, and how long it held up others.

Made from the events that init publishes: the first process of each entry that was started, and what had to
end before.
"""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_SYSINIT
from sysvinit_py.machine.job import ACTION_CHANGED, ENTRY_GONE, LEVEL_LEFT
from sysvinit_py.report.order import STAGE_NAMES, Order
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.report.history import Event

#: Why a process is ended by a change of level: nothing is started before.
_ENDED = (LEVEL_LEFT, ENTRY_GONE, ACTION_CHANGED)
#: Of the drawing: rows, names, bars; columns of bars in text.
_ROW, _NAMES, _BARS, _COLUMNS = 20, 160, 800, 40


class Bar(Value):
    """A process. Times are those of the events."""

    id: str
    command: str
    began: float
    ended: float | None  # None: it still runs
    waited: bool  # others wait for its end
    held: float = 0.0  # seconds that others waited for its end


class Chart(Value):
    """What happened from one time to another, and the stages entered in between."""

    begin: float
    end: float
    bars: tuple[Bar, ...]
    stages: tuple[tuple[float, str], ...]


def chart(events: Sequence[Event], entries: Iterable[Entry], now: float, level: str = "") -> Chart | None:
    """Return the boot, or the last change to a level; None if the events do not go back to it."""
    window = _window(events, level or AT_SYSINIT)
    if not window:
        return None
    known: dict[str, Entry] = {}
    order = Order(entries)
    for entry in order.entries:
        known.setdefault(entry.id, entry)
    stages = tuple((event.time, event.word) for event in window if event.what == "level")
    waiting = {turn.after.id for turn in order.turns.get(stages[-1][1], ()) if turn.after}
    due = {turn.entry.id for _, stage in stages for turn in order.turns.get(stage, ())}
    bars = _held([*_bars(window, known, due)], now, waiting)
    settled = [bar.began if not bar.waited else now if bar.ended is None else bar.ended for bar in bars]
    return Chart(window[0].time, max([*settled, stages[-1][0]]), bars, stages)


def _window(events: Sequence[Event], stage: str) -> Sequence[Event]:
    """Return the events from the last entering of a stage to that of the next level, or all after it.

    What is started when the inittab was read once more is not part of it.
    """
    start = max(
        (at for at, event in enumerate(events) if (event.what, event.word) == ("level", stage)), default=None
    )
    if start is None:
        return ()
    is_level = has_begun = False
    for at, event in enumerate(events[start:], start):
        entered = event.what == "level" and event.word not in STAGE_NAMES
        if is_level and (entered or (has_begun and event.what == "read")):
            return events[start:at]
        is_level = is_level or entered
        has_begun = is_level and (has_begun or event.what == "begin")
    return events[start:]


def _bars(window: Sequence[Event], known: dict[str, Entry], due: Collection[str]) -> Iterator[Bar]:
    """Yield the first process of each entry that was due, or is not known, and those that had to end."""
    ends = {event.pid: event for event in window if event.what == "end" and event.pid}
    pids = {event.pid for event in window if event.what == "begin"}
    begun = known.keys() - due
    for event in window:
        is_end = event.what == "end"
        entry = known.get(event.id)
        command = entry.command if entry else ""
        if is_end and event.pid and event.pid not in pids:
            if event.word in _ENDED:
                yield Bar(event.id, command, window[0].time, event.time, waited=True)
            begun.add(event.id)  # what follows is a restart
        elif event.what in ("begin", "end") and event.id not in begun:
            begun.add(event.id)
            end = event if is_end else ends.get(event.pid)
            waited = entry is not None and entry.rule.waited
            yield Bar(event.id, command, event.time, end.time if end else None, waited)


def _held(bars: Collection[Bar], now: float, waiting: Collection[str]) -> tuple[Bar, ...]:
    """Return the bars, with how long each held up others: those that began after it, or still wait."""
    last = max((bar.began for bar in bars), default=0.0)

    def held(bar: Bar) -> float:
        if bar.ended is None:
            return now - bar.began if bar.waited and bar.id in waiting else 0.0
        return bar.ended - bar.began if bar.waited and bar.ended <= last else 0.0

    return tuple(bar.replace(held=held(bar)) for bar in bars)


def facts(drawn: Chart) -> dict[str, Any]:
    """Return it for programs; times are seconds from its beginning."""

    def at(time: float | None) -> float | None:
        return None if time is None else round(time - drawn.begin, 6)

    return {
        "seconds": at(drawn.end),
        "stages": [{"time": at(time), "stage": stage} for time, stage in drawn.stages],
        "bars": [
            {
                "id": bar.id, "command": bar.command or None, "began": at(bar.began), "ended": at(bar.ended),
                "waited": bar.waited, "held": round(bar.held, 6),
            }
            for bar in drawn.bars
        ],
    }  # fmt: skip


def rows(drawn: Chart) -> Iterator[list[str]]:
    """Yield a header and a row for each bar, as text: ``#`` held up others, ``=`` did not, ``>`` goes on."""
    yield ["ID", "BEGAN", "RAN", "HELD-UP", "".ljust(_COLUMNS), "COMMAND"]
    for bar in drawn.bars:
        start, size = _place(drawn, bar, _COLUMNS - 1)
        line = " " * int(start) + ("#" if bar.held else "=") * max(1, round(size))
        ran = "-" if bar.ended is None else f"{bar.ended - bar.began:.3f}"
        yield [
            bar.id, f"{bar.began - drawn.begin:.3f}", ran, f"{bar.held:.3f}" if bar.held else "-",
            line[:_COLUMNS] if _ends_in(drawn, bar) else line[: _COLUMNS - 1] + ">", bar.command or "-",
        ]  # fmt: skip


def _ends_in(drawn: Chart, bar: Bar) -> bool:
    return bar.ended is not None and bar.ended <= drawn.end


def _place(drawn: Chart, bar: Bar, width: float) -> tuple[float, float]:
    """Return where a bar begins, and how long it is, on a scale of the whole."""
    start = _at(drawn, bar.began, width)
    return start, max(0.0, _at(drawn, drawn.end if bar.ended is None else bar.ended, width) - start)


def _at(drawn: Chart, when: float, width: float) -> float:
    whole = drawn.end - drawn.begin
    return width * min(1.0, max(0.0, (when - drawn.begin) / whole)) if whole > 0 else 0.0


def svg(drawn: Chart, title: str) -> str:
    """Return the chart as SVG."""
    height = _ROW * (len(drawn.bars) + 3)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_NAMES + _BARS + 300}" height="{height}"'
        f' font-family="sans-serif" font-size="12">',
        f"<title>{_xml(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        _label(4, _ROW - 6, title),
    ]
    for when, stage in drawn.stages:
        x = _NAMES + _at(drawn, when, _BARS)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_ROW}" y2="{height}" stroke="#bbb"/>')
        lines.append(_label(x + 2, 2 * _ROW - 6, STAGE_NAMES.get(stage, f"level {stage}")))
    for number, bar in enumerate(drawn.bars, 2):
        start, size = _place(drawn, bar, _BARS)
        y = number * _ROW
        ran = "runs" if bar.ended is None else f"ran {bar.ended - bar.began:.3f} s"
        held = f", held up others for {bar.held:.3f} s" if bar.held else ""
        lines += [
            _label(4, y + _ROW - 6, bar.id),
            f'<rect x="{_NAMES + start:.1f}" y="{y + 2}" width="{max(size, 1.0):.1f}" height="{_ROW - 4}"'
            f' fill="{"#c44" if bar.held else "#69c"}"><title>{_xml(bar.command)}</title></rect>',
            _label(_NAMES + start + 4, y + _ROW - 6, f"{bar.id}: {ran}{held}"),
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{_xml(text)}</text>'


def _xml(text: str) -> str:
    return printable(text).translate({ord(c): f"&#{ord(c)};" for c in "&<>\"'"})
