"""Whatever the bytes: the layout is settled at once, and what init does with the file is the same."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.foreign import is_busybox
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.lint.layout import formatted
from sysvinit_py.lint.reading import read
from sysvinit_py.lint.suppressions import Suppressions
from sysvinit_py.lint.targets import SYSVINIT_PY, TARGETS
from sysvinit_py.machine import rules
from sysvinit_py.machine.job import Job
from tests.property.lint.test_lint_any_text import LINE, TARGET

OPTIONS = st.sampled_from(
    [b"# inittab: log", b" \t# inittab: stop=INT grace=2\r", b"# inittab: \r \r", b"# inittab-file: grace=1 ",
     b"# inittab:", b"  # inittab-lint: disable=INT301, INT302 \r", b"#inittab-lint:disable-file=INT4\\ ",
     b"\r", b" ", b"\t\r", b"\\", b""]
)  # fmt: skip
FILE = st.builds(
    lambda lines, end, cr: b"\n".join(line + cr for line in lines) + end,
    st.lists(st.one_of(LINE, OPTIONS), max_size=9),
    st.sampled_from([b"\n", b"", b" ", b"\n\n"]),
    st.sampled_from([b"", b"", b"\r", b"  "]),
)
ANYTHING = st.one_of(FILE, FILE, st.binary(max_size=80))
much = settings(max_examples=500, deadline=None)


@much
@given(ANYTHING, TARGET)
def test_once_is_enough(data: bytes, target: Any) -> None:
    once = formatted(data, target)
    assert formatted(once, target) == once


@much
@given(ANYTHING)
def test_init_does_the_same(data: bytes) -> None:
    texts = data, formatted(data, SYSVINIT_PY)
    one, other = (interpret((Source("f", text),)) for text in texts)
    assert one.files == other.files
    assert rules.initdefault(one.entries) == rules.initdefault(other.entries)
    if not any(map(is_busybox, texts)):  # of which it is only told that it is that
        # A reason may name another line by its number.
        said = [[re.sub(r"line \d+", "", problem.reason) for problem in of.problems] for of in (one, other)]
        assert said[0] == said[1]
    for before, after in zip(one.entries, other.entries, strict=True):
        same = {"file": "", "line": 0, "spans": None, "runlevels": ""}
        assert before.replace(**same) == after.replace(**same)
        jobs = Job(("", "", 0), before), Job(("", "", 0), after)
        for stage in "#*S0123456789":
            assert len({rules.has_place(job, stage) for job in jobs}) == 1
        for letter in "abc":
            assert len({rules.answers(job.entry, letter) for job in jobs}) == 1


@much
@given(ANYTHING, TARGET)
def test_other_inits_read_the_same(data: bytes, target: Any) -> None:
    one, other = (read(text, "", target, {}) for text in (data, formatted(data, target)))
    for before, after in zip(one.entries, other.entries, strict=True):
        assert (before.id, before.action, before.process) == (after.id, after.action, after.process)
        assert target.small_s or {*before.runlevels} == {*after.runlevels}
    assert [line.text for line in one.lines if line.problem] == [
        line.text for line in other.lines if line.problem
    ]


@much
@given(ANYTHING, TARGET, st.sampled_from(["INT301", "INT302", "INT403"]))
def test_suppressions_are_for_the_same_entries(data: bytes, target: Any, code: str) -> None:
    hidden = []
    for text in (data, formatted(data, target)):
        document = read(text, "", target, {})
        suppressions = Suppressions(document)
        entries = [line.number for line in document.lines if line.kind in ("entry", "refused")]
        hidden.append(([suppressions.hide(code, number) for number in entries], len(suppressions.bad)))
    assert hidden[0] == hidden[1]


def test_all_targets_are_tried() -> None:
    assert {"ours", "c", "busybox"} == {target.reader for target in TARGETS.values()}
