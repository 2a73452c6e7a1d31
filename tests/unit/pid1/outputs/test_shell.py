"""Which lines get ``exec`` before them, and which are left whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sysvinit_py.pid1.outputs import shell


@pytest.fixture
def path(tmp_path: Path) -> str:
    for name in ("foo", "sleep", "echo", "test", "while"):
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "data").touch(mode=0o644)
    (tmp_path / "folder").mkdir()
    return f"/nowhere:{tmp_path}"


@pytest.mark.parametrize(
    "line",
    [
        "foo", "  foo", "foo $X", "foo 'a;b' \"c & d\" e\\;f", "foo >log 2>&1 </dev/null", "foo >>log",
        "foo <&-",
        "foo a=b", "foo # (a comment", "foo a#b", "foo * ?[x] ~", "foo \"it's\" '\"'", "foo ! { }",
        "/bin/sh -c 'a; b'",
    ],
)  # fmt: skip
def test_one_simple_command(line: str, path: str) -> None:
    assert shell.replaced(line, path) == f"exec {line}"


@pytest.mark.parametrize(
    "line",
    [
        "", " ", "foo; foo", "foo &", "foo && foo", "foo | foo", "(foo)", "{ foo; }", "X=1 foo", "while foo",
        "! foo",
        "exec foo", "test x", "echo $X", ". foo", "[ x ]", "nothing $X", "data $X", "folder $X",
        "/nowhere/foo $X",
        "foo `x`", "foo $(x)", 'foo "$(x)"', "foo ${X:-'}", "foo 'x", 'foo "x', "foo \\", "foo <<x",
        "foo >|x",
        "foo <>x",
        "foo &>x", "foo >&$X", "foo <(x)", "'foo' x", "\\foo $X", "$X foo", ">log foo", "foo $'a'", "-foo $X",
        "f*o",
    ],
)  # fmt: skip
def test_all_else_is_left_whole(line: str, path: str) -> None:
    assert shell.replaced(line, path) == line


@pytest.mark.parametrize("program", [name for name in ("dash", "bash") if shutil.which(name)])
def test_every_builtin_and_keyword_is_known(program: str) -> None:
    """Some are programs, too, that may do something else. The shell says which it does not look for."""
    folders = map(Path, ("/bin", "/sbin", "/usr/bin", "/usr/sbin"))
    names = {path.name for folder in folders for path in folder.iterdir()} | shell._RESERVED
    ask = 'for name; do case $(command -v -- "$name") in */*|"") ;; *) echo "$name";; esac; done'
    done = subprocess.run([program, "-c", ask, program, *names], capture_output=True, text=True, check=True)
    own = set(done.stdout.split())
    assert {"echo", "test", "while"} <= own
    assert {name for name in own if shell._is_literal(name)} <= shell._RESERVED
