"""inittab explain: what another level would do, and what an inittab does, in sentences."""

from __future__ import annotations

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients.inittab import plan
from sysvinit_py.clients.inittab.files import sources_of
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import gather
from sysvinit_py.machine import events as ev
from sysvinit_py.machine.limits import WAIT_TIME
from sysvinit_py.machine.stages import ENTERABLE
from sysvinit_py.report import explain as words
from sysvinit_py.report.item import FORM, marked
from sysvinit_py.report.order import Order
from sysvinit_py.report.plan import booted
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sysvinit_py.cli.options import Values
    from sysvinit_py.clients.inittab.contained import InContainer
    from sysvinit_py.inittab.entry import Entry, Problem, Reading
    from sysvinit_py.inittab.sources import Source
    from sysvinit_py.report.order import Turn

_BOOT = "boot"


def explain(values: Values) -> int:
    """Explain it; return the exit status: of a change as diff(1) does."""
    begun = getattr(values, "from")
    if values.file is None:
        if values.to is None or begun or values.container:
            raise UsageError(
                "the following arguments are required: "
                + ("FILE" if begun or values.container else "--to, or FILE")
            )
        reading = plan.read(gather())
        steps = plan.of_running(reading).plan(ev.LevelRequested(values.to, WAIT_TIME), reading)
        return plan.show(steps, f"telinit {values.to}", as_json=values.json)
    for name, given in (("ID", values.what is not None), ("--container", values.container)):
        if given and (begun or values.to):
            raise UsageError(f"argument {name}: not with --from and --to")
    if begun and not values.to:
        raise UsageError("the following arguments are required: --to")
    sources = sources_of(values.file)
    reading = interpret(sources)
    if values.to:
        return _switch(values, reading, begun or "")
    return _entries(values, reading, sources)


def _switch(values: Values, reading: Reading, begun: str) -> int:
    out.say(plan.NAME, *map(str, reading.problems))
    world = booted(reading, begun)
    stage = world.machine.position.stage
    if world.machine.asking or stage not in ENTERABLE:
        raise RefusedError(f"{values.file}: no level to boot to: name one with --from")
    steps = world.plan(ev.LevelRequested(values.to, WAIT_TIME), reading)
    return plan.show(steps, f"telinit {values.to} in level {stage}", as_json=values.json)


class OnMachine:
    """What an inittab means to the init of a machine."""

    level = ""  # that of a boot; empty: initdefault's
    refusals: Sequence[str] = ()  # why nothing of it is started

    def __init__(self, order: Order) -> None:
        self.order = order

    def explain(self, entry: Entry) -> str:
        """Return what an entry does, a sentence on each line."""
        return words.explain(entry, self.order)

    def facts(self, entry: Entry) -> dict[str, Any]:
        """Return the same by names that do not change."""
        facts = words.facts(entry, self.order)
        return facts | {"after": marked(facts["after"])}


def _meaning(reading: Reading, container: bool) -> OnMachine | InContainer:
    if not container:
        return OnMachine(Order(reading.entries))
    # Imported only here: it brings the init of containers.
    from sysvinit_py.clients.inittab.contained import InContainer

    return InContainer(reading)


def _entries(values: Values, reading: Reading, sources: Sequence[Source]) -> int:
    lines = {source.path: source.data.split(b"\n") for source in sources}
    refused = {problem: _id(lines[problem.file], problem) for problem in reading.problems if problem.line}
    out.say(plan.NAME, *(str(problem) for problem in reading.problems if problem not in refused))
    meaning, wanted = _meaning(reading, values.container), values.what
    entries = [entry for entry in meaning.order.entries if wanted in (None, entry.id)]
    problems = [problem for problem, entry_id in refused.items() if wanted in (None, entry_id)]
    told: dict[str, object] = {}
    paragraphs: list[str] = []
    if meaning.refusals and wanted in (None, _BOOT):
        told = {"not_started": [*map(printable, meaning.refusals)]}
        paragraphs.append("\n".join(("The container is not started.", *meaning.refusals)))
    elif wanted == _BOOT:
        reached, turns = words.boot(reading, meaning.level)
        paragraphs.append(words.boot_text(reached, turns, meaning.order))
        told = _boot_facts(reached, turns)
    elif wanted is not None and not (entries or problems):
        raise RefusedError(f"{values.file}: no line has this id: {wanted}")
    if values.json:
        told |= {
            "entries": [marked(meaning.facts(entry)) for entry in entries],
            "refused": [marked({"file": p.file, "line": p.line, "reason": p.reason}) for p in problems],
        }
        out.write(out.as_json({"form": FORM, **told}) + "\n")
        return out.DONE
    paragraphs += [f"{words.title(entry)}\n{meaning.explain(entry)}" for entry in entries]
    paragraphs += map(words.refused, problems)
    shown = ("\n    ".join(map(printable, paragraph.split("\n"))) for paragraph in paragraphs)
    out.write("\n\n".join(shown) + "\n")
    return out.DONE


def _boot_facts(reached: str, turns: Sequence[Turn]) -> dict[str, object]:
    return {"level": reached or None, "boot": [
        marked({
            "stage": turn.stage, "id": turn.entry.id, "after": turn.after.id if turn.after else None,
            "waited": turn.entry.rule.waited, "command": turn.entry.command,
        })
        for turn in turns
    ]}  # fmt: skip


def _id(lines: list[bytes], problem: Problem) -> str:
    """Return the id of a line that is refused."""
    text = lines[problem.line - 1].decode("utf-8", "surrogateescape")
    return text.lstrip(BLANKS).partition(":")[0]
