"""Results: the samples of a run, their medians and quartiles, ratios, and whether budgets are kept."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.inits import Init
from bench.packages import PackageError
from bench.tasks import Measure, Task


class Spread(NamedTuple):
    """What the samples of a measure come to."""

    low: float  # the first quartile
    median: float
    high: float  # the third

    @classmethod
    def of(cls, samples: list[float]) -> Spread:
        """Of at least one sample."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0])
        return cls(*statistics.quantiles(samples, n=4, method="inclusive"))


@dataclass
class Row:
    """A measure of a task, and its samples by the names of the inits."""

    task: Task
    measure: Measure
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The task's and the measure's."""
        return f"{self.task.name}: {self.measure.name}"

    def spread(self, init: str) -> Spread | None:
        """What an init's samples come to; None: it has none."""
        return Spread.of(self.samples[init]) if self.samples.get(init) else None

    def ratio(self, reference: str = "", init: str = "") -> float | None:
        """The median as a multiple of the reference's; None: one is missing, or it is none."""
        ours, theirs = self.spread(init or self.task.ours), self.spread(reference or self.task.theirs)
        return ours.median / theirs.median if ours and theirs and theirs.median else None

    @property
    def spent(self) -> float | None:
        """What stands against the budget: the ratio to the reference, or the median itself."""
        if self.measure.reference:
            return self.ratio(self.measure.reference)
        ours = self.spread(self.task.ours)
        return ours.median if ours else None

    @property
    def is_kept(self) -> bool | None:
        """Whether the budget is; None: there is no budget, or nothing to compare."""
        if self.measure.at_most is None or self.spent is None:
            return None
        return self.spent <= self.measure.at_most


@dataclass
class Results:
    """A run."""

    rows: list[Row]
    failures: list[str] = field(default_factory=list)  # trials that did not come to their end

    @property
    def broken(self) -> list[Row]:
        """The budgets that are not kept."""
        return [row for row in self.rows if row.is_kept is False]


def measure(
    tasks: Iterable[Task], inits: Mapping[str, Init], rounds: int, tell: Callable[[str], None]
) -> Results:
    """Run each task so many rounds, a round being one trial of each init, and collect what they say."""
    results = Results([])
    for task in tasks:
        rows = {measure.name: Row(task, measure) for measure in task.measures}
        results.rows.extend(rows.values())
        for number, init in _trials(task, inits, rounds):
            tell(f"{task.name}, round {number}: {init.name}")
            try:
                values = task.run(init)
            except (OSError, RuntimeError, PackageError) as error:
                results.failures.append(f"{task.name}, round {number}, {init.name}: {error}")
                continue
            for name, row in rows.items():
                row.samples.setdefault(init.name, []).append(values[name])
    return results


def _trials(task: Task, inits: Mapping[str, Init], rounds: int) -> Iterator[tuple[int, Init]]:
    """A B C A B C ..., so that what else the machine does meanwhile falls on all."""
    for number in range(1, min(rounds, task.rounds or rounds) + 1):
        for name in task.inits:
            if name in inits:
                yield number, inits[name]
