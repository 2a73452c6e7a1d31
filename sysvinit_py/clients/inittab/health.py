"""Whether all is as it should be: ``init --container --status``, a container's health check."""

from __future__ import annotations

import time

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import Option, Program, Values
from sysvinit_py.report.item import as_json, header_json, items
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sysvinit_py.report.item import Item
    from sysvinit_py.report.slots import Header

#: What an entry is not to be.
_ILL = ("failed", "throttled", "no-terminal", "pending", "restarting", "stopped")

HEALTH = Program(
    "init --container --status",
    "tell whether all that is to run does, and nothing has failed",
    (
        Option("ids", "ID", "only these entries", many=True),
        Option("--json", help="as JSON, for programs"),
    ),
    failed=out.FAILED,
)


def main(arguments: Sequence[str]) -> int:
    """Return 0 if all is well, else 1, with the reasons on standard error; 2: wrong arguments."""
    return HEALTH.run(health, arguments)


def health(values: Values) -> int:
    """Look, and tell what is not well."""
    offset = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        _, published = looking.look()
    except looking.CannotLookError as error:
        return _ill([str(error)])
    except looking.ForeignError:
        return _ill(["no init of a container is found, or only root may look"])
    listed = [*items(published, offset)]
    unknown = [name for name in values.ids if name not in [item.id for item in listed]]
    chosen = [item for item in listed if item.id in values.ids or not values.ids]
    if values.json:
        out.write(out.as_json(as_json(header_json(published.header, offset), chosen)) + "\n")
    reasons = [f"{name}: no such entry" for name in unknown]
    return _ill([*reasons, *_reasons(published.header, chosen)])


def _reasons(header: Header, chosen: list[Item]) -> Iterator[str]:
    if header.stage != header.level or header.busy:
        yield "init is starting" if header.stage != header.level else f"init waits for {header.busy}"
    for item in chosen:
        if item.state.word in _ILL:
            yield f"{item.id}: {item.state.word}"


def _ill(reasons: list[str]) -> int:
    for reason in reasons:
        out.say("init", printable(reason))
    return out.FAILED if reasons else out.DONE
