"""INT1: refused lines, their places, hints and fixes."""

from __future__ import annotations

from functools import partial

import pytest

from sysvinit_py.inittab.parser import parse
from sysvinit_py.lint.check import check
from sysvinit_py.lint.fixes import repair
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.targets import (
    BUSYBOX,
    SYSVINIT_2_88,
    SYSVINIT_3_06,
    SYSVINIT_3_14,
    SYSVINIT_PY,
    TARGETS,
    Target,
)
from tests.unit.lint.lint import findings, found

OURS, C, C_NEW, C_OLD, BB = SYSVINIT_PY, SYSVINIT_3_06, SYSVINIT_3_14, SYSVINIT_2_88, BUSYBOX

#: A line, the target, and what is found in it. It stands in line 2, behind a good one.
LINES: list[tuple[bytes, Target, list[str]]] = [
    (b":2:once:/x", OURS, ["2:1-1 INT101"]),
    (b"x", OURS, ["2:2-2 INT103"]),
    (b"x:2", OURS, ["2:4-4 INT103"]),
    (b"x:2:once", OURS, ["2:9-9 INT102"]),
    (b"x:2:once", C, ["2:1-9 INT102"]),
    (b"x:2::/x", OURS, ["2:5-5 INT103"]),
    (b"  abcde:2:once:/x", OURS, ["2:3-8 INT104"]),
    (b"  abcde:2:once:/x", C, ["2:3-8 INT104"]),
    (b"x:123456789012:once:/x", OURS, ["2:3-15 INT105"]),
    (b"x:123456789012:once:/x", C, ["2:3-15 INT105"]),
    (b"x:2:once:" + b"/" * 4088, OURS, ["2:10-4098 INT106"]),
    (b"x:2:once:" + b"/" * 4087, OURS, []),
    (b"x:2:once:" + b"/" * 128, C, ["2:10-138 INT106"]),
    (b"x:2:once:" + b"/" * 128, C_OLD, ["2:10-138 INT106"]),
    (b"x:2:once:" + b"/" * 127, C, []),
    (b"x:2:once:" + b"/" * 245, C_NEW, []),
    (b"x:2:once:" + b"/" * 246, C_NEW, ["2:1-256 INT109"]),
    (b"x:2:once:" + b"/" * 246, C, ["2:1-256 INT109"]),
    (b"#" * 255, C, ["2:1-256 INT109"]),
    (b"#" * 255, OURS, []),
    (b"x:2:oncee:/x", OURS, ["2:5-10 INT107"]),
    (b"x:2:" + b"o" * 33 + b":/x", OURS, ["2:5-38 INT107"]),
    (b"x:2:" + b"o" * 33 + b":/x", C, ["2:5-38 INT107"]),
    (b"x:2:resume:/x", OURS, []),
    (b"x:2:resume:/x", C, ["2:5-11 INT107"]),
    (b"ok:3:once:/y", OURS, ["2:1-3 INT108"]),
    (b"ok:3:once:/y", C, ["2:1-3 INT108"]),
    (b"x:2:once:/x\0y", OURS, ["2:12-13 INT110"]),
    (b"x:2:once:/x\0y", C, ["2:12-13 INT606"]),
    (b"\0", C, ["2:1-2 INT103"]),
    (b"\r", OURS, ["2:2-2 INT103", "2:1-2 INT601"]),
    (b"::once:/x", BB, []),
    (b"::Once:/x", BB, ["2:3-7 INT107"]),
    (b"::once:", BB, ["2:1-8 INT102"]),
    (b"::once:# nothing", BB, ["2:1-17 INT102"]),
    (b"tty1:once:/x", BB, ["2:11-13 INT107"]),
    (b" ", BB, ["2:1-2 INT103"]),
    (b" # indented", BB, ["2:1-12 INT103"]),
    (b"::boot:/x", BB, ["2:3-7 INT107"]),
]


@pytest.mark.parametrize(("line", "target", "expected"), LINES)
def test_line(line: bytes, target: Target, expected: list[str]) -> None:
    first = b"::once:/ok" if target is BB else b"ok:2:once:/ok"
    listed = found(first + b"\n" + line + b"\n", target)
    assert sorted(listed) == sorted(expected)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_each_refused_line_is_one_error(target: Target) -> None:
    lines = [line for line, _, _ in LINES]
    listed = findings(b"\n".join(lines) + b"\n", target)
    errors = [f.line for f in listed if f.severity == "error"]
    assert len(errors) == len(set(errors)) > 5
    if target is SYSVINIT_PY:
        assert errors == [problem.line for problem in parse(b"\n".join(lines) + b"\n", "").problems]


