"""INT5: words and the shell. What dash really does with these is tested in tests/system/lint."""

from __future__ import annotations

import pytest

from sysvinit_py.lint.targets import (
    BUSYBOX,
    SYSVINIT_2_88,
    SYSVINIT_3_06,
    SYSVINIT_3_14,
    SYSVINIT_PY,
    Target,
)
from tests.unit.lint.lint import found


@pytest.mark.parametrize(
    ("process", "between"),
    [
        ("/usr/bin/watch df >/dev/tty9", True),
        ("/sbin/agetty -I '\\033(K' tty1", True),
        ("exec /usr/bin/watch df >/dev/tty9", False),
        ("@/usr/bin/watch df >/dev/tty9", False),
        ("/usr/bin/watch df", False),
        ("/bin/a; /bin/b", False),  # exec would change it
        ("FOO=1 /bin/a", False),
        ("(/bin/a)", False),
        ("while true; do /bin/a; done", False),
    ],
)
def test_shell_in_between(process: str, between: bool) -> None:
    for target, expected in ((SYSVINIT_PY, False), (SYSVINIT_3_14, between), (SYSVINIT_3_06, False)):
        assert bool(found(f"x:2:respawn:{process}\n", target, codes=["INT501"])) == expected
    assert found(f"x:2:once:{process}\n", codes=["INT501"]) == []


@pytest.mark.parametrize(
    ("process", "lost"),
    [
        ("/bin/a && /bin/b", True),
        ("/bin/a || /bin/b", True),
        ("/bin/a; /bin/b", True),
        ("FOO=1 /bin/a", True),
        ("(/bin/a)", True),
        ("{ /bin/a; }", True),
        ("! /bin/a", True),
        ("if true; then /bin/a; fi", True),
        ("exec /bin/a >/x", True),
        ("cd / ; /bin/a", True),
        ("umask 022 >/x", True),
        ("/bin/a | /bin/b", False),
        ("/bin/a & /bin/b", False),
        ("/bin/a ;", False),
        ("/bin/a >/dev/null 2>&1", False),
        ("echo 'a && b'", False),
        ("/bin/a 'FOO=1'", False),
    ],
)
def test_lost_behind_exec(process: str, lost: bool) -> None:
    targets = ((SYSVINIT_3_06, lost), (SYSVINIT_2_88, lost), (BUSYBOX, lost), (SYSVINIT_PY, False))
    for target, expected in targets:
        assert bool(found(f"x::once:{process}\n", target, codes=["INT502"])) == expected


@pytest.mark.parametrize(
    ("process", "columns", "in_busybox"),
    [
        ("/bin/a >& /tmp/x", "13-15", True),
        ("/bin/a &> /tmp/x", "13-15", True),
        ("/bin/a >/x 2>&1", "", False),
        ("/bin/a 2>&-", "", False),
        ("[[ a = b ]] && /bin/a", "6-8", True),
        ("/bin/cat <<< x", "15-18", True),
        ("/bin/a |& /bin/b", "13-15", True),
        ("/bin/a $'x'", "13-18", True),
        ("/bin/a '$x' $'x'", "18-23", True),
        ("source /etc/x && a", "6-12", True),
        ("/bin/a; declare x=1", "14-21", True),
        ("/bin/diff <(a) b", "16-18", True),
        ("x=(1 2); /bin/a", "6-9", True),
        ("/bin/a ${x//a/b}", "13-17", True),
        ('/bin/a "${x:1}"', "14-19", True),
        ("/bin/a ${x:-1} ${x%/*} ${x#*/}", "", False),
        ("/bin/a $RANDOM", "13-20", True),
        ("/bin/a {b,c} ;", "13-18", True),
        ("/bin/a '{b,c}' \"[[ x\" '>& x'", "", False),
        ("{ /bin/a; /bin/b; }", "", False),
        ("[ a == b ] && /bin/a", "10-12", False),
        ("[ a = b ] && /bin/a", "", False),
        ('echo -e "a"', "11-13", False),
        ('/bin/echo -e "a"', "", False),
        ("@/bin/a >& x", "", True),  # BusyBox knows no @
        ("/bin/a b", "", False),
    ],
)
def test_bashism(process: str, columns: str, in_busybox: bool) -> None:
    listed = found(f"x::b:{process}\n".replace(":b:", ":once:"), codes=["INT503"])
    shifted = [f"1:{'-'.join(str(int(c) + 3) for c in columns.split('-'))} INT503"] if columns else []
    if "$'" in process:  # only where it begins matters
        assert [item.partition("-")[0] for item in listed] == [item.partition("-")[0] for item in shifted]
    else:
        assert listed == shifted
    assert bool(found(f"::once:{process}\n", BUSYBOX, codes=["INT503"])) == in_busybox


