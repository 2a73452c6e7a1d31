"""inittab graph: the order of start, drawn."""

from __future__ import annotations

from sysvinit_py.cli import out
from sysvinit_py.clients.inittab.files import sources_of
from sysvinit_py.clients.inittab.plan import NAME
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import gather
from sysvinit_py.report import graph as drawing
from sysvinit_py.report.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sysvinit_py.cli.options import Values


def graph(values: Values) -> int:
    """Draw it; return the exit status."""
    reading = interpret(sources_of(values.file) if values.file else gather())
    out.say(NAME, *map(str, reading.problems))
    order = Order(reading.entries)
    if values.format == "matrix":
        out.write(out.table(drawing.matrix(order), most=out.width()))
    else:
        out.write(getattr(drawing, values.format)(drawing.graph(order)))
    return out.DONE
