"""Comments that turn rules off, and what is said of those that do not."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.targets import BUSYBOX
from tests.unit.lint.lint import findings, found

WRONG = "c6:2345:respawn:/sbin/agetty 38400 tty1 linux\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# inittab-lint: disable=INT301",
        "#inittab-lint:disable=int301",
        "\t##  inittab-lint :  disable = getty-id , INT301",
        "# inittab-lint: disable=INT301\n\n# another comment",
        "# inittab-lint: disable-file=INT301\nx:2:once:/x",
    ],
)
def test_it_is_hidden(comment: str) -> None:
    assert found(f"{comment}\n{WRONG}") == []


def test_it_is_for_the_next_entry_only() -> None:
    text = "# inittab-lint: disable=INT301\n" + WRONG + WRONG.replace("c6", "c7").replace("tty1", "tty2")
    assert found(text) == ["3:1-3 INT301"]


def test_a_refused_line_is_an_entry_too() -> None:
    assert found("# inittab-lint: disable=INT107\nx:2:twice:/x\ny:2:once:/y\n") == []


def test_for_the_file_it_may_stand_anywhere() -> None:
    assert found(WRONG + "# inittab-lint: disable-file=INT301\n") == []
    assert found("x:2:once:/x\n# inittab-lint: disable-file=INT201,INT212,INT214\n", fragment=False) == [
        "1:1-1 INT211",
        "1:1-1 INT213",
    ]


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        ("# inittab-lint: disable=INT301\nx:2:once:/x\n", "1:1-31", "INT301 finds nothing in the next entry"),
        ("# inittab-lint: disable-file=INT301\n", "1:1-36", "INT301 finds nothing in this file"),
        (WRONG + "# inittab-lint: disable=INT301\n", "2:1-31", "INT301 finds nothing in the next entry"),
        (
            "# inittab-lint: disable=INT302,INT304\nx:2:once:/x\n",
            "1:1-38",
            "INT302, INT304 find nothing in the next entry",
        ),
        (
            "# inittab-lint: disable=INT302,INT301\n" + WRONG,
            "1:1-38",
            "INT302 finds nothing in the next entry",
        ),
    ],
)
def test_unused(text: str, expected: str, message: str) -> None:
    listed = [finding for finding in findings(text) if finding.code == "INT004"]
    assert [(f"{f.line}:{f.column}-{f.end_column}", f.message) for f in listed] == [(expected, message)]


def test_what_was_not_looked_for_is_not_unused() -> None:
    text = "# inittab-lint: disable=INT301,INT401\n" + WRONG
    assert found(text, codes=["INT004"]) == []
    assert found(text) == []  # INT401 needs --root
    assert found("# inittab-lint: disable=INT205\n::once:/x\n", BUSYBOX) == []


def test_an_unused_one_can_be_emptied() -> None:
    (finding,) = findings("# inittab-lint: disable=INT301\nx:2:once:/x\n")
    assert finding.fix is not None
    assert finding.fix.edits[0].text == ""
    (partly,) = findings("# inittab-lint: disable=INT301,INT302\n" + WRONG)
    assert partly.fix is None


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# inittab-lint: disable=INT999", "unknown rule INT999"),
        ("# inittab-lint: disable=\x1b[1m", "unknown rule \\x1b[1m"),
        ("# inittab-lint: off", "unrecognised inittab-lint comment"),
        ("# inittab-lint:", "unrecognised inittab-lint comment"),
        ("# inittab-lint: disable= ", "unrecognised inittab-lint comment"),
    ],
)
def test_bad(comment: str, message: str) -> None:
    (finding,) = findings(f"{comment}\nx:2:once:/x\n")
    assert (finding.code, finding.line, finding.message) == ("INT005", 1, message)


def test_other_comments_are_left_alone() -> None:
    assert found("# see inittab-lint: disable=INT301\n# inittab-lint is good\nx:2:once:/x\n") == []
