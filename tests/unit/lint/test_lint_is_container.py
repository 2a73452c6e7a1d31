"""For the target container the errors are what ``init --container`` refuses, and the other way round.

tests/system/test_try_container.py sees that these are the reasons with which it ends.
"""

from __future__ import annotations

import re

import pytest

from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.lint.check import check
from sysvinit_py.lint.finding import Finding
from sysvinit_py.lint.targets import CONTAINER
from sysvinit_py.pid1.container import policy
from tests.system.lint.mutants import mutants, originals

FILES, SEEDS = 250, range(4)
#: An error that init does not refuse: which of the two ends first is chance.
SECOND_MAIN = "INT903"


def refused(files: list[tuple[str, bytes]]) -> list[str]:
    reading = interpret(tuple(Source(path, data) for path, data in files))
    return [*policy.refusals(reading, "", command=False)]


def errors(files: list[tuple[str, bytes]]) -> list[Finding]:
    return [f for f in check(files, CONTAINER) if f.severity == "error" and f.code != SECOND_MAIN]


def lines(refusals: list[str]) -> set[tuple[str, int]]:
    """The places that are named."""
    places = (re.match(r"(\S+):(\d+): ", refusal) for refusal in refusals)
    return {(place[1], int(place[2])) for place in places if place}


def compare(*contents: bytes) -> bool:
    files = [
        (f"/etc/{'inittab' if not n else f'inittab.d/{n}.tab'}", data) for n, data in enumerate(contents)
    ]
    ours, theirs = errors(files), refused(files)
    assert bool(ours) == bool(theirs), (contents, ours, theirs)
    said = (*theirs, *(finding.message for finding in ours))
    if not any(re.search("more problems|BusyBox|UTF-16|byte order", text) for text in said):  # told once
        in_lines = {(f.path, f.line) for f in ours if f.code == "INT912" or not f.code.startswith("INT9")}
        assert in_lines == lines(theirs), (contents, ours, theirs)
    return bool(theirs)


WEB = b"web:2:respawn:/usr/sbin/httpd -f\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id:2:initdefault:\n" + WEB, False),
        (WEB, False),
        (b"", True),
        (b"# nothing\n", True),
        (b"id:2:initdefault:\n", True),
        *(
            (b"id:%b:initdefault:\nx::once:/x\n" % level, True)
            for level in (b"0", b"6", b"S", b"s", b"2a", b"x")
        ),
        *((b"id:%b:initdefault:\nx::once:/x\n" % level, False) for level in (b"1", b"9", b"23", b"", b"2,3")),
        (b"id:3:initdefault:\n" + WEB, True),
        (b"id:3:initdefault:\ni2:2:initdefault:\n" + WEB, True),
        (b"x:2:off:/x\n", True),
        (b"x:2:respawn:\n", True),
        (b"x:2:respawn:+\n", True),
        (b"x:2:respawn: \n", False),
        (b"x:2:respawn:\r\n", False),
        (b"x::sysinit:/x\n", True),
        (b"x::bootwait:/x\n", True),
        (b"x:2:ctrlaltdel:/x\n", True),
        (b"x:a:ondemand:/x\n", True),
        (b"x:S:wait:/x\n", True),
        (b"x:06:wait:/x\n", True),
        (b"x:s2:wait:/x\n", False),
        (b"web:2:respwan:/x\n" + WEB, True),
        (WEB + WEB, True),
        (b"web\n" + WEB, True),
        (b"toolong:2:once:/x\n" + WEB, True),
        (b"# inittab: main\n# inittab: stop=QUIT grace=5 log\n" + WEB, False),
        (b"# inittab-file: grace=25 log=json log-to=stdout\n" + WEB, False),
        (b"# inittab: lgo\n" + WEB, True),
        (b"# inittab: grace=8s\n" + WEB, True),
        (b"# inittab: main main\n" + WEB, True),
        (WEB + b"# inittab: main\n", True),
        (WEB + b"# inittab-file: grace=3\n", True),
        (b"# inittab: log=json\n" + WEB, True),
        (b"# inittab: main\nx:2:once:/x\n# inittab: main\n" + WEB, False),
        (b"# inittab: main\nx:3:once:/x\n" + WEB, False),
        (b"::respawn:/x\n", True),
        (b"\xef\xbb\xbf" + WEB, True),
        (b"x:2:once:/\0\n", True),
        (b"x:2:once:/" + b"x" * 5000 + b"\n", True),
    ],
)
def test_whole(content: bytes, expected: bool) -> None:
    assert compare(content) == expected


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((b"id:3:initdefault:\n", b"x:3:once:/x\n"), False),
        ((b"x:3:once:/x\n", b"id:3:initdefault:\n"), False),
        ((b"id:3:initdefault:\n", b"id:2:initdefault:\nx:2:once:/x\n"), True),
        ((WEB, WEB), True),
        ((b"# inittab: main\n", WEB), True),
    ],
)
def test_files_that_are_read_as_one(contents: tuple[bytes, ...], expected: bool) -> None:
    assert compare(*contents) == expected


def test_corpus() -> None:
    for data in originals():
        compare(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_mutants(seed: int) -> None:
    found = [compare(data) for data in mutants(seed, FILES) if b"inittab-lint" not in data]
    assert FILES * 0.1 < sum(found) < FILES * 0.95  # they are worth something
