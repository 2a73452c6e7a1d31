"""The order of start: what is started in each stage of an inittab, and which entry has to end before."""

from __future__ import annotations

from sysvinit_py.inittab.entry import DIGIT_LEVELS, ON_DEMAND_LEVELS
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import Job, numbered
from sysvinit_py.machine.run_queue import RunQueue
from sysvinit_py.machine.stages import BOOT, SINGLE_USER, SYSINIT
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysvinit_py.inittab.entry import Entry

STAGES = (SYSINIT, BOOT, SINGLE_USER, *DIGIT_LEVELS)
#: What those that are not levels are called in a picture.
STAGE_NAMES = {SYSINIT: "sysinit", BOOT: "boot"}


class Turn(Value):
    """The start of an entry in a stage."""

    entry: Entry
    stage: str
    after: Entry | None = None  # which has to have ended


class Order:
    """An inittab on a machine that has run nothing of it yet; what its entries do follows from the rules.

    The entries to ask about are those in ``entries``, not others that are equal.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        jobs = [Job(key, entry) for key, entry in numbered(entries)]
        self.entries = tuple(job.entry for job in jobs)
        self.default = rules.initdefault(self.entries)
        self._jobs = {id(job.entry): job for job in jobs}
        self._turns: dict[int, list[Turn]] = {entry: [] for entry in self._jobs}
        self.turns: dict[str, list[Turn]] = {}
        for stage in STAGES:
            self.turns[stage], after = [], None
            for job in RunQueue(job for job in jobs if rules.verdict(job, stage) == rules.DUE).jobs:
                turn = Turn(job.entry, stage, after)
                self.turns[stage].append(turn)
                self._turns[id(job.entry)].append(turn)
                after = job.entry if job.rule.waited else after

    def job(self, entry: Entry) -> Job:
        """Return the entry with its marks, of which none is set."""
        return self._jobs[id(entry)]

    def turns_of(self, entry: Entry) -> list[Turn]:
        """Return its starts, by stage."""
        return self._turns[id(entry)]

    def letters(self, entry: Entry) -> str:
        """Return those of a, b and c that start it."""
        can_start = rules.verdict(self.job(entry), SYSINIT) != rules.EMPTY
        return "".join(letter for letter in ON_DEMAND_LEVELS if can_start and rules.answers(entry, letter))

    def on_event(self, entry: Entry) -> list[str]:
        """Return the stages in which its event starts it."""
        return [stage for stage in STAGES if rules.verdict(self.job(entry), stage) == rules.NOT_TRIGGERED]

    def ends_in(self, entry: Entry) -> list[str]:
        """Return the levels in which its process is ended."""
        return [stage for stage in STAGES[2:] if rules.must_end(self.job(entry), stage)]

    def never(self, entry: Entry) -> str:
        """Return why it is never started; empty: it can be."""
        if self.turns_of(entry) or self.letters(entry) or self.on_event(entry):
            return ""
        if rules.verdict(self.job(entry), SYSINIT) == rules.EMPTY:
            return "it has no command" if not entry.command else f"its action is {entry.action}"
        return f"its runlevels, {entry.runlevels}, name no level in which {entry.action} entries are started"