def test_echo_behind_exec_is_the_program() -> None:
    line = 'x::once:echo -e "a"\n'
    assert found(line, SYSVINIT_3_14, codes=["INT503"]) == ["1:14-16 INT503"]
    assert found(line, SYSVINIT_3_06, codes=["INT503"]) == []


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ('/bin/echo "a', ["1:19-20 INT504"]),
        ("/bin/echo it's", ["1:21-22 INT504"]),
        ("/bin/echo a\\", ["1:20-21 INT504"]),
        ('/bin/echo "it\'s"', []),
        ("@/bin/echo it's", []),
        ("/bin/echo ok # it's a comment", []),
        ("/bin/echo 'ok' # it's a comment", []),
    ],
)
def test_open_quote(process: str, expected: list[str]) -> None:
    assert found(f"x::once:{process}\n", codes=["INT504"]) == expected


@pytest.mark.parametrize("target", [SYSVINIT_2_88, SYSVINIT_3_06, SYSVINIT_3_14])
def test_too_many_words(target: Target) -> None:
    many = " ".join("abcdefghijklmn")
    assert found(f"x:2:once:{many}\n", target, codes=["INT505"]) == []
    assert found(f"x:2:once:{many} o p\n", target, codes=["INT505"]) == ["1:38-39 INT505"]
    assert found(f"x:2:once:{many} o 'p'\n", target, codes=["INT505"]) == []
    assert found(f"x:2:once:{many} o p\n", SYSVINIT_PY, codes=["INT505"]) == []


@pytest.mark.parametrize(
    ("line", "target", "expected"),
    [
        ("x::once:/bin/a # b", SYSVINIT_PY, ["1:16-19 INT506"]),
        ("x::once:/bin/a#b", SYSVINIT_PY, ["1:15-17 INT506"]),
        ("x::once:/bin/a '#'", SYSVINIT_PY, []),
        ("x#y::once:/bin/a", SYSVINIT_PY, []),
        ("x::once:/bin/a # b", SYSVINIT_3_06, ["1:16-19 INT506"]),
        ("::once:/bin/a '#'", BUSYBOX, ["1:16-18 INT506"]),
        ("::once:/bin/a # b", BUSYBOX, []),  # Buildroot's way
        ("::once:/bin/a#b", BUSYBOX, ["1:14-16 INT506"]),
    ],
)
def test_comment_in_process(line: str, target: Target, expected: list[str]) -> None:
    assert found(line + "\n", target, codes=["INT506"]) == expected


def test_comment_behind_initdefault() -> None:
    assert found("id:3:initdefault:# three\n", codes=["INT506"]) == []


@pytest.mark.parametrize(
    ("process", "target", "expected"),
    [
        ("exec /bin/a", SYSVINIT_PY, ["1:9-13 INT508"]),
        ("+exec /bin/a", SYSVINIT_3_06, ["1:10-14 INT508"]),
        ("cd /", BUSYBOX, ["1:9-11 INT508"]),
        ("exec /bin/a >/x", SYSVINIT_PY, []),
        ("cd / && /bin/a", SYSVINIT_PY, []),
        ("echo a", SYSVINIT_PY, []),
        ("/bin/cd /", SYSVINIT_PY, []),
        ("@/bin/a >/x", SYSVINIT_PY, ["1:17-20 INT508"]),
        ("@/bin/a 2>&1", SYSVINIT_3_14, ["1:17-21 INT508"]),
        ("@/bin/a 'b c'", SYSVINIT_PY, ["1:17-19 INT508"]),
        ("@/bin/a $HOME", SYSVINIT_PY, ["1:17-22 INT508"]),
        ("@/bin/a & ", SYSVINIT_PY, ["1:17-18 INT508"]),
        ("@/bin/a b=~c (d) [e] f?", SYSVINIT_PY, []),  # what an @ is for
        ("@/bin/a >/x", SYSVINIT_2_88, []),  # it knows no @
    ],
)
def test_no_shell(process: str, target: Target, expected: list[str]) -> None:
    assert found(f"x::once:{process}\n", target, codes=["INT508"]) == expected


@pytest.mark.parametrize(
    ("process", "target", "found_it"),
    [
        ("+/bin/a", SYSVINIT_PY, False),
        ("+@/bin/a", SYSVINIT_PY, False),
        ("@/bin/a", SYSVINIT_PY, False),
        ("@+/bin/a", SYSVINIT_PY, True),
        (" +/bin/a", SYSVINIT_PY, True),
        ("+ @/bin/a", SYSVINIT_PY, True),
        ("@/bin/a", SYSVINIT_2_88, True),
        ("+/bin/a", SYSVINIT_2_88, False),
        ("+/bin/a", BUSYBOX, True),
    ],
)
def test_misplaced_flag(process: str, target: Target, found_it: bool) -> None:
    assert bool(found(f"x::once:{process}\n", target, codes=["INT507"])) == found_it
