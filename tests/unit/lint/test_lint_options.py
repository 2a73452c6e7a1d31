"""INT8: comments with options."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.fixes import repair
from sysvinit_py.lint.targets import ALL, OURS, SYSVINIT_PY
from tests.unit.lint.lint import findings, found

WEB = "web:2345:respawn:/usr/sbin/httpd -f\n"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# inittab: log size=1M keep=3 main stop=QUIT grace=5", []),
        ("# inittab-file: log-to=/var/log/inittab log=raw grace=25", []),
        ("# inittab: lgo x=1", ["1:12-15 INT801", "1:16-19 INT801"]),
        ("# inittab-file: size=1", ["1:17-23 INT805"]),
        ("# inittab:\tstop=9 main=1", ["1:12-18 INT802", "1:19-25 INT802"]),
        ("# inittab: log\n# inittab: log", ["2:12-15 INT803"]),
        ("# inittab:", ["1:1-11 INT804"]),
        ("x:2:once:/x\n# inittab-file: grace=1", ["2:1-16 INT805"]),
        ("# inittab: size=1 keep=1", ["1:12-18 INT806", "1:19-25 INT806"]),
        ("# inittab: log\n# inittab: size=1", []),
        ("# inittab: stop=INT\n\n# x:3:wait:/x", ["3:1-14 INT807"]),
        ("# inittab: stop=INT\n# like so: a: b: c", []),
        ("## inittab: stop=INT\n# x:3:wait:/x", []),
    ],
)
def test_above_an_entry(comment: str, expected: list[str]) -> None:
    assert found(f"{comment}\n{WEB}") == expected


@pytest.mark.parametrize(
    ("action", "word", "expected"),
    [
        ("wait", "main", ["main does nothing for wait"]),
        ("sysinit", "log", ["log does nothing for sysinit"]),
        ("bootwait", "log", ["log does nothing for bootwait"]),
        ("boot", "log", []),
        ("initdefault", "grace=1", ["grace does nothing for initdefault"]),
        ("off", "grace=1", []),
    ],
)
def test_what_does_nothing(action: str, word: str, expected: list[str]) -> None:
    text = f"# inittab: {word}\nx:2:{action}:/x\n"
    assert [f.message for f in findings(text) if f.code == "INT806"] == expected


def test_below_all_entries() -> None:
    assert found(f"{WEB}# inittab: log\n#\n # inittab: main") == [
        "2:1-11 INT804",
        "4:2-12 INT804",
        "4:17-17 INT604",
    ]


def test_a_refused_line_takes_its_options_along() -> None:
    assert found("# inittab: main\nx:2:twice:/x\ny:2:wait:/y\n") == ["2:5-10 INT107"]


def test_each_file_is_for_itself() -> None:
    assert found("# inittab: main\n", path="etc/inittab.d/x.tab") == ["1:1-11 INT804"]


def test_messages_say_what_was_expected() -> None:
    (finding,) = findings(f"# inittab: grace=8s\n{WEB}")
    assert finding.message == "grace=8s: bad value"
    assert finding.hint == "expected grace= with seconds, such as 8 or 2.5, up to 86400"
    assert finding.severity == "error"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("# inittab: grase=20", "# inittab: grace=20"),
        ("# inittab: log Main", "# inittab: log main"),
        ("# inittab-file: logto=/x", "# inittab-file: log-to=/x"),
    ],
)
def test_a_near_miss_is_repaired(written: str, meant: str) -> None:
    text = f"{written}\n{WEB}"
    (finding,) = findings(text)
    assert finding.hint.startswith("did you mean ")
    files = (("inittab", text.encode()),)
    repaired = repair(files, lambda files: check(files, SYSVINIT_PY, fragment=True), unsafe=True)
    assert repaired == (("inittab", f"{meant}\n{WEB}".encode()),)


def test_other_inits_take_them_for_comments() -> None:
    text = f"# inittab: no such=words\n{WEB}"
    for target in ALL:
        codes = {f.code for f in findings(text, target)}
        assert ("INT801" in codes) == (target in OURS)


@pytest.mark.parametrize(
    "place", ["# inittab-lint: disable=INT801\n{}\n", "{}\n# inittab-lint: disable=INT801\n"]
)
def test_they_are_excused_above_the_entry(place: str) -> None:
    """Regression: a comment that turns rules off was for the entry's line alone, not for comments above."""
    assert found(place.format("# inittab: later=1") + WEB) == []


def test_excused_below_all_entries() -> None:
    assert found(f"{WEB}# inittab-lint: disable=INT804\n# inittab: log\n") == []


def test_many_faults_are_no_burden() -> None:
    """A comment of a megabyte is one line."""
    assert len(found("# inittab:" + " x" * 20_000 + f"\n{WEB}")) == 10_001
