"""What programs print: tables, colours, JSON, messages."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py.cli import out

ROWS = [["ID", "STARTS", "COMMAND"], ["é漢", "10", "/bin/x"], ["b", "1", "y\x1b[1m\n"]]


def test_columns_are_aligned_and_escaped() -> None:
    assert out.table(ROWS, right=[1]) == (
        "ID   STARTS  COMMAND\n"
        "é漢      10  /bin/x\n"
        "b         1  y\\x1b[1m\\n\n"
    )  # fmt: skip
    assert out.table([]) == ""
    assert out.table([["", ""]]) == "\n"


@pytest.mark.parametrize("most", range(1, 30))
def test_a_line_is_cut_to_the_terminal(most: int) -> None:
    for line in out.table([["漢" * 20, "漢字" * 20], ["", "x" * 90]], most=most).splitlines():
        assert most - 1 <= out.columns(line) <= most
        assert line.endswith("…")


def test_what_fits_is_not_cut() -> None:
    assert out.cut("abc", 3) == "abc"
    assert out.cut("漢字", 4) == "漢字"
    assert out.cut("abcd", 3) == "ab…"
    assert out.cut("漢字x", 4) == "漢…"


def test_a_row_has_a_colour() -> None:
    assert out.table([["a"], ["b"]], colours=["1", ""]) == "\x1b[1ma\x1b[0m\nb\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "when", "variables", "expected"),
    [
        (Terminal(), "auto", {}, True),
        (Terminal(), "auto", {"NO_COLOR": "1"}, False),
        (Terminal(), "auto", {"NO_COLOR": ""}, True),  # no-color.org: not empty
        (Terminal(), "auto", {"TERM": "dumb"}, False),
        (Terminal(), "never", {}, False),
        (io.StringIO(), "auto", {}, False),
        (io.StringIO(), "always", {"NO_COLOR": "1"}, True),
        (None, "auto", {}, False),
    ],
)
def test_colour(
    stream: Any, when: str, variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "NO_COLOR", "TERM":
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert out.coloured(stream, when) is expected


def test_paint() -> None:
    assert out.paint("x", "1;31") == "\x1b[1;31mx\x1b[0m"
    assert out.paint("x", "") == "x"


def test_the_width_is_that_of_the_terminal() -> None:
    code = "from sysvinit_py.cli import out; import os; os.write(2, str(out.width()).encode())"
    run: dict[str, Any] = {"stderr": subprocess.PIPE, "check": True, "cwd": Path(__file__).parents[3]}
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 97))
    try:
        assert subprocess.run([sys.executable, "-c", code], stdout=theirs, **run).stderr == b"97"
        assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, **run).stderr == b"0"
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 1, -1, 1.5, "", 'é"\\\n\x00\u2028', [], [1, [True, None]], {},
        {"a": {"b": [1, "x"]}, "c": None},
    ],
    ids=repr,
)  # fmt: skip
def test_json(value: object) -> None:
    text = out.as_json(value)
    assert json.loads(text) == value
    assert type(json.loads(text)) is type(value)
    assert text.isascii()
    assert "\n" not in text


def test_json_marks_bytes_that_are_not_utf_8() -> None:
    assert json.loads(out.as_json(os.fsdecode(b"a\xffb"))) == "a\ufffdb"
    assert json.loads(out.as_json("\ud800x")) == "\ufffdx"
    assert json.loads(out.as_json(("é", 1))) == ["é", 1]


def test_messages_are_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    out.say("one", "a\x1b[2J\nb", "\udcff", "##vso[x]", "###[x]", "a ## b")
    assert capfd.readouterr() == (
        "",
        "one: a\\x1b[2J\\nb\none: \\xff\none: \\x23\\x23vso[x]\none: \\x23\\x23#[x]\none: a ## b\n",
    )


def test_no_message_is_no_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Regression: an empty line was written, as where an edited inittab has no faults."""
    out.say("one")
    assert capfd.readouterr().err == ""


def test_text_and_bytes_are_written_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    print("a", end="")
    out.write("é\udcff")
    out.write(b"c")
    assert capfd.readouterr().out == "aé?c"


def test_exit_codes() -> None:
    """They are told in man pages, and scripts rely on them."""
    assert (out.DONE, out.FAILED, out.USAGE, out.NOT_RUNNING, out.CANNOT_LOOK) == (0, 1, 2, 3, 4)
    assert (out.TIMEOUT, out.REFUSED, out.FOREIGN) == (5, 6, 7)
