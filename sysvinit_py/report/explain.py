"""What entries do, in sentences that follow from the table of actions and the machine's rules."""

from __future__ import annotations

from sysvinit_py.inittab.actions import AT_BOOT, AT_SYSINIT, IN_LEVEL, ON_EVENT
from sysvinit_py.inittab.getty import terminal_of
from sysvinit_py.machine import limits, rules
from sysvinit_py.machine.stages import BOOT, ENTERABLE, SINGLE_USER, SYSINIT
from sysvinit_py.report.order import STAGES, Turn
from sysvinit_py.report.plan import booted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from sysvinit_py.inittab.entry import Entry, Problem, Reading
    from sysvinit_py.report.order import Order

#: When an event of inittab.actions starts entries.
EVENTS = {
    "power failed": "when the power fails",
    "power ok": "when the power is back",
    "power low": "when the power fails and the battery is low",
    "ctrlaltdel": "when Ctrl-Alt-Del is pressed",
    "kbrequest": "when the key for kbrequest is pressed on the console",
    "resume": "when the machine resumes from suspend",
}
STAGE_NAMES = {SYSINIT: "Sysinit entries", BOOT: "Boot entries"}
_AT_BOOT = {
    AT_SYSINIT: "Started once, at boot, before the entries of all other actions.",
    AT_BOOT: "Started once, at boot, when the sysinit entries have ended.",
}


def explain(entry: Entry, order: Order) -> str:
    """Return what an entry of the order does, a sentence on each line."""
    return "\n".join(filter(None, (sentence(entry, order) for sentence in _SENTENCES)))


def fields(entry: Entry) -> dict[str, Any]:
    """Return the fields of an entry, and where it is, by names that do not change."""
    return {
        "id": entry.id, "action": entry.action, "levels": entry.stages, "file": entry.file or None,
        "line": entry.line or None, "command": entry.command,
    }  # fmt: skip


def facts(entry: Entry, order: Order) -> dict[str, Any]:
    """Return what the sentences are made of, by names that do not change."""
    return {
        **fields(entry),
        "never": order.never(entry) or None,
        "stages": [turn.stage for turn in order.turns_of(entry)],
        "after": {turn.stage: turn.after.id for turn in order.turns_of(entry) if turn.after},
        "letters": [*order.letters(entry)],
        "event": entry.rule.event or None, "event_levels": order.on_event(entry),
        "waited": entry.rule.waited, "again": entry.rule.again,
        "ended_in": [] if order.never(entry) else order.ends_in(entry),
        "text": explain(entry, order),
    }  # fmt: skip


def title(entry: Entry) -> str:
    """Return the line above the sentences."""
    place = f", {entry.place}" if entry.file else ", added by init"
    return f"{entry.id}  {entry.action}{place}: {entry.process or 'no command'}"


def refused(problem: Problem) -> str:
    """Return the same for a line that is not an entry."""
    return f"{problem.file}[{problem.line}]\nNever started: init refuses the line.\n{problem.reason}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words as a list in a sentence."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def levels(stages: Sequence[str], last: str = "and") -> str:
    """Return levels as a list in a sentence."""
    others = [level for level in STAGES[2:] if level not in stages]
    if len(others) > len(stages):
        return f"level {listed(stages, last)}"
    return f"any level but {listed(others, 'and')}" if others else "any level"


def boot(reading: Reading, level: str = "") -> tuple[str, list[Turn]]:
    """Return the level that a boot comes to (empty: init asks for one), and what it starts, in order."""
    world = booted(reading, level)
    turns: list[Turn] = []
    before = None
    for stage, job in world.started:
        if turns and turns[-1].stage != stage:
            before = None
        turns.append(Turn(job.entry, stage, before))
        before = job.entry if job.rule.waited else before
    return "" if world.machine.asking else world.machine.position.stage, turns


def boot_text(reached: str, turns: Sequence[Turn], order: Order) -> str:
    """Return the same in words: a line for each start, below one for each stage."""
    lines, stage = ["Boot"], ""
    for number, turn in enumerate(turns, 1):
        if turn.stage != stage:
            stage = turn.stage
            lines.append(STAGE_NAMES.get(stage, f"Level {stage}"))
        after = f", when {turn.after.id} has ended" if turn.after else ""
        waited = "; init waits for its end" if turn.entry.rule.waited else ""
        lines.append(f"    {number}. {turn.entry.id} is started{after}{waited}: {turn.entry.command}")
    ids = {id(turn.entry) for turn in turns if turn.stage == reached}
    if held := [turn.entry.id for turn in order.turns.get(reached, ()) if id(turn.entry) not in ids]:
        lines.append(f"    Not before its end: {listed(held)}")
    lines.append(f"Init stays in level {reached}." if reached else "Init asks on the console for a level.")
    return "\n".join(lines)


