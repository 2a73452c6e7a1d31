"""inittab health, and the health check of a container, ``init --container --status``."""

from __future__ import annotations

import posix  # and not os, which takes 2 ms to import

from sysvinit_py.cli import looking, out
from sysvinit_py.cli.options import RefusedError
from sysvinit_py.clients.inittab.status import PROGRAM, WAITS, chosen, look
from sysvinit_py.clients.inittab.verbs import HEALTH
from sysvinit_py.linux import calls
from sysvinit_py.report.item import as_json, header_json, how_it_ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sysvinit_py.cli.options import Values
    from sysvinit_py.report.item import Item
    from sysvinit_py.report.slots import Header


def main(arguments: Sequence[str]) -> int:
    """Run ``init --container --status``; return its exit status."""
    program = HEALTH.replace(name="init --container --status", failed=out.FAILED)
    return program.run(lambda values: health(values, "init"), arguments)


def health(values: Values, program: str = PROGRAM) -> int:
    """Report what init waits for and what has failed; return 0 if there is nothing, else 1."""
    try:
        pid, published, listed = look(values.pid)
        items = chosen(values.ids, listed) if values.ids else listed
    except RefusedError as error:
        out.say(program, str(error))
        return out.FAILED
    except looking.ForeignError:
        out.say(program, "no init that publishes its status, or only root may look")
        return out.FAILED
    if values.json:
        offset = looking.boot_time()
        out.write(out.as_json(as_json(header_json(published.header, offset), items)) + "\n")
    wrong = [*_wrong(published.header, items, bool(values.ids) or _in_container(pid))]
    for reason in wrong:
        out.say(program, reason)
    return out.FAILED if wrong else out.DONE


def _in_container(pid: int) -> bool:
    return pid != 1 or posix.readlink("/proc/self/ns/pid") != calls.FIRST_PID_NAMESPACE


def _wrong(header: Header, items: list[Item], stops_count: bool) -> Iterator[str]:
    if header.stage != header.level or header.busy:
        busy = WAITS.get(header.busy, header.busy)
        yield f"init waits for {busy}" if header.stage == header.level else "init is starting"
    for item in items:
        word = item.state.word
        if not item.state.well or (word == "stopped" and stops_count):
            how = f": {how_it_ended(item.last[1])}" if item.last and word in ("failed", "throttled") else ""
            yield f"{item.id}: {word}{how}"
