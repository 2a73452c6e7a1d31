"""INT2: runlevels and actions."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.targets import SYSVINIT_3_06, SYSVINIT_PY
from tests.unit.lint.lint import found

#: Found in no way.
WHOLE = """
    id:2:initdefault:
    si::sysinit:/etc/init.d/rcS
    ~~:S:wait:/sbin/sulogin
    l0:0:wait:/etc/init.d/rc 0
    l2:2:wait:/etc/init.d/rc 2
    l6:6:wait:/etc/init.d/rc 6
    z6:6:respawn:/sbin/sulogin
    ca::ctrlaltdel:/sbin/shutdown -r now
    x:a:once:/etc/X11/startDM.sh
"""


def test_nothing_is_found_in_a_whole_one() -> None:
    assert found(WHOLE, fragment=False) == []


@pytest.mark.parametrize(
    ("without", "code"),
    [
        ("initdefault", "INT201"),
        ("~~:", "INT211"),
        ("l0:", "INT212"),
        ("l6:", "INT212"),
        ("ctrlaltdel", "INT213"),
        ("sysinit", "INT214"),
        ("l2:", "INT206"),
    ],
)
def test_what_is_missing(without: str, code: str) -> None:
    left = "".join(line + "\n" for line in WHOLE.split("\n") if without not in line)
    assert found(left, fragment=False) == [f"1:1-1 {code}" if code != "INT206" else "1:4-5 INT206"]
    assert found(left) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("id:35:initdefault:", ["1:4-6 INT203"]),
        ("id::initdefault:", ["1:5-16 INT203"]),
        ("id:33:initdefault:", ["1:4-6 INT210"]),
        ("id:2a:initdefault:", ["1:4-6 INT205"]),
        ("id:x:initdefault:", ["1:4-5 INT205", "1:4-5 INT208"]),
        ("id:S:initdefault:", []),
        ("id:s:initdefault:", []),
        ("id:0:initdefault:", ["1:4-5 INT204"]),
        ("id:6:initdefault:", ["1:4-5 INT204"]),
        ("id:06:initdefault:", ["1:4-6 INT203", "1:4-6 INT204"]),
        ("id:3:initdefault:/bin/x", ["1:18-24 INT219"]),
        ("x:2,3:once:/x", ["1:3-6 INT208"]),
        ("x:2-5:once:/x", ["1:3-6 INT208"]),
        ("x:2 3:once:/x", ["1:3-6 INT208"]),
        ("x:23:once:/x", []),
        ("x:233:once:/x", ["1:3-6 INT210"]),
        ("x:789:once:/x", []),
        ("x:S:once:/x", []),
        ("x:s:once:/x", []),
        ("x:06:respawn:/x", ["1:3-5 INT215"]),
        ("x::respawn:/x", ["1:4-11 INT215"]),
        ("x:6:respawn:/sbin/sulogin", []),
        ("x::once:/x", []),
        ("x:2:ondemand:/x", ["1:5-13 INT216"]),
        ("x:2b:ondemand:/x", []),
        ("x:C:ondemand:/x", []),
        ("x:a:respawn:/x", ["1:3-4 INT217"]),
        ("x:a:once:/x", []),
        ("x:a:powerfail:/x", ["1:3-4 INT217"]),
        ("x:a:off:/x", ["1:3-4 INT217"]),
        ("x:S:sysinit:/x", []),
        ("x:2:sysinit:/x", ["1:3-4 INT218"]),
        ("x:2:bootwait:/x", ["1:3-4 INT218"]),
        ("x:2:once:", ["1:5-9 INT220"]),
        ("x:2:once:+@", ["1:5-9 INT220"]),
        ("x:2:once: \t", ["1:5-9 INT220", "1:10-12 INT603"]),
        ("x:2:off:", []),
        ("x:2:off:/sbin/getty 38400 tty1", []),
    ],
)
def test_line(line: str, expected: list[str]) -> None:
    assert found(line + "\n") == expected


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("initdefault:", "initdefault", ["1:17-17 INT102"]),
        ("ca::ctrlaltdel", "si::ctrlaltdel", ["8:1-3 INT108"]),
        ("si::sysinit", "::sysinit", ["2:1-1 INT101"]),
    ],
)
def test_what_is_refused_is_not_missing_too(right: str, wrong: str, expected: list[str]) -> None:
    assert found(WHOLE.replace(right, wrong), fragment=False) == expected


def test_small_s() -> None:
    assert found("x:s:once:/x\n", SYSVINIT_3_06) == ["1:3-4 INT209"]
    assert found("x:sS:once:/x\n", SYSVINIT_3_06) == []
    assert found("x:s:sysinit:/x\n", SYSVINIT_3_06) == ["1:3-4 INT218"]
    assert found("id:s:initdefault:\n", SYSVINIT_3_06, codes=["INT209"]) == []  # there it is
    # So nothing is started in S there.
    without = WHOLE.replace("~~:S", "~~:s")
    assert found(without, SYSVINIT_3_06, fragment=False) == ["1:1-1 INT211", "3:4-5 INT209"]
    assert found(without, SYSVINIT_PY, fragment=False) == []


def test_second_initdefault() -> None:
    assert found("id:2:initdefault:\nie:3:initdefault:\nif:4:initdefault:\n") == [
        "2:6-17 INT202",
        "3:6-17 INT202",
    ]


def test_only_initdefault() -> None:
    assert found("id:3:initdefault:\n", fragment=False) == ["1:6-17 INT207"]
    assert found("id:3:initdefault:\n") == []
