"""Random lives of an inittab, in search of what can go wrong; and the shortest one that shows it."""

from __future__ import annotations

from sysvinit_py.inittab.actions import NEVER
from sysvinit_py.machine.rules import initdefault
from sysvinit_py.machine.stages import ENTERABLE
from sysvinit_py.simulator.language import Line, Scenario, in_order, parse
from sysvinit_py.simulator.life import letters, named_levels, simulate
from sysvinit_py.simulator.steps import BOOT
from sysvinit_py.simulator.values import duration, written_id
from sysvinit_py.simulator.world import ALL
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sysvinit_py.inittab.entry import Entry, Reading
    from sysvinit_py.simulator.life import Life

#: Of what there may be in a life besides what the scenario has, at most.
_CHILDREN, _EVENTS = 3, 4
#: Tenths of a second in which events come, and when a life ends.
_TENTHS, _END = 600, 120.0
_BEHAVIOURS = (
    "exit 0 after 0s", "exit 0 after 5s", "exit 1 after 100ms", "exit 1 after 30s", "signal 11 core after 1s",
    "runs", "ignores TERM", "hangs", "is missing", "members 2 for 3s",
)  # fmt: skip
_CALLS = {
    "power failed": "at {} power failed", "power ok": "at {} power ok", "power low": "at {} power low",
    "ctrlaltdel": "at {} ctrl-alt-del", "kbrequest": "at {} kbrequest", "resume": "at {} resume",
}  # fmt: skip

#: What can be found. Of the last two no life can be shown.
BLOCKED, ASKS, THROTTLED, FAILED = "blocked", "asks", "throttled", "failed"
NEVER_ENTERED, NEVER_STARTED = "never-entered", "never-started"


class Finding(Value):
    """Something that can go wrong."""

    kind: str
    about: str  # an id, a level, or an expectation
    text: str
    lives: int = 0  # in how many it was seen
    scenario: Scenario | None = None  # the shortest that shows it
    expectation: str = ""  # which that fails; empty: one that it has


class Dice:
    """Random numbers (SplitMix64), the same on every machine and Python."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, most: int) -> int:
        """Return a number from 0, less than this."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & (1 << 64) - 1
        z = self._state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
        z = (z ^ z >> 27) * 0x94D049BB133111EB & (1 << 64) - 1
        return (z ^ z >> 31) % most

    def one_of(self, things: Sequence[str]) -> str:
        """Return one of them."""
        return things[self.below(len(things))]


