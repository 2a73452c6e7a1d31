"""The command line: options, exit statuses, and what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.tools.lint import cli
from sysvinit_py.tools.lint import run as running

REPOSITORY = Path(__file__).parents[4]

GOOD = """id:2:initdefault:
si::sysinit:/etc/init.d/rcS
~~:S:wait:/sbin/sulogin
l0:06:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
ca::ctrlaltdel:/sbin/shutdown -r now
"""
WARNED = GOOD + "c6:2:respawn:/sbin/getty 38400 tty1\n"
REFUSED = GOOD + "x:2:twice:/x\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs it in an empty folder; returns status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run_it(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        sys.stderr.flush()
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return run_it


@pytest.fixture
def inittab(tmp_path: Path) -> Path:
    path = tmp_path / "inittab"
    path.write_text(GOOD)
    return path


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        (GOOD, [], 0),
        (GOOD, ["--strict"], 0),
        (GOOD.replace("l0:06:", "l0:066:"), ["--strict"], 0),  # an info
        (WARNED, [], 0),
        (WARNED, ["--strict"], 1),
        (WARNED, ["--strict", "--ignore", "INT3"], 0),
        (WARNED, ["--strict", "--select", "INT1,INT2"], 0),
        (WARNED, ["--strict", "--select", "getty-id"], 1),
        (REFUSED, [], 1),
        (REFUSED, ["--ignore", "unknown-action"], 0),
    ],
)
def test_status(text: str, options: list[str], status: int, run: Run, inittab: Path) -> None:
    inittab.write_text(text)
    assert run("inittab", *options)[0] == status


def test_findings_go_to_stdout_and_the_rest_to_stderr(run: Run, inittab: Path) -> None:
    assert run("inittab") == (
        0,
        "",
        "inittab-lint: inittab: no --target given, guessed sysvinit_py\ninittab-lint: nothing found\n",
    )
    inittab.write_text(REFUSED)
    status, out, err = run("inittab", "--target=sysvinit-3.06")
    assert (status, err) == (1, "inittab-lint: 1 error, 0 warnings, 0 info\n")
    assert out.startswith(
        "inittab:7:5: error: twice: unknown action field [INT107 unknown-action]\n 7 | x:2:twice:/x\n"
    )
    assert run("inittab", "-q")[2] == ""


def test_the_target_is_guessed_for_each_file(run: Run, inittab: Path, tmp_path: Path) -> None:
    (tmp_path / "bb").write_text("::sysinit:/etc/init.d/rcS\n")
    assert run("inittab", "bb")[2].split("\n")[:2] == [
        "inittab-lint: inittab: no --target given, guessed sysvinit_py",
        "inittab-lint: bb: no --target given, guessed busybox",
    ]


@pytest.mark.parametrize("name", ["text", "gcc", "json", "sarif", "github"])
def test_formats(name: str, run: Run, inittab: Path) -> None:
    inittab.write_text(REFUSED)
    status, out, _ = run("inittab", "--format", name)
    assert status == 1
    assert "INT107" in out
    inittab.write_text(GOOD)
    status, out, _ = run("inittab", "--format", name)
    assert status == 0
    assert out == "" or json.loads(out) is not None


def test_colour(run: Run, inittab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inittab.write_text(REFUSED)
    assert "\x1b" not in run("inittab")[1]
    assert "\x1b" in run("inittab", "--color=always")[1]
    assert "\x1b" not in run("inittab", "--color=never")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" in run("inittab")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("inittab")[1]


def test_fix(run: Run, inittab: Path) -> None:
    inittab.write_text(REFUSED.replace("/sulogin\n", "/sulogin \n"))
    inittab.chmod(0o600)
    status, out, err = run("inittab", "--fix")
    assert inittab.read_text() == REFUSED
    assert inittab.stat().st_mode & 0o777 == 0o600
    assert status == 1  # what is left
    assert out.startswith("inittab:7:5: error")
    assert err.endswith("inittab-lint: 1 file repaired\ninittab-lint: 1 error, 0 warnings, 0 info\n")
    before = inittab.stat()
    assert "repaired" not in run("inittab", "--fix")[2]
    assert inittab.stat() == before


def test_diff(run: Run, inittab: Path) -> None:
    text = REFUSED.replace("/sulogin\n", "/sulogin \n").replace("twice", "oncee")
    inittab.write_text(text)
    status, out, err = run("inittab", "--diff")
    assert status == 1
    assert [line for line in out.split("\n") if line[:1] in "+-"] == [
        "--- inittab",
        "+++ inittab",
        "-~~:S:wait:/sbin/sulogin ",
        "+~~:S:wait:/sbin/sulogin",
        "",
    ]
    assert "1 file would be repaired" in err
    assert "+x:2:once:/x" in run("inittab", "--diff", "--unsafe-fixes")[1]
    assert inittab.read_text() == text
    inittab.write_text(GOOD)
    assert run("inittab", "--diff")[:2] == (0, "")


def test_root(run: Run, tmp_path: Path) -> None:
    etc = tmp_path / "image" / "etc"
    etc.mkdir(parents=True)
    (etc / "inittab").write_text(GOOD)
    status, out, _ = run("--root", "image", "--strict", "--format=gcc")
    assert status == 1
    assert out.startswith(
        "image/etc/inittab:2:13: warning: /etc/init.d/rcS does not exist under image [INT401]\n"
    )


def test_fragment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x:2:once:/x\n")
    (tmp_path / "x.tab").write_text("x:2:once:/x\n")
    assert run("x", "--strict")[0] == 1
    assert run("x", "--strict", "--fragment")[0] == 0
    assert run("x.tab", "--strict")[0] == 0


def test_stdin(run: Run, tmp_path: Path) -> None:
    (tmp_path / "given").write_text(REFUSED)
    saved = os.dup(0)
    try:
        for arguments, status, begin in (
            (["-"], 1, "<stdin>:7:5: error"),
            (["-", "--stdin-filename=etc/inittab"], 1, "etc/inittab:7:5: error"),
        ):
            with (tmp_path / "given").open() as file:
                os.dup2(file.fileno(), 0)
            result = run(*arguments)
            assert result[0] == status
            assert result[1].startswith(begin)
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def test_config(run: Run, inittab: Path, tmp_path: Path) -> None:
    inittab.write_text(WARNED)
    config = tmp_path / ".inittab-lint.cfg"
    config.write_text("[inittab-lint]\nstrict = yes\nformat = gcc\ntarget = sysvinit-3.06\n")
    status, out, err = run("inittab")
    assert status == 1
    assert out.endswith("[INT301]\n")
    assert "guessed" not in err
    assert run("inittab", "--isolated")[0] == 0
    config.write_text("[inittab-lint]\nstrict = yes\nignore = INT301\n")
    assert run("inittab")[0] == 0
    assert run("inittab", "--ignore=INT302")[0] == 1  # the command line counts
    (tmp_path / "other.cfg").write_text("[inittab-lint]\nselect = INT1\nstrict = yes\n")
    assert run("inittab", "--config=other.cfg")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense (inittab-lint --help lists the options)"),
        (["--format=xml"], "argument --format: invalid choice: 'xml'"),
        (["--target=upstart"], "argument --target: invalid choice: 'upstart'"),
        (["--select=INT9", "inittab"], "there is no rule INT9 (inittab-lint --list-rules lists all)"),
        (["--ignore=nope", "inittab"], "there is no rule nope"),
        (["--explain=INT999"], "there is no rule INT999"),
        (["--root=nowhere"], "nowhere: No such file or directory"),
        (["nowhere"], "nowhere: No such file or directory"),
        (["--config=nowhere"], "nowhere: No such file or directory"),
        (["a\nb"], "a\\nb: No such file or directory"),
        (["--config=bad.cfg", "inittab"], "bad.cfg: unknown target 'upstart'; known are sysvinit_py, "),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, run: Run, inittab: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.cfg").write_text("[inittab-lint]\ntarget = upstart\n")
    status, out, err = run("-q", *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith(f"inittab-lint: {said}")
    assert err.count("\n") == 1


def test_nothing_is_repaired_before_the_config_is_understood(run: Run, inittab: Path, tmp_path: Path) -> None:
    """Regression: an unknown format was said once the files had been rewritten."""
    inittab.write_text(GOOD + "y:2:once:/y \n")
    (tmp_path / ".inittab-lint.cfg").write_text("[inittab-lint]\nformat = xml\n")
    assert run("inittab", "--fix")[0] == 2
    assert inittab.read_text() == GOOD + "y:2:once:/y \n"


def test_a_working_directory_that_is_gone_has_no_config(run: Run, inittab: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert run(str(inittab), "-q") == (0, "", "")


def test_one_that_cannot_be_read_does_not_hide_the_others(run: Run, inittab: Path) -> None:
    inittab.write_text(REFUSED)
    status, out, err = run("nowhere", "inittab", "--target=sysvinit_py")
    assert status == 2
    assert "INT107" in out
    assert err == (
        "inittab-lint: nowhere: No such file or directory\ninittab-lint: 1 error, 0 warnings, 0 info\n"
    )


def test_explain_and_list(run: Run) -> None:
    status, out, err = run("--explain", "INT301")
    assert (status, err) == (0, "")
    assert out.startswith("INT301 getty-id (warning)\n\nA getty's id names another terminal")
    assert run("--explain", "getty-id")[1] == out
    status, out, err = run("--list-rules")
    assert (status, err) == (0, "")
    assert out.startswith("INT001  warning  not-an-inittab ")


@pytest.mark.parametrize(
    ("option", "begin"), [("--version", "inittab-lint "), ("--help", "usage: inittab-lint ")]
)
def test_version_and_help(option: str, begin: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([option])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(begin)


def test_many_findings_are_cut_short(run: Run, inittab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_FINDINGS", 3)
    inittab.write_text("x\n" * 10)
    status, out, err = run("inittab", "--format=gcc")
    assert status == 1
    assert out.count("\n") == 3
    assert "only the first 3 findings are shown" in err
    assert "10 errors" in err


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">/dev/full", 2, "inittab-lint: cannot write: No space left on device\n"),
        (">&-", 2, "inittab-lint: standard output is closed\n"),
        ("2>&- >/dev/null", 1, ""),
        ("| true", 0, ""),
    ],
)
def test_where_output_goes(redirection: str, status: int, said: str, inittab: Path) -> None:
    inittab.write_text(REFUSED)
    command = f"{sys.executable} -m sysvinit_py.tools.lint.cli --quiet {inittab} {redirection}"
    done = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)


def test_whoever_reads_may_go(run: Run, inittab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    inittab.write_text(REFUSED)
    saved = os.dup(1)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Gone()))
    try:
        assert cli.main(["inittab", "-q"]) == 1
    finally:
        os.dup2(saved, 1)
        os.close(saved)
