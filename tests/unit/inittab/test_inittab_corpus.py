"""Inittab files of many systems: all are read, nothing is lost."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.parser import parse
from tests.support.corpus import FOREIGN, OWN, Sample, samples


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.name))
def test_a_file(sample: Sample) -> None:
    data = sample.path.read_bytes()
    document = parse(data, sample.path.name)

    text = "\n".join(line.text for line in document.lines) + "\n" * document.final_newline
    assert text.encode(errors="surrogateescape") == data
    # A blank line of a file with CRLF is none for init; the index does not count it.
    meant = [line for line in document.lines if line.kind in ("entry", "refused") and line.text != "\r"]
    assert len(meant) == sample.entries
    if sample.dialect == "sysv":
        problems = [problem for problem in document.problems if document.lines[problem.line - 1].text != "\r"]
        assert all(problem.reason.startswith("duplicate ID field") for problem in problems)


def test_every_file_is_listed() -> None:
    there = [path for folder in (OWN, FOREIGN) for path in folder.glob("*.inittab")]
    assert sorted(sample.path for sample in samples()) == sorted(there)
    assert len(list(OWN.glob("*.inittab"))) >= 18
