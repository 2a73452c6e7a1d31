"""Any words on any command line: an answer or a usage error that names the word, and never a traceback."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, UsageError
from sysvinit_py.text import printable
from sysvinit_py.vm.cli import PROGRAM as VM
from tests.unit.cli.test_options import MANY, ONE

ALL = (*PROGRAMS, VM, ONE, MANY)


@functools.cache
def words_of(program: Program) -> st.SearchStrategy[list[str]]:
    """Words as people and others may type them: those of the table, cut, with values, and any bytes."""
    rows = [row for part in (program, *program.verbs) for row in part.table]
    names = [name for row in rows for name in row.names.split()]
    known = st.sampled_from([*names, *(verb.name for verb in program.verbs), "--", "-", "", "1", "-1"])
    anything = st.binary(max_size=8).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
    begun = st.builds(lambda name, size: name[:size], known, st.integers(1, 12))
    given_value = st.builds("{}={}".format, known, anything)
    glued = st.builds("{}{}".format, known, anything)
    return st.lists(st.one_of(known, anything, begun, given_value, glued), max_size=6)


@pytest.mark.parametrize("program", ALL, ids=lambda program: str(program.name))
@settings(deadline=None)  # the first --help imports what the others have
@given(data=st.data())
def test_any_words(program: Program, data: st.DataObject) -> None:
    words = data.draw(words_of(program))
    stdout, stderr = io.TextIOWrapper(io.BytesIO(), errors="strict"), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        status = program.run(lambda values: 17, words)
    said = stderr.getvalue()
    if status == 17:
        assert said == ""
        assert stdout.buffer.getvalue() == b""
    elif status == out.DONE:
        assert stdout.buffer.getvalue()
        assert any(word.startswith(("--h", "--v", "-")) for word in words)
    else:
        assert status == program.misused
        assert said.startswith(f"{program.name}: ")
        assert said.endswith(f" ({program.name} --help lists the options)\n")
        assert said[:-1].isprintable()
        tellable = [*words, *(word.partition("=")[0] for word in words), *("-" + c for w in words for c in w)]
        required = [row.shown for part in (program, *program.verbs) for row in part.table if row.required]
        named = [name for row in program.table for name in row.names.split()]
        assert any(printable(word) in said for word in [*tellable, *required, *named] if word)


PAIRS = st.lists(st.tuples(st.sampled_from("ab"), st.text("xyz-=", min_size=1)), max_size=5)


@given(PAIRS, st.lists(st.text("xyz")))
def test_what_is_given_comes_back_however_it_is_written(
    pairs: list[tuple[str, str]], operands: list[str]
) -> None:
    rows = [Option(names, "V", many=True) for names in ("-a --ab", "-b", "o")]
    program = Program("x", "", tuple(rows))
    expected = [[value for name, value in pairs if name == which] for which in "ab"]
    apart = [word for name, value in pairs for word in (f"-{name}", value)]
    glued = [f"-{name}{value}" for name, value in pairs]
    equals = [f"--ab={value}" if name == "a" else f"-b{value}" for name, value in pairs]
    for options in apart, glued, equals:
        for words in ([*options, *operands], [*operands, *options], [*options, "--", *operands]):
            values = program.parse(words)
            assert [values.ab, values.b] == expected
            assert values.o == operands


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_json_is_read_back(value: object) -> None:
    assert json.loads(out.as_json(value)) == value


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), min_size=1), st.integers(1, 40))
def test_any_table_fits_and_is_printable(rows: list[list[str]], most: int) -> None:
    lines = out.table(rows, right=[1], most=most)[:-1].split("\n")
    assert len(lines) == len(rows)
    assert all(line.isprintable() and out.columns(line) <= most for line in lines)


def test_a_very_long_command_line() -> None:
    """Guards against time that grows with the square of what find and xargs hand over."""
    assert len(ONE.parse(["f"] * 200_000).more) == 199_999
    with pytest.raises(UsageError, match="unrecognized arguments: -x"):
        ONE.parse(["-" + "q" * 100_000 + "x"])
