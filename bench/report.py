"""The report: the table in text, and all of it in JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.inits import Init
from bench.results import Results, Row
from bench.tasks import OURS


def table(results: Results, inits: Iterable[str]) -> str:
    """Medians, with the quartiles of the two that are compared, a line for each measure."""
    shown = [name for name in inits if any(row.samples.get(name) for row in results.rows)]
    lines = [["", "", *shown, "ratio", "budget"]]
    lines += [_line(row, shown) for row in results.rows if row.samples]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(map(_padded, line, widths, range(len(line)))).rstrip() for line in lines]
    return "\n".join([*text, *(f"failed: {failure}" for failure in results.failures)])


def _line(row: Row, inits: list[str]) -> list[str]:
    ratio = row.ratio()
    cells = [_cell(row, name) for name in inits]
    return [row.name, row.measure.unit, *cells, "" if ratio is None else f"{ratio:.2f}", _budget(row)]


def _cell(row: Row, init: str) -> str:
    spread = row.spread(init)
    if not spread:
        return "-"
    return f"{_number(spread.median)} ({_number(spread.low)}-{_number(spread.high)})"


def _budget(row: Row) -> str:
    measure = row.measure
    if measure.at_most is None:
        return ""
    limit = f"{measure.at_most:g}" + (
        f" x {measure.reference}" if measure.reference else f" {measure.unit}".rstrip()
    )
    verdict = {True: "kept", False: "BROKEN", None: "?"}[row.is_kept]
    return f"{verdict}, {limit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _padded(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 2 else cell.rjust(width)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    processor = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine(),
    )  # fmt: skip
    return {
        "processor": processor,
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "load before": os.getloadavg()[0],
    }


def as_json(results: Results, inits: Mapping[str, Init], about: Mapping[str, Any], rounds: int) -> str:
    """All samples, and what they come to."""
    used = {name for row in results.rows for name in row.samples}
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": about,
        "rounds": rounds,
        "versions": {name: init.version for name, init in inits.items() if name in used},
        "rows": [
            {
                "task": row.task.name,
                "measure": row.measure.name,
                "unit": row.measure.unit,
                "samples": row.samples,
                "medians": {name: spread.median for name in row.samples if (spread := row.spread(name))},
                "ratio": row.ratio(),
                "budget": row.measure.at_most,
                "reference": row.measure.reference,
                "spent": row.spent,
                "kept": row.is_kept,
            }
            for row in results.rows
        ],
        "failures": results.failures,
    }
    return json.dumps(document, indent=1) + "\n"


def headline(about: Mapping[str, Any], inits: Mapping[str, Init]) -> str:
    """One line about where this was measured."""
    ours = inits[OURS].version if OURS in inits else "-"
    return (
        f"sysvinit_py {ours}; {about['processors']} x {about['processor']}, Linux {about['kernel']}, "
        f"load {about['load before']:.1f}"
    )
