"""INT6: the text itself."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.targets import SYSVINIT_3_06
from tests.unit.lint.lint import findings, found


def test_crs_are_one_finding_a_file() -> None:
    (finding,) = findings(b"# a\r\nx:2:once:/x\r\n# b\n", codes=["INT601"])
    assert finding.message.startswith("2 lines end with CR LF")
    assert finding.fix is not None
    assert [(edit.line, edit.start, edit.end) for edit in finding.fix.edits] == [(1, 4, 5), (2, 12, 13)]
    # They hide nothing else, and nothing else is found because of them.
    assert found(b"id:3:initdefault:\r\n1:2:respawn:/sbin/getty 38400 tty1\r\n") == ["1:18-19 INT601"]


def test_crs_alone_make_one_line() -> None:
    """Regression: these were called CR LF, and what stands behind the first was not found."""
    (finding,) = findings(b"x:2:once:/x\ry:2:once:/y\r", codes=["INT601", "INT602"])
    assert finding.message == "lines end with CR alone: init takes the file for one line"
    assert (finding.column, finding.end_column) == (12, 13)
    assert found(b"x:2:once:/x\r -v\ny:2:once:/y\n", codes=["INT601", "INT602"]) == ["1:12-13 INT602"]


@pytest.mark.parametrize(
    ("line", "expected", "plain"),
    [
        ("x:2:once:/bin/x \u2013h", ["1:17-18 INT602"], "-"),
        ("x:2:once:/bin/x \u201ca\u201d", ["1:17-18 INT602"], '"'),
        ("x:2:once:/bin/x \u00e9", ["1:17-18 INT602"], None),
        ("x:2:once:/bin/x \x1b[1m", ["1:17-18 INT602"], None),
        ("# \u4e2d\u6587", [], None),
        ("\u00e9:2:once:/bin/x", ["1:1-2 INT602"], None),
        ("x:2:once:/bin/x\tb", [], None),
    ],
)
def test_odd_character(line: str, expected: list[str], plain: str | None) -> None:
    listed = findings(line + "\n", codes=["INT602"])
    assert [f"{f.line}:{f.column}-{f.end_column} {f.code}" for f in listed] == expected
    assert [f.fix.edits[0].text if f.fix else None for f in listed] == ([plain] if expected else [])


def test_bytes_that_are_no_text() -> None:
    (finding,) = findings(b"x:2:once:/bin/\xff\xfe\n")
    assert finding.message == "odd character: \\xff\\xfe"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x:2:once:/bin/x  ", ["1:16-18 INT603"]),
        ("x:2:once:/bin/x\t\r", ["1:16-17 INT603"]),
        ("x:2:once:/bin/x \\ ", []),  # the blank is quoted
        ("# comment  ", []),
        ("  ", []),
    ],
)
def test_trailing_blank(line: str, expected: list[str]) -> None:
    assert found(line + "\n", codes=["INT603"]) == expected


def test_final_newline() -> None:
    assert found(b"# a", codes=["INT604"]) == ["1:4-4 INT604"]
    assert found(b"", codes=["INT604"]) == []
    assert found(b"\n", codes=["INT604"]) == []


def test_action_case() -> None:
    assert found("x:2:Once:/x\ny:2:once:/x\n", SYSVINIT_3_06) == ["1:5-9 INT605"]


def test_blank_in_id() -> None:
    assert found("a b:2:once:/x\n c :2:once:/x\n") == ["1:1-4 INT607", "2:2-4 INT607"]
