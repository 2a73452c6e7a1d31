"""For the target of Debian's init the errors are the lines that this init refuses, with its reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.reading import read
from sysvinit_py.lint.targets import TARGETS
from tests.system.lint.bare import CInit
from tests.system.lint.mutants import mutants, originals
from tests.system.oracle import VERSION

TARGET = TARGETS[f"sysvinit-{VERSION}"]
FILES, SEEDS = 250, range(4)


@pytest.fixture(scope="module")
def c_init(oracle_programs: Path, namespaces: None, tmp_path_factory: pytest.TempPathFactory) -> CInit:
    return CInit(tmp_path_factory.mktemp("bare") / "root", oracle_programs / "init")


def errors(data: bytes) -> list[tuple[int, bytes]]:
    """What the linter says that this init refuses: the lines it reports, with the reasons of its reader."""
    found = check([("inittab", data)], TARGET)
    reported = [finding.line for finding in found if finding.severity == "error" and finding.code != "INT109"]
    problems = read(data, "inittab", TARGET, {}).problems
    refused = [problem for problem in problems if "line too long" not in problem.reason]
    if once := next((f.line for f in found if "an inittab for BusyBox" in f.message), 0):
        refused = [p for p in refused if p.line == once or p.reason != "missing id field"]
    assert reported == [problem.line for problem in refused]
    return [(problem.line, problem.reason.encode()) for problem in problems]


def fits(data: bytes) -> bool:
    """Whether all lines stay under its buffer of 255 bytes."""
    return all(len(line) <= TARGET.max_line for line in data.split(b"\n"))


def as_counted_by_3_14(ours: list[tuple[int, bytes]], data: bytes) -> list[tuple[int, bytes]]:
    """It neither counts nor reports the line after one with a NUL."""
    uncounted: list[int] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if b"\0" in line and number not in uncounted:
            uncounted.append(number + 1)
    return [
        (number - sum(other < number for other in uncounted), reason)
        for number, reason in ours
        if number not in uncounted
    ]


def compare(init: CInit, data: bytes) -> None:
    ours, theirs = errors(data), init.complaints(data)
    if TARGET.needs_newlines and b"\0" in data:
        ours = as_counted_by_3_14(ours, data)
    assert [line for line, _ in ours] == [line for line, _ in theirs], data
    for (_, reason), (_, said) in zip(ours, theirs, strict=True):
        if said == b"Possibly too long.":  # which 3.14 says of all lines whose newline it does not see
            assert reason.startswith((b"line too long", b"never read", b"NUL byte")), data
            continue
        # These quote the file, and odd bytes are shown in other ways.
        quoting = [words for words in (b": unknown action field", b"duplicate ID field") if words in reason]
        assert reason == said or (quoting and quoting[0] in said), data


def test_corpus(c_init: CInit) -> None:
    for data in originals():
        if fits(data):
            compare(c_init, data)


@pytest.mark.parametrize("seed", SEEDS)
def test_mutants(seed: int, c_init: CInit) -> None:
    tried = refusing = 0
    for data in mutants(seed, FILES):
        if fits(data) and b"inittab-lint" not in data:
            compare(c_init, data)
            tried += 1
            refusing += bool(errors(data))
    assert tried > FILES * 0.8
    assert refusing > tried * 0.3  # the mutants are worth something


@pytest.mark.parametrize(
    "data",
    [
        b"a:2:once:" + b"x" * 127 + b"\n",
        b"a:2:once:" + b"x" * 128 + b"\n",
        b"a:2:once:" + b"x" * 245 + b"\n",
        b"#" * 254 + b"\nbad\n",
        b"a:2:" + b"x" * 32 + b":\nb:2:" + b"x" * 33 + b":\n",
        b"abcd\nabcde\nabc\n\n \n\t\n\r\n",
        b"abcd:123456789012\nabcd:12345678901\nabcd:2:once\n",
        b"a:2:once:/x",
        b"a:2:zzz:/x\n   ",
        b"a:2:zzz:/x\n\t",
        b"a:2:zzz:/x\n #",
        b"a:2:once",
        b"\0a:2:once:\n#\0\n \0\n\0",
        b"a:2:once:/x\0:y\na\0:2:once:\n",
        b"a:2:once:\n a:2:once:\n\x0ba:2:once:\nA:2:once:\n",
        b"~:2:once:\n~:2:once:\n~~:2:once:\n~~:2:once:\n ~~:2:once:\n",
        b"a:2:twice:\na:2:once:\na:2:ONCE:\na:2:resume:\n",
        b"",
        b"\n",
        b"a:2:zzz:\n" * 500,
    ],
)
def test_edges(data: bytes, c_init: CInit) -> None:
    compare(c_init, data)


def test_longer_lines_are_cut_in_two_or_refused(c_init: CInit) -> None:
    """Which is why they are an error of their own: by 3.06 what follows byte 255 is read as a line."""
    if TARGET.needs_newlines:
        for line in b"y" * 254, b"y" * 255, b" " * 255 + b"#", b"y" * 600:
            compare(c_init, line + b"\n")
        for comment in b"#" * 255, b" #" * 400:
            compare(c_init, comment + b"\nbad\n")
        return
    comment = b"#" * 255 + b"bad\n"
    assert c_init.complaints(comment) == [(2, b"missing action field")]
    (finding,) = check([("inittab", comment)], TARGET, codes=["INT109"])
    assert (finding.line, finding.severity) == (1, "error")


@pytest.mark.skipif(not TARGET.needs_newlines, reason="3.06 reads it")
@pytest.mark.parametrize(
    ("tab", "is_read"),
    [
        (b"a:2:bad1:", True),
        (b"#" * 254 + b"\na:2:bad1:\n", True),
        (b"#" * 255 + b"\n\na:2:bad1:\n", False),
        (b"#\0\na:2:bad1:\n", False),
        (b"#\0\n\na:2:bad1:\n", False),
    ],
)
def test_what_a_tab_file_loses(tab: bytes, is_read: bool, c_init: CInit) -> None:
    theirs = c_init.complaints(b"id:2:initdefault:\n", {"a.tab": tab})
    assert (b"bad1: unknown action field" in [reason for _, reason in theirs]) == is_read
    (ours,) = read(tab, "a.tab", TARGET, {}).problems
    assert ours.reason.startswith("bad1: unknown action field" if is_read else "never read")


def test_a_tab_file_gives_one_entry(c_init: CInit) -> None:
    tab = b"# one\n\na:2:bad1:\nb:2:bad2:\n"
    theirs = c_init.complaints(b"id:2:initdefault:\n", {"a.tab": tab})
    assert [reason.split(b":")[0] for _, reason in theirs] == [b"bad1"]
    ours = read(tab, "a.tab", TARGET, {}).problems
    assert [(problem.line, problem.reason.split(":")[0]) for problem in ours] == [
        (3, "bad1"),
        (4, "never read"),
    ]