class Explorer:
    """An inittab, a scenario that all lives have in common, and what was found so far."""

    def __init__(
        self, reading: Reading, base: Sequence[Line] = (), files: Mapping[str, Reading] | None = None
    ):
        self._reading, self._files = reading, files
        self._base = [line for line in base if line.form != "end" and line.number]
        self._end = max([_END, *(line.time for line in base)])
        said = {line.values[0] for line in base if line.form.startswith("child ")}
        self._ids = [entry.id for entry in _able(reading.entries) if not said & {entry.id, ALL}]
        called = {entry.rule.event for entry in reading.entries}
        self._events = [
            *(
                f"at {{}} telinit {level}"
                for level in (*named_levels(reading.entries), *letters(reading.entries), "q")
            ),
            *(step for event, step in _CALLS.items() if event in called),
        ]
        self._seen: dict[tuple[str, str], tuple[int, list[Line]]] = {}

    def explore(self, lives: int, seed: int) -> list[Finding]:
        """Live so often; return what was found."""
        dice = Dice(seed)
        levels, started = set(), set()
        for number in range(lives):
            lines = self._random(dice) if number else self._lines()
            life = self._live(lines)
            levels |= {event.word for event in life.events if event.what == "level"}
            started |= {event.id for event in life.events if event.what == "begin"}
            for key in symptoms(life):
                count, best = self._seen.get(key, (0, lines))
                self._seen[key] = count + 1, min(best, lines, key=len)
        findings = [self._finding(key, *seen) for key, seen in self._seen.items()]
        findings += [
            Finding(NEVER_ENTERED, level, f"level {level} is never entered")
            for level in named_levels(self._reading.entries)
            if level not in levels
        ]
        findings += [
            Finding(NEVER_STARTED, entry.id, f"{entry.id} is never started")
            for entry in _able(self._reading.entries)
            if entry.id not in started
        ]
        order = (BLOCKED, ASKS, FAILED, THROTTLED, NEVER_ENTERED, NEVER_STARTED)
        return sorted(findings, key=lambda finding: (order.index(finding.kind), -finding.lives))

    def _lines(self, *texts: str) -> list[Line]:
        text = "\n".join((*texts, f"at {duration(self._end)} end"))
        return [line for line in parse(text).lines if line.number]

    def _random(self, dice: Dice) -> list[Line]:
        texts = [
            f"child {written_id(dice.one_of(self._ids))} {dice.one_of(_BEHAVIOURS)}"
            for _ in range(dice.below(_CHILDREN + 1) if self._ids else 0)
        ]
        times = sorted(dice.below(_TENTHS) for _ in range(dice.below(_EVENTS + 1)))
        texts += [dice.one_of(self._events).format(f"{tenths * 100}ms") for tenths in times]
        return self._lines(*texts)

    def _scenario(self, lines: Sequence[Line]) -> Scenario:
        prepares = [line for line in lines if line.at is None]  # not at the time of the last line before it
        return in_order([*prepares, *self._base, *(line for line in lines if line.at is not None)])

    def _live(self, lines: Sequence[Line]) -> Life:
        return simulate(self._reading, self._scenario(lines), self._files)

    def _finding(self, key: tuple[str, str], lives: int, lines: list[Line]) -> Finding:
        """Leave out of the life all that need not be in it."""
        for line in reversed(lines[:-1]):
            fewer = [other for other in lines if other is not line]
            if key in symptoms(self._live(fewer)):
                lines = fewer
        plain = [
            line if line.at in (None, self._end) else line.replace(at=10.0 * number, time=10.0 * number)
            for number, line in enumerate(lines, 1)
        ]
        if key in symptoms(self._live(plain)):
            lines = plain
        life = self._live(lines)
        return Finding(*key, symptoms(life)[key], lives, self._scenario(lines), self._expectation(*key, life))

    def _expectation(self, kind: str, about: str, life: Life) -> str:
        """Return what is so when it is mended, in whatever way."""
        if kind == BLOCKED and (held := life.blocked[about]):
            return f"expect {written_id(held[0])} held back by"
        booted = [line.values[0] for line in self._base if line.form == BOOT[0]]
        level = ENTERABLE.get(next(filter(None, booted), initdefault(self._reading.entries)))
        return {
            BLOCKED: f"expect level {level} before {duration(self._end)}"
            if level
            else f"expect {written_id(about)} ends",
            ASKS: "expect waits for",
            THROTTLED: f"expect {written_id(about)} never rests",
        }.get(kind, "")


def symptoms(life: Life) -> dict[tuple[str, str], str]:
    """Return what has gone wrong in a life: the kind, whom it is about, and a sentence."""
    found = {}
    for name, held in life.blocked.items():
        what = f"held back: {', '.join(held)}" if held else "no level is entered"
        found[BLOCKED, name] = f"{name} does not end; {what}"
    if life.asks:
        found[ASKS, ""] = "init asks for a level"
    for event in life.events:
        if event.what == "rest":
            found[THROTTLED, event.id] = f"{event.id} is started too often, and rests for 5 minutes"
    for failure in life.failures:
        found[FAILED, failure.line.step] = f"{failure.line.step}: {failure.found}"
    return found


def regression(finding: Finding) -> str:
    """Return the scenario that shows it, as a file; played again it fails until the inittab is mended."""
    return f"# {printable(finding.text)}\n{finding.scenario}{finding.expectation}\n"


def _able(entries: Sequence[Entry]) -> list[Entry]:
    """Return those that can be started at all."""
    return [entry for entry in entries if entry.command and entry.rule.when != NEVER]
