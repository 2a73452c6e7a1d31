"""Whatever the bytes: no crash, sane findings, the errors of ours are init's, and repairs that end."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.parser import parse
from sysvinit_py.lint.check import check
from sysvinit_py.lint.finding import SEVERITIES, Finding
from sysvinit_py.lint.fixes import diff, repair
from sysvinit_py.lint.formats import gcc, github, sarif, text
from sysvinit_py.lint.formats import json as as_json
from sysvinit_py.lint.reading import read
from sysvinit_py.lint.targets import BUSYBOX_ACTIONS, MACHINES, SYSVINIT_PY, TARGETS, guess
from tests.unit.lint.test_lint_is_container import compare

IDS = (
    b"", b"id", b"1", b"c6", b"S0", b"~~", b" x", b"x ", b"tty1", b"tty2", b"null", b"console", b"abcde",
    b"\xff", b"#",
)  # fmt: skip
RUNLEVELS = (
    b"", b"2", b"2345", b"2,3", b"S", b"s", b"0126", b"33", b"a", b"2a", b"x", b"123456789012", b"\0",
)  # fmt: skip
NAMES = [action.encode() for action in (*ACTIONS, *BUSYBOX_ACTIONS)]
PROCESSES = (
    b"/sbin/getty 38400 tty1", b"getty 38400", b"/sbin/getty 115200 ttyS1", b"/bin/login ttyl </dev/tty1",
    b"/bin/sh", b"/sbin/init", b"/sbin/shutdown -c", b"/sbin/shutdown -h now", b"/bin/umount -a r",
    b"/bin/kill", b"/usr/sbin/sshd", b"/sbin/halt", b"/sbin/reboot",
    b"/bin/a b c d e f g h i j k l m n o", b"etc/rc", b"exec x", b"echo -e", b"FOO=1", b"cd /", b"2>&1",
    b">& /x", b">/x", b"&&", b"&", b";", b"|", b"(", b")", b"[[ x", b"[ a == b ]", b"${x//", b"$'", b"'",
    b'"', b"\\", b"#", b"# c", b"+", b"@", b" ", b"\t", b"\r", b"\0", b"\xff",
    "\u4e2d\u2013\u202e".encode(), b"\x1b[1m", b"x" * 130,
)  # fmt: skip
COMMENTS = (
    b"", b"#", b"# c \\", b"  # c", b"# inittab-lint: disable=INT301",
    b"# inittab-lint: disable-file=INT403,INT404", b"# inittab-lint: disable=INT215,nonsense",
    b"# inittab-lint: off", b"#" * 300,
)  # fmt: skip

PROCESS = st.builds(
    lambda pieces, between: between.join(pieces),
    st.lists(st.sampled_from(PROCESSES), max_size=4),
    st.sampled_from([b" ", b""]),
)
ACTION = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map(bytes.title),
    st.sampled_from([b"", b"respwan", b" once", b"x" * 33]),
)
ENTRY = st.tuples(st.sampled_from(IDS), st.sampled_from(RUNLEVELS), ACTION, PROCESS).map(b":".join)
BUSYBOX_ENTRY = st.tuples(st.just(b":"), st.sampled_from(NAMES), PROCESS).map(b":".join)
JOINED = st.tuples(BUSYBOX_ENTRY, st.integers(0, 40)).map(
    lambda of: of[0][: of[1]] + b"\\\n" + of[0][of[1] :]  # in two lines, as BusyBox reads it
)
BROKEN = st.lists(st.sampled_from((*IDS, *RUNLEVELS, *NAMES, *PROCESSES)), max_size=6).map(b":".join)
LINE = st.one_of(
    ENTRY, ENTRY, BUSYBOX_ENTRY, JOINED, st.sampled_from(COMMENTS), BROKEN, st.binary(max_size=40)
)
TEXT = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(LINE, max_size=8), st.sampled_from([b"\n", b""])
)
TARGET = st.sampled_from(list(TARGETS.values()))

much = settings(max_examples=300, deadline=None)


def lint(data: bytes, target: Any, *, fragment: bool = False, path: str = "etc/inittab") -> list[Finding]:
    return check([(path, data)], target, fragment=fragment)


@much
@given(TEXT, TARGET, st.sampled_from(["etc/inittab", "a.tab", "inittab.d/x", "\udcff\n"]))
def test_findings_are_sane(data: bytes, target: Any, path: str) -> None:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for finding in lint(data, target, path=path):
        line = lines[finding.line - 1]
        assert finding.text == line
        assert 1 <= finding.column <= finding.end_column <= len(line) + 1
        assert finding.severity in SEVERITIES
        assert finding.message.isprintable()
        assert finding.hint.isprintable()
        for edit in finding.fix.edits if finding.fix else ():
            assert 1 <= edit.start <= edit.end <= len(lines[edit.line - 1]) + 1


@much
@given(TEXT, TARGET)
def test_formats_can_show_anything(data: bytes, target: Any) -> None:
    findings = lint(data, target, path="a\x1b\udcff")
    assert len(json.loads(as_json.render(findings))) == len(findings)
    assert len(json.loads(sarif.render(findings))["runs"][0]["results"]) == len(findings)
    assert github.render(findings).count("\n") == len(findings)
    assert gcc.render(findings).count("\n") == len(findings)
    shown = text.render(findings)
    assert shown.count("\n\n") == len(findings)
    assert all(line.isprintable() for line in shown.split("\n"))


def assert_each_is_one_error(findings: list[Finding], refused: list[int], data: bytes) -> None:
    """Each refused line is an error; only those of a file for BusyBox are one together (INT101)."""
    errors = [finding.line for finding in findings if finding.severity == "error"]
    if any(finding.message.startswith("an inittab for BusyBox") for finding in findings):
        lines = data.split(b"\n")
        assert set(errors) <= set(refused)
        assert all(lines[line - 1].lstrip(b" \t").startswith(b"::") for line in set(refused) - set(errors))
    else:
        assert errors == refused


@much
@given(TEXT)
def test_errors_are_what_init_refuses(data: bytes) -> None:
    findings = lint(data, SYSVINIT_PY)
    refused = [problem.line for problem in parse(data, "").problems]
    if b"inittab-lint" in data:
        assert {finding.line for finding in findings if finding.severity == "error"} <= set(refused)
    else:
        assert_each_is_one_error(findings, refused, data)


@much
@given(TEXT, st.sampled_from(MACHINES))
def test_each_refused_line_is_one_error(data: bytes, target: Any) -> None:
    if b"inittab-lint" not in data:
        refused = [problem.line for problem in read(data, "", target, {}).problems]
        assert_each_is_one_error(lint(data, target), refused, data)


@much
@given(TEXT)
def test_errors_are_what_a_container_refuses(data: bytes) -> None:
    if b"inittab-lint" not in data:
        compare(data)


@much
@given(TEXT, TARGET, st.booleans())
def test_repairs_end(data: bytes, target: Any, unsafe: bool) -> None:
    def look(files: Any) -> list[Finding]:
        return check(files, target)

    files = repair((("inittab", data),), look, unsafe=unsafe)
    assert repair(files, look, unsafe=unsafe) == files
    diff("inittab", data, files[0][1])


@much
@given(TEXT, TARGET)
def test_safe_repairs_keep_what_init_runs(data: bytes, target: Any) -> None:
    """They may only make an entry of what was refused for its CR, or lost for want of a newline."""

    def meaning(data: bytes) -> list[tuple[str, str, str, str]]:
        entries = read(data, "inittab", target, {}).entries
        meant = [(e.id, "".join(sorted(set(e.levels))), e.action, e.process.rstrip(" \t\r")) for e in entries]
        return [entry for entry in meant if entry[3] or target.sysv]  # BusyBox would run a CR

    def look(files: Any) -> list[Finding]:
        return check(files, target)

    ((_, after),) = repair((("inittab", data),), look, unsafe=False)
    kept = meaning(after)
    assert all(entry in kept for entry in meaning(data))


@pytest.mark.parametrize("size", [1, 1000, 100_000])
@pytest.mark.parametrize(
    "piece", [b"\0", b":", b"'", b"\n", b"a b", b"x:2:once:/x \r\n", b"\\\n", b"x::once:'", b"\xff"]
)
def test_any_size_is_done_in_time(piece: bytes, size: int) -> None:
    data = (piece * (size // len(piece) + 1))[:size]
    for target in (guess(data), TARGETS["sysvinit-3.06"]):

        def look(files: Any, target: Any = target) -> list[Finding]:
            return check(files, target)

        repair((("inittab", data),), look, unsafe=True)


#: Patterns begin to match here, again and again.
HOSTILE = (
    b"( [ ", b"[ == ", b'"\\"', b"'\"", b"${x", b">& ", b"x=(", b"x=(\\\n", b"((", b"1&", b"tty",
)  # fmt: skip


@pytest.mark.parametrize(
    "process",
    [
        b"{" + b"," * 200_000,
        *(piece * 50_000 for piece in HOSTILE),
    ],
    ids=lambda process: repr(process[:5]),
)
@pytest.mark.timed
def test_no_pattern_takes_the_square_of_the_length(process: bytes) -> None:
    start = time.process_time()
    check([("inittab", b"::once:" + process + b"\n")], TARGETS["busybox"])
    assert time.process_time() - start < 5  # it is half a second, where it is linear