def _when(entry: Entry, order: Order) -> str:
    when, named = entry.rule.when, [turn.stage for turn in order.turns_of(entry)]
    if entry.action == "initdefault":
        return _default(entry, order)
    if reason := order.never(entry):
        return f"Never started: {reason}."
    if when in _AT_BOOT:
        return _AT_BOOT[when]
    if when == ON_EVENT:
        there = order.on_event(entry)
        when = f"{EVENTS[entry.rule.event]}, in {levels(there, 'or')}"
        return f"Started {when}; elsewhere it waits until such a level is entered."
    ways = [f"when {levels(named, 'or')} is entered"] if named else []
    if letters := order.letters(entry):
        ways.append(f"by telinit {listed(letters, 'or')} in any level but S")
    return f"Started {listed(ways, 'and')}."


def _default(entry: Entry, order: Order) -> str:
    first = next(other for other in order.entries if other.action == entry.action)
    if first is not entry:
        return f"Never used: the first initdefault entry counts, {first.place}."
    if order.default not in ENTERABLE:
        return f"Names no level that there is ({order.default}): at boot, init asks for one on the console."
    return f"Starts nothing, and names the level to boot to: {ENTERABLE[order.default]}."


def _not_at_boot(entry: Entry, order: Order) -> str:
    booted = [SYSINIT, BOOT, ENTERABLE.get(order.default, "")]
    is_of_level = entry.rule.when == IN_LEVEL and not order.never(entry)
    if not is_of_level or booted[-1] == "" or any(turn.stage in booted for turn in order.turns_of(entry)):
        return ""
    return f"Not started by a boot to level {booted[-1]}, the default."


def _turn(entry: Entry, order: Order) -> str:
    turns = order.turns_of(entry)
    stages: dict[str, list[str]] = {}
    for turn in turns:
        if turn.after:
            stages.setdefault(turn.after.id, []).append(turn.stage)
    everywhere = [len(where) for where in stages.values()] == [len(turns)]
    waits = [before if everywhere else f"{before} in {levels(where)}" for before, where in stages.items()]
    return f"It waits for the end of {listed(waits)}." if waits else ""


def _waited(entry: Entry, order: Order) -> str:
    if order.never(entry):
        return ""
    if entry.rule.waited:
        return "What comes after it is started when it has ended."
    return "Nothing waits for its end."


def _again(entry: Entry, order: Order) -> str:
    if order.never(entry) or entry.rule.when in _AT_BOOT:
        return ""
    if entry.rule.again:
        return (
            f"Started again whenever it ends; after {limits.STARTS_ALLOWED} starts in"
            f" {limits.WINDOW:g} s it rests for {limits.REST:g} s."
        )
    if entry.rule.when == ON_EVENT:
        return "Run once for each of these events."
    left = "after a level that it does not name"
    if letters := order.letters(entry):
        request = f"by telinit {listed(letters, 'or')}"
        both = f" or {left}; but if telinit has started it, after level {SINGLE_USER} only"
        left = request + (both if order.turns_of(entry) else "")
    return f"Run once: again only {left}."


def _ends(entry: Entry, order: Order) -> str:
    if order.never(entry):
        return ""
    ends = order.ends_in(entry)
    if not ends:
        return "No change of level ends it."
    signals = f"SIGTERM, and SIGKILL {limits.WAIT_TIME:g} s later"
    if entry.rule.when in _AT_BOOT:
        return f"A level that is requested before it has ended ends it: {signals}."
    letters = order.letters(entry)
    if letters and not order.turns_of(entry):
        ends = [SINGLE_USER]
    told = f"Entering {levels(ends, 'or')} ends it: {signals}"
    if letters and order.turns_of(entry):
        then = "no level" if entry.in_s else f"level {SINGLE_USER} only"
        told += f"; but if telinit {listed(letters, 'or')} has started it, {then}"
    return f"{told}."


def _how(entry: Entry, order: Order) -> str:
    if order.never(entry):
        return ""
    told = ["/bin/sh runs the command" if entry.by_shell else "No shell is needed for the command"]
    if any(rules.owns_console(entry, turn.stage) for turn in order.turns_of(entry)):
        told.append("the console is its controlling terminal")
    if terminal := terminal_of(entry):
        told.append(f"it is not started before {terminal} exists")
    if not entry.accounting:
        told.append("no record of it is written to utmp and wtmp")
    if entry.options.text:
        told.append(f"comments say of it: {entry.options.text}")
    return f"{'; '.join(told)}."


_SENTENCES: tuple[Callable[[Entry, Order], str], ...] = (
    _when, _not_at_boot, _turn, _waited, _again, _ends, _how,
)  # fmt: skip
