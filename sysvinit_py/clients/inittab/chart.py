"""inittab chart: the boot, or a change of level, as bars."""

from __future__ import annotations

import time

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients.inittab.status import look
from sysvinit_py.report import chart as drawing
from sysvinit_py.report.history import read
from sysvinit_py.report.item import FORM, iso, marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.cli.options import Values


def chart(values: Values) -> int:
    """Draw it; return the exit status."""
    if values.svg and values.json:
        raise UsageError("argument --svg: not with --json")
    _, published, _ = look(values.pid)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    entries = [entry for entry, _ in published.slots]
    drawn = drawing.chart(read(published.history), entries, now, values.to or "")
    what = f"change to level {values.to}" if values.to else "boot"
    if drawn is None:
        raise RefusedError(f"{what}: not among the events that init keeps")
    title = f"{what}: {drawn.end - drawn.begin:.3f} s"
    if values.json:
        told = {"form": FORM, "to": values.to, "begin": iso(drawn.begin + looking.boot_time())}
        facts = drawing.facts(drawn)
        facts["bars"] = [*map(marked, facts["bars"])]
        out.write(out.as_json(told | facts) + "\n")
    elif values.svg:
        out.write(drawing.svg(drawn, title))
    else:
        out.write(f"{title}\n" + out.table(drawing.rows(drawn), right=(1, 2, 3), most=out.width()))
    return out.DONE
