"""The completions that are made of the tables, in the shells that are here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sysvinit_py.build import completion
from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli.options import Program
from sysvinit_py.lint.targets import TARGETS
from tests.unit.cli.test_options import MANY

FILES = completion.files()
SHELLS = completion.BASH, completion.ZSH, completion.FISH
#: Stands in for the program, which a shell asks for the rules.
LINT = """\
inittab-lint() { printf '%s\\n' 'INT301  warning  getty-id  x' 'INT302  warning  shared  x'; }
"""


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell} here")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.name))
def test_each_has_all_options_and_choices(program: Program) -> None:
    for path, text in FILES.items():
        if path not in {shell.path.format(name=program.name) for shell in SHELLS}:
            continue
        for row in program.options:
            for name in row.names.split():
                written = (
                    f"-{'l' if name[1] == '-' else 's'} {name.lstrip('-')}"
                    if path.startswith("fish")
                    else name
                )
                assert written in text, (path, name)
            if not callable(row.kind):
                assert " ".join(row.kind) in text, (path, row.names)


@pytest.mark.parametrize("path", FILES)
def test_the_shell_understands_it(path: str) -> None:
    shell = path.partition("/")[0].partition("-")[0]
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    done = subprocess.run(
        [shell, "-n"], input=FILES[path], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.returncode, done.stderr) == (0, "")


def bash(text: str, name: str, typed: list[str], cwd: Path) -> list[str]:
    script = f"""{LINT}
        eval "$1"; shift
        COMP_WORDS=({name} "$@"); COMP_CWORD=$#
        _{name.replace("-", "_")}; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    command = ["bash", "-c", script, "bash", text, *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["--tar"], ["--target"]),
        (["--target", "sysvinit-3"], ["sysvinit-3.06", "sysvinit-3.14"]),
        (["--target", "=", "busy"], ["busybox"]),
        (["--target", "="], [*TARGETS]),
        (["--format", "s"], ["sarif"]),
        (["--select", "INT101,INT30"], ["INT101,INT301", "INT101,INT302"]),
        (["--explain", "getty"], ["getty-id"]),
        (["-q", "a f"], ["a file"]),
        (["--root", "a"], ["a folder"]),
        (["--stdin-filename", "a f"], ["a file", "a folder"]),
    ],
    ids=lambda words: " ".join(words),
)
@needs("bash")
def test_bash(typed: list[str], offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    found = bash(FILES["bash-completion/completions/inittab-lint"], "inittab-lint", typed, tmp_path)
    assert sorted(found) == sorted(offered + (["a folder"] if typed == ["-q", "a f"] else []))


@needs("bash")
def test_bash_has_nothing_for_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    text = FILES["bash-completion/completions/inittab-try"]
    assert bash(text, "inittab-try", ["--level", ""], tmp_path) == [""]


@needs("bash")
def test_bash_executes_nothing_of_an_id(tmp_path: Path) -> None:
    """Guards against compgen, which expands its words: an inittab, of a container too, may be an enemy's."""
    text = FILES["bash-completion/completions/inittab"]
    told = r"inittab() { printf '%s\n' '$(touch x)' '`touch y`' 'e$Z' '~~' a:b 't;1' '\\xe9'; }"
    for verb in ("status", "stop", "restart", "history", "wait", "health"):
        assert bash(f"{told}; {text}", "inittab", [verb, ""], tmp_path) == ["~~", "a:b"]
    assert not [*tmp_path.iterdir()]


@needs("bash")
def test_bash_knows_the_services(tmp_path: Path) -> None:
    """Those of $SVDIR; a name that means something to a shell is not offered."""
    for name in ("web", "we b", "$(touch x)", "db"):
        (tmp_path / "services" / name).mkdir(parents=True)
    text = f"export SVDIR=services; {FILES['bash-completion/completions/sv']}"
    assert sorted(bash(text, "sv", ["restart", ""], tmp_path)) == ["db", "web"]
    assert sorted(bash(text, "sv", ["-w", "9", "status", "w"], tmp_path)) == ["web"]
    assert bash(text, "sv", ["resta"], tmp_path) == ["restart"]
    assert [path.name for path in tmp_path.iterdir()] == ["services"]


VERBS = [
    (["st"], ["status", "stop"]),
    (["--js"], ["--json"]),
    (["status", "--a"], ["--all"]),
    (["--json", "stop", "--al"], []),
    (["stop", "--p"], ["--pid"]),
]


@pytest.mark.parametrize(("typed", "offered"), VERBS, ids=lambda words: " ".join(words))
@needs("bash")
def test_bash_and_verbs(typed: list[str], offered: list[str], tmp_path: Path) -> None:
    text = completion.text(completion.BASH, MANY)
    assert [word for word in bash(text, "many", typed, tmp_path) if word] == offered


@pytest.mark.parametrize(
    ("path", "typed", "offered"),
    [
        ("inittab-lint", "inittab-lint --tar", ["--target"]),
        ("inittab-lint", "inittab-lint --format s", ["sarif"]),
        ("inittab-lint", "inittab-lint --select INT101,INT30", ["INT101,INT301", "INT101,INT302"]),
        ("inittab-try", "inittab-try --level ", []),
        *(("many", " ".join(["many", *typed]), offered) for typed, offered in VERBS),
    ],
)
@needs("fish")
def test_fish(path: str, typed: str, offered: list[str], tmp_path: Path) -> None:
    text = FILES.get(f"fish/vendor_completions.d/{path}.fish") or completion.text(completion.FISH, MANY)
    program = "function inittab-lint; printf '%s\\n' 'INT301 w getty-id x' 'INT302 w shared x'; end\n"
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"{text}{program}complete -C '{typed}'"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == offered
