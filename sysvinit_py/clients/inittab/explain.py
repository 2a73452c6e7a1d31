"""inittab explain: what another level would do, and what an inittab does, in sentences."""

from __future__ import annotations

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients.inittab import plan
from sysvinit_py.inittab.parser import BLANKS
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import MAX_BYTES, Source, gather
from sysvinit_py.linux.beneath import named_file, read
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
    from typing import Any

    from sysvinit_py.cli.options import Values
    from sysvinit_py.inittab.entry import Entry, Problem, Reading

_BOOT = "boot"
STDIN = "-"


def explain(values: Values) -> int:
    """Explain it; return the exit status: of a change as diff(1) does."""
    begun = getattr(values, "from")
    if values.file is None:
        if values.to is None or begun:
            raise UsageError(
                "the following arguments are required: " + ("FILE" if begun else "--to, or FILE")
            )
        reading = plan.read(gather())
        steps = plan.of_running(reading).plan(ev.LevelRequested(values.to, WAIT_TIME), reading)
        return plan.show(steps, f"telinit {values.to}", as_json=values.json)
    if values.what is not None and (begun or values.to):
        raise UsageError("argument ID: not with --from and --to")
    if begun and not values.to:
        raise UsageError("the following arguments are required: --to")
    source = source_of(values.file)
    reading = interpret((source,))
    if values.to:
        return _switch(values, reading, begun or "")
    return _entries(values, reading, source)


def source_of(word: str) -> Source:
    """Return the bytes of a file, or of standard input. Raises OSError."""
    if word == STDIN:
        return Source("<stdin>", read(0, MAX_BYTES, "<stdin>"))
    return Source(word, named_file(word).read(MAX_BYTES)[0])


def _switch(values: Values, reading: Reading, begun: str) -> int:
    out.say(plan.NAME, *map(str, reading.problems))
    world = booted(reading, begun)
    stage = world.machine.position.stage
    if world.machine.asking or stage not in ENTERABLE:
        raise RefusedError(f"{values.file}: no level to boot to: name one with --from")
    steps = world.plan(ev.LevelRequested(values.to, WAIT_TIME), reading)
    return plan.show(steps, f"telinit {values.to} in level {stage}", as_json=values.json)


def _entries(values: Values, reading: Reading, source: Source) -> int:
    order = Order(reading.entries)
    lines = source.data.split(b"\n")
    refused = {problem: _id(lines, problem) for problem in reading.problems if problem.line}
    out.say(plan.NAME, *(str(problem) for problem in reading.problems if problem not in refused))
    wanted = values.what
    entries = [entry for entry in order.entries if wanted in (None, entry.id)]
    problems = [problem for problem, entry_id in refused.items() if wanted in (None, entry_id)]
    told: dict[str, object] = {}
    paragraphs: list[str] = []
    if wanted == _BOOT:
        reached, turns = words.boot(reading)
        paragraphs.append(words.boot_text(reached, turns, order))
        told = {"level": reached or None, "boot": [
            marked({
                "stage": turn.stage, "id": turn.entry.id, "after": turn.after.id if turn.after else None,
                "waited": turn.entry.rule.waited, "command": turn.entry.command,
            })
            for turn in turns
        ]}  # fmt: skip
    elif wanted is not None and not (entries or problems):
        raise RefusedError(f"{values.file}: no line has this id: {wanted}")
    if values.json:
        told |= {
            "entries": [_facts(entry, order) for entry in entries],
            "refused": [marked({"file": p.file, "line": p.line, "reason": p.reason}) for p in problems],
        }
        out.write(out.as_json({"form": FORM, **told}) + "\n")
        return out.DONE
    paragraphs += [f"{words.title(entry)}\n{words.explain(entry, order)}" for entry in entries]
    paragraphs += map(words.refused, problems)
    shown = ("\n    ".join(map(printable, paragraph.split("\n"))) for paragraph in paragraphs)
    out.write("\n\n".join(shown) + "\n")
    return out.DONE


def _facts(entry: Entry, order: Order) -> dict[str, Any]:
    facts = words.facts(entry, order)
    return marked(facts | {"after": marked(facts["after"])})


def _id(lines: list[bytes], problem: Problem) -> str:
    """Return the id of a line that is refused."""
    text = lines[problem.line - 1].decode("utf-8", "surrogateescape")
    return text.lstrip(BLANKS).partition(":")[0]
