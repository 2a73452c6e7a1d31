"""``python -m bench.pairs OLD NEW``: whether one build of our init takes more CPU than another.

Both run each task in turn, so that what else the machine does hits both. Of the ratios new to old the median
is printed, and in which interval it lies with a probability of 95 % (bootstrap).
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.inits import Ours
from bench.tasks import TASKS

CPU = "CPU of PID 1"
SAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path, help="a dist/init")
    parser.add_argument("new", type=Path, help="another")
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--tasks", nargs="+", default=["respawn", "switch, 100 to end"], metavar="NAME")
    arguments = parser.parse_args()
    inits = [Ours(file.absolute()) for file in (arguments.old, arguments.new)]
    runs = {task.name: task.run for task in TASKS if task.name in arguments.tasks}
    pairs: dict[str, list[list[float]]] = {name: [] for name in runs}
    for _ in range(arguments.pairs):
        for name, run in runs.items():
            pairs[name].append([run(init)[CPU] for init in inits])
    for name, measured in pairs.items():
        old, new = (statistics.median(values) for values in zip(*measured, strict=True))
        middle, low, high = interval([new / old for old, new in measured])
        print(f"{name:24} old {old:8.2f}  new {new:8.2f}  ratio {middle:.3f} ({low:.3f} to {high:.3f})")


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, and the ends of its 95 % interval."""
    medians = [statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(SAMPLES)]
    ends = statistics.quantiles(medians, n=40)
    return statistics.median(ratios), ends[0], ends[-1]


if __name__ == "__main__":
    main()
