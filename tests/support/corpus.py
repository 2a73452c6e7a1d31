"""Inittab files of many systems: ours (tests/data/inittabs), and other people's where they are at hand."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

OWN = Path(__file__).parents[1] / "data" / "inittabs"
#: Beside the repository, as nobody may ship them.
FOREIGN = Path(__file__).parents[3] / "shared" / "corpus"


class Sample(NamedTuple):
    """A file, and what its index says of it."""

    path: Path
    dialect: str  #: sysv, busybox, unix, or other
    entries: int  #: lines that are meant as one
    odd: bool  #: it has mistakes
    findings: (
        frozenset[str] | None
    )  #: ``line code``: all of the linter's if it is not odd, else some; None: not told

    @property
    def name(self) -> str:
        """Its file's, without the suffix."""
        return self.path.stem


def samples() -> list[Sample]:
    """Return ours, and then the others."""
    return [sample for folder in (OWN, FOREIGN) if folder.is_dir() for sample in _listed(folder)]


def _listed(folder: Path) -> list[Sample]:
    with (folder / "index.tsv").open(encoding="utf-8", newline="") as index:
        return [
            Sample(
                folder / row["file"],
                row["dialect"],
                int(row["entries"]),
                row["odd"] == "1",
                None if (found := row.get("findings")) is None else frozenset(found.split(";")) - {""},
            )
            for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
