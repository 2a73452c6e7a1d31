"""The picture: each init's median as a multiple of sysvinit's, and how cost grows; SVG and PNG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from bench.results import Results, Row
from bench.tasks import BARE, BY_GRAMMAR, MODULES, OURS, SYSVINIT

COLOURS = {
    OURS: "#2a6f97", BY_GRAMMAR: "#89c2d9", SYSVINIT: "#8d99ae", "busybox": "#e09f3e", "runit": "#9e2a2b",
    "tini": "#606c38", BARE: "#bcb8b1", MODULES: "#6b705c",
}  # fmt: skip

#: Tasks that differ in one size: how the cost grows with it. Title, measure, and the tasks by their sizes.
GROWTH = (
    ("once entries started", "time", {1: "first child", 100: "last of 100 once", 1000: "last of 1,000 once"}),
    ("switch, processes to end", "time",
     {1: "switch, 1 to end", 100: "switch, 100 to end", 1000: "switch, 1,000 to end"}),
    ("entries re-read", "CPU of PID 1",
     {10: "re-read 10 entries", 1000: "re-read 1,000 entries", 10_000: "re-read 10,000 entries"}),
    ("orphans", "CPU of PID 1", {5000: "5,000 orphans", 50_000: "50,000 orphans"}),
)  # fmt: skip


def draw(results: Results, headline: str, files: Iterable[Path]) -> None:
    """Write the picture to files; their names' ends say the format."""
    rows = [row for row in results.rows if row.ratio() is not None]
    grown = [
        (title, measure, sizes)
        for title, measure, sizes in GROWTH
        if len(_points(results, measure, sizes, OURS)) > 1
    ]
    height = 1.2 + 0.3 * len(rows) + (3.0 if grown else 0)
    figure = pyplot.figure(figsize=(9, height), layout="constrained")
    parts = figure.subfigures(
        2 if grown else 1, 1, height_ratios=[0.3 * len(rows) + 1, 3] if grown else [1], squeeze=False
    )
    _ratios(parts[0][0].subplots(), rows)
    if grown:
        for axes, (title, measure, sizes) in zip(
            parts[1][0].subplots(1, len(grown), squeeze=False)[0], grown, strict=True
        ):
            _growth(axes, results, title, measure, sizes)
    figure.suptitle(headline, fontsize=7)
    for file in files:
        figure.savefig(file, dpi=150)
    pyplot.close(figure)


def _ratios(axes: Axes, rows: list[Row]) -> None:
    """A dot for each init in the line of each measure; sysvinit stands at 1."""
    for number, row in enumerate(rows):
        for init in row.samples:
            ratio = row.ratio(init=init)
            if ratio and init != SYSVINIT:
                axes.plot(ratio, number, "o", color=COLOURS[init], markersize=7 if init == OURS else 4)
    axes.axvline(1, color=COLOURS[SYSVINIT], label=SYSVINIT)
    for init in {init: None for row in rows for init in row.samples if init != SYSVINIT}:
        axes.plot([], [], "o", color=COLOURS[init], label=init)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("times sysvinit (less is better)")
    axes.grid(axis="x", which="both", alpha=0.2)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))


def _growth(axes: Axes, results: Results, title: str, measure: str, sizes: dict[int, str]) -> None:
    for init in (OURS, SYSVINIT):
        points = _points(results, measure, sizes, init)
        axes.plot(list(points), list(points.values()), "o-", color=COLOURS[init], label=init)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=8)
    axes.set_ylabel(f"{measure}, ms", fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(which="major", alpha=0.2)


def _points(results: Results, measure: str, sizes: dict[int, str], init: str) -> dict[int, float]:
    """The medians by size."""
    return {
        size: spread.median
        for size, task in sizes.items()
        for row in results.rows
        if (row.task.name, row.measure.name) == (task, measure) and (spread := row.spread(init))
    }
