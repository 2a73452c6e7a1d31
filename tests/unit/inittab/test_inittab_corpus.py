"""Real inittab files, from many systems: all are read, nothing is lost."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sysvinit_py.inittab.parser import parse

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
INDEX = CORPUS / "index.tsv"

if not INDEX.exists():
    pytest.skip(f"no corpus of inittab files at {CORPUS}", allow_module_level=True)

with INDEX.open(newline="") as index:
    ROWS = list(csv.DictReader(index, delimiter="\t"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_real_file(row: dict[str, str]) -> None:
    data = (CORPUS / row["file"]).read_bytes()
    document = parse(data, row["file"])

    text = "\n".join(line.text for line in document.lines) + "\n" * document.final_newline
    assert text.encode(errors="surrogateescape") == data
    # A blank line of a file with CRLF is none for init; the index does not count it.
    meant = [line for line in document.lines if line.kind in ("entry", "refused") and line.text != "\r"]
    assert len(meant) == int(row["entries"])
    if row["dialect"] == "sysv":
        assert all(problem.reason.startswith("duplicate ID field") for problem in document.problems)


def test_the_corpus_is_whole() -> None:
    assert len(ROWS) == len(list(CORPUS.glob("*.inittab"))) == 78