@pytest.mark.parametrize(
    ("written", "target", "hint", "better"),
    [
        ("respwan", OURS, "did you mean respawn?", "respawn"),
        (" once", OURS, "whitespace belongs to the field: write once", "once"),
        ("ONCE\t", OURS, "whitespace belongs to the field: write once", "once"),
        ("askfirst", OURS, "askfirst is an action of BusyBox, not of SysV init", ""),
        ("Wait", BB, "write it in lower case: wait", "wait"),
        ("initdefault", BB, "initdefault is an action of SysV init; BusyBox has no runlevels", ""),
        ("resume", C, "resume is an action of SuSE's init and of sysvinit_py only", ""),
        ("ondemandwait", OURS, "did you mean ondemand?", "ondemand"),
        ("/sbin/getty 38400 tty1", OURS, "it is one of sysinit, boot", ""),
    ],
)
def test_unknown_action(written: str, target: Target, hint: str, better: str) -> None:
    (finding,) = findings(f"x::{written}:/bin/x\n", target, codes=["INT107"])
    assert finding.hint.startswith(hint)
    assert (finding.fix.edits[0].text if finding.fix else "") == better
    assert not (finding.fix and finding.fix.safe)


def test_duplicate_says_what_is_lost() -> None:
    ctrlaltdel, getty = findings(
        """
        ca:2:respawn:/x
        c1:2:respawn:/sbin/getty 38400 ttyS0
        ca:2:ctrlaltdel:/sbin/reboot
        c1:2:respawn:/sbin/getty 38400 tty1
        """,
        codes=["INT108"],
    )
    assert ctrlaltdel.message == 'duplicate ID field "ca", first in line 1: Ctrl-Alt-Del does nothing'
    assert getty.message.endswith("first in line 2: this respawn entry never runs: /sbin/getty 38400 tty1")


def test_duplicate_in_another_file() -> None:
    files = [("inittab", b"x:2:once:/a\n"), ("inittab.d/b.tab", b"x:2:once:/b\n")]
    (finding,) = check(files, SYSVINIT_PY, fragment=True)
    assert (finding.path, finding.code) == ("inittab.d/b.tab", "INT108")
    assert "first in inittab, line 1" in finding.message


def test_lines_after_the_first_in_a_tab() -> None:
    text = "# one\nS0:2:once:/a\n# two\n\nS1:2:once:/b\nbad\n"
    assert found(text, C, path="a.tab") == ["5:1-13 INT111", "6:1-4 INT111"]
    assert found(text, OURS, path="a.tab") == ["6:4-4 INT103"]


def test_what_is_never_read_takes_no_id() -> None:
    files = [
        ("a.tab", b"a:2:once:/a\nb:2:once:/b\n"),
        ("b.tab", b"b:2:once:/b\n"),
        ("c.tab", b"a:2:once:/c\n"),
    ]
    listed = check(files, C, fragment=True)
    assert [(f.path, f.line, f.code) for f in listed] == [("a.tab", 2, "INT111"), ("c.tab", 1, "INT108")]
    files = [("inittab", b"x:2:once:/x"), ("a.tab", b"x:2:once:/y\n")]
    assert [(f.path, f.code) for f in check(files, C_NEW, fragment=True)] == [("inittab", "INT111")]


def test_unfinished_last_line() -> None:
    assert found(b"x:2:once:/a\ny:2:once:/b", C_NEW) == ["2:1-12 INT111"]
    assert found(b"x:2:once:/a\ny:2:once:/b", C) == ["2:12-12 INT604"]
    assert found(b"x:2:once:/a\n# end", C_NEW) == []


def test_third_colon_is_added_only_behind_an_action() -> None:
    (finding,) = findings("id:3:initdefault\r\n", codes=["INT102"])
    assert finding.fix is not None
    assert finding.fix.edits[0].start == 17
    (finding,) = findings("1:2345:/sbin/getty\n", codes=["INT102"])
    assert finding.fix is None


def test_byte_order_mark() -> None:
    """It was called an id that is too long."""
    for target in TARGETS.values():
        entry = b"::sysinit:/x\n" if target is BB else b"id:2:initdefault:\n"
        for rest in (entry, b"# a comment\n" + entry, b"\n" + entry):
            listed = findings(b"\xef\xbb\xbf" + rest, target, codes=[c for c in RULES if c[3] == "1"])
            assert [finding.code for finding in listed] == ["INT112"]
            data = b"\xef\xbb\xbf" + rest
            look = partial(check, target=target)
            assert repair((("inittab", data),), look, unsafe=False) == (("inittab", rest),)


def test_busybox_inittab_is_named_once() -> None:
    """Each of its lines was said to have no id."""
    text = b"::sysinit:/etc/rcS\n::respawn:/sbin/getty 0 ttyS0\n::shutdown:/x\n"
    (finding,) = (f for f in findings(text, OURS) if f.severity == "error")
    assert (finding.line, finding.code) == (1, "INT101")
    assert "for BusyBox: SysV init refuses its 3 lines" in finding.message
    assert "--target busybox" in finding.hint
    assert len([f for f in findings(b":2:once:/x\n:3:once:/x\n", OURS) if f.code == "INT101"]) == 2


def test_duplicate_of_another_power_entry() -> None:
    """Not "nothing is done when the power fails": the main file has a powerwait."""
    text = b"pf::powerwait:/a\npx::powerokwait:/c\npf::powerfail:/b\n"
    (finding,) = findings(text, OURS, codes=["INT108"])
    assert "this powerfail entry never runs" in finding.message
