"""inittab diff: what init would end, start and leave; and the same for explain and edit."""

from __future__ import annotations

import sys
import time

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients.inittab.files import source_of
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import gather
from sysvinit_py.linux.terminals import missing
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.stages import ENTERABLE
from sysvinit_py.report import plan
from sysvinit_py.report.item import marked
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysvinit_py.cli.options import Values
    from sysvinit_py.inittab.entry import Reading
    from sysvinit_py.inittab.sources import Source
    from sysvinit_py.report.plan import Step, World

NAME = "inittab"
_HEADER = ("WHAT", "ID", "ACTION", "PID", "COMMAND", "WHY")
_COLOURS = {plan.END: "31", plan.START: "32", plan.LEAVE: ""}


def diff(values: Values) -> int:
    """Show what reading another inittab would do; return the exit status, as diff(1) does."""
    if len(values.files) not in (0, 2):
        raise UsageError("either no file, or two: the old one and the new one")
    if values.files:
        old, new = map(_of_file, values.files)
        world = plan.booted(old, values.level or "")
        if world.machine.asking or (stage := world.machine.position.stage) not in ENTERABLE:
            raise RefusedError(f"{values.files[0]}: no level to boot to: name one with --level")
        title = f"with {values.files[1]} instead of {values.files[0]}, in level {stage}"
    else:
        if values.level:
            raise UsageError("argument --level: only with two files")
        new = read(gather())
        world, title = of_running(new), "telinit q"
    return show(world.plan(ev.RereadRequested(), new), title, as_json=values.json)


def effect(sources: Sequence[Source]) -> list[Step] | None:
    """Return what telinit q would do with these sources, or None if that is unknown."""
    try:
        reading = interpret(tuple(sources))
        return of_running(reading).plan(ev.RereadRequested(), reading)
    except RefusedError:
        return None


def show(steps: list[Step], title: str, *, as_json: bool = False) -> int:
    """Print what would happen; return 1 if something would."""
    happens = any(step.what != plan.LEAVE for step in steps)
    if as_json:
        names = ("what", "id", "action", "pid", "command", "why")
        listed = [marked(dict(zip(names, _fields(step), strict=True))) for step in steps]
        out.write(out.as_json({"form": 1, "steps": listed}) + "\n")
        return out.FAILED if happens else out.DONE
    said = "would end and start" if happens else "would end and start nothing"
    out.write(printable(f"{title}: {said}") + "\n")
    rows = [
        _HEADER,
        *(["-" if cell in ("", None) else str(cell) for cell in _fields(step)] for step in steps),
    ]
    colours = ["1", *(_COLOURS[step.what] for step in steps)] if out.coloured(sys.stdout) else ()
    out.write(out.table(rows, right=[_HEADER.index("PID")], most=out.width(), colours=colours))
    return out.FAILED if happens else out.DONE


def _fields(step: Step) -> tuple[str | int | None, ...]:
    entry = step.entry
    return step.what, entry.id, entry.action, step.pid, entry.command, step.why


def read(sources: Sequence[Source]) -> Reading:
    """Return what init would read from the sources, and report what it would refuse. Raises RefusedError."""
    reading = interpret(tuple(sources))
    for problem in reading.problems:
        out.say(NAME, str(problem))
    if not reading.complete:
        raise RefusedError("init would not act on it, and go on with what it has read before")
    return reading


def _of_file(path: str) -> Reading:
    return read([source_of(path)])


def of_running(reading: Reading) -> World:
    """Return a simulated world in the state of process 1. Raises RefusedError."""
    try:
        _, published = looking.look(1)
    except looking.CannotLookError as error:
        raise RefusedError(str(error)) from None
    except looking.ForeignError:
        raise RefusedError("process 1 publishes no status: it is another init, or an older version") from None
    return plan.running(published, reading, time.clock_gettime(time.CLOCK_BOOTTIME), missing)
