"""What the linter calls bash does not work in dash, and what it does not, works; so too behind an exec."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.targets import SYSVINIT_3_06, SYSVINIT_PY, Target

DASH = shutil.which("dash")

pytestmark = pytest.mark.skipif(DASH is None, reason="no dash here")


def run(command: str, folder: Path) -> str:
    """What dash prints, errors included."""
    assert DASH
    done = subprocess.run(
        [DASH, "-c", command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=10,
        env={"PATH": "/bin:/usr/bin"},
    )
    return (done.stdout + done.stderr).strip()


def codes(process: str, target: Target) -> set[str]:
    return {finding.code for finding in check([("x.tab", f"x::once:{process}\n".encode())], target)}


@pytest.mark.parametrize(
    ("process", "meant"),
    [
        # The command, and what bash prints.
        ("echo a >& f; cat f", "a"),
        ("[[ 1 = 1 ]] && echo a", "a"),
        ("cat <<< a", "a"),
        ("echo $'a'", "a"),
        ("source /dev/null && echo a", "a"),
        ("function f() { echo a; }; f", "a"),
        ("[ 1 == 1 ] && echo a", "a"),
        ("echo {a,b} ;", "a b"),
        ("x=(a b); echo a", "a"),
        ("cat <(echo a)", "a"),
        ("echo a |& cat", "a"),
        ("x=abc; echo ${x//a/b}", "bbc"),
        ("x=abc; echo ${x:1}", "bc"),
        ("x=abc; echo ${x^^}", "ABC"),
        ("echo -e 'a'", "a"),
        ("let x=1+1; echo $x", "2"),
        ("declare x=a; echo $x", "a"),
    ],
)
def test_bashisms(process: str, meant: str, tmp_path: Path) -> None:
    assert run(process, tmp_path) != meant
    assert "INT503" in codes(process, SYSVINIT_PY)


@pytest.mark.parametrize(
    ("process", "meant"),
    [
        ("echo a >f 2>&1; cat f", "a"),
        ("[ 1 = 1 ] && echo a", "a"),
        ("echo a | cat", "a"),
        (". /dev/null && echo a", "a"),
        ("f() { echo a; }; f", "a"),
        ("x=abc; echo ${x#a} ${x%c} ${x:-d}", "bc ab abc"),
        ("echo '{a,b} [[ <<< |& >& x $x'", "{a,b} [[ <<< |& >& x $x"),
        ('echo "{a,b} [[ <<< |& >& x"', "{a,b} [[ <<< |& >& x"),
        ("echo $((1+1)) $(echo a) `echo b`", "2 a b"),
        ("cat <<EOF", ""),
        ("echo a 2>&- <&-", "a"),
        ("{ echo a; echo b; }", "a\nb"),
        ("printf 'a\\n'", "a"),
    ],
)
def test_what_is_sh(process: str, meant: str, tmp_path: Path) -> None:
    printed = run(process, tmp_path)
    assert printed == meant or "here-document" in printed
    assert "INT503" not in codes(process, SYSVINIT_PY)


@pytest.mark.parametrize(
    ("process", "works"),
    [
        ("echo a; echo b", False),
        ("echo a && echo b", False),
        ("false || echo b", False),
        ("X=1 sh -c 'echo b'", False),
        ("(echo b)", False),
        ("{ echo b; }", False),
        ("! echo b", False),
        ("if true; then echo b; fi", False),
        ("exec echo b >&1", False),
        ("cd / ; echo b", False),
        ("echo a | echo b", True),
        ("echo a & echo b", True),
        ("echo b >&1", True),
        ("echo 'b' ;", True),
        ("test b = c || echo b", False),
    ],
)
def test_behind_exec(process: str, works: bool, tmp_path: Path) -> None:
    assert "b" in run(process, tmp_path).split("\n")
    lines = run(f"exec {process}", tmp_path).split("\n")
    assert ("b" in lines) == works
    assert ("INT502" in codes(process, SYSVINIT_3_06)) == (not works)


@pytest.mark.parametrize("process", ["echo 'a", 'echo "a', "echo a\\"])
def test_open_quotes(process: str, tmp_path: Path) -> None:
    assert "INT504" in codes(process, SYSVINIT_PY)
    assert run(process, tmp_path) != "a"
