"""The command line: options, exit statuses, and what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sysvinit_py.inittab.sources import MAX_BYTES, TOO_BIG
from sysvinit_py.lint import cli
from sysvinit_py.lint import run as running
from sysvinit_py.lint.formats import FORMATS

REPOSITORY = Path(__file__).parents[3]

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
        (["--select=INT99", "inittab"], "unknown rule INT99 (inittab-lint --list-rules lists all)"),
        (["--ignore=nope", "inittab"], "unknown rule nope"),
        (["--explain=INT999"], "unknown rule INT999"),
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
    assert cli.main([option]) == 0
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
    command = f"{sys.executable} -m sysvinit_py.lint.cli --quiet {inittab} {redirection}"
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


def test_exit_zero(run: Run, inittab: Path) -> None:
    inittab.write_text(REFUSED + "y:22:once:/y\n")
    for arguments in (["inittab"], ["inittab", "--diff"], ["inittab", "--strict"]):
        assert run(*arguments)[0] == 1
        assert run(*arguments, "--exit-zero")[0] == 0
    assert run("nowhere", "--exit-zero")[0] == 2


def test_statistics(run: Run, inittab: Path) -> None:
    inittab.write_text(REFUSED + "y:22:once:/y\nz:33:once:/z\n")
    status, out, err = run("inittab", "--statistics", "-q")
    assert status == 1
    assert out == run("inittab", "-q")[1]
    assert err == (
        "inittab-lint:     2 INT210 repeated-runlevel\ninittab-lint:     1 INT107 unknown-action\n"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_output_file(name: str, run: Run, inittab: Path, tmp_path: Path) -> None:
    inittab.write_text(REFUSED)
    report = tmp_path / "report"
    said = run("inittab", "-q", f"--format={name}")[1]
    assert run("inittab", "-q", f"--format={name}", "--output-file=report", "--color=always") == (1, "", "")
    assert report.read_text() == said
    report.chmod(0o600)
    inittab.write_text(GOOD)
    assert run("inittab", "-q", "--output-file=report")[0] == 0
    assert report.read_text() == ""
    assert report.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["inittab", "report"]


def test_unsafe_fixes_alone_write_nothing(run: Run, inittab: Path) -> None:
    """Regression: they did."""
    text = REFUSED.replace("/sulogin\n", "/sulogin \n").replace("twice", "oncee")
    inittab.write_text(text)
    status, out, err = run("inittab", "--unsafe-fixes")
    assert status == 1
    assert out == run("inittab")[1]
    assert err.startswith("inittab-lint: --unsafe-fixes repairs nothing without --fix")
    assert inittab.read_text() == text


@pytest.mark.parametrize("word", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_fix_makes_a_filter_of_standard_input(word: str, run: Run, tmp_path: Path) -> None:
    given, saved = tmp_path / "given", os.dup(0)

    def repaired(data: bytes, *options: str) -> tuple[int, str, str]:
        given.write_bytes(data)
        with given.open() as file:
            os.dup2(file.fileno(), 0)
        return run(word, "--fix", "-q", "--format=gcc", *options)

    try:
        name = "<stdin>" if word == "-" else word
        refused = f"{name}:7:5: error: twice: unknown action field [INT107]\n"
        text = REFUSED.replace("sulogin", "sulogin \x1b::error::\t")
        assert repaired(text.replace("::\t", "::\t ").encode())[1] == text.replace("\t", "")
        assert repaired(REFUSED.encode()) == (1, REFUSED, refused)  # also if there is nothing to repair
        assert repaired(REFUSED.encode(), "--output-file=report") == (1, REFUSED, "")
        assert (tmp_path / "report").read_text() == refused
        assert repaired(b"", "--select=INT1") == (0, "", "")
        assert repaired(REFUSED.replace("twice", "oncee").encode(), "--unsafe-fixes")[:2] == (
            0,
            REFUSED.replace("twice", "once"),
        )
        status, out, err = run(word, "given", "--fix")
        assert (status, out) == (2, "")
        assert err == f"inittab-lint: --fix makes a filter of {word}: no other FILE goes with it\n"
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def test_what_a_shell_hands_down(inittab: Path) -> None:
    inittab.write_text(REFUSED)
    command = f'{sys.executable} -m sysvinit_py.lint.cli -q --format=gcc <(cat "$0") /dev/stdin < "$0"'
    done = subprocess.run(
        ["bash", "-c", command, inittab], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert re.fullmatch(r"/dev/fd/\d+:7:5: error: .*\n/dev/stdin:7:5: error: .*\n", done.stdout)


def test_standard_input_that_does_not_wait(inittab: Path) -> None:
    """As what node.js hands down."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    command = [sys.executable, "-m", "sysvinit_py.lint.cli", "-q", "--format=gcc", "-"]
    running = subprocess.Popen(command, stdin=read_end, stdout=subprocess.PIPE, cwd=REPOSITORY)
    os.close(read_end)
    time.sleep(0.5)
    os.write(write_end, REFUSED.encode())
    os.close(write_end)
    out, _ = running.communicate()
    assert out.startswith(b"<stdin>:7:5: error")


TAB = "ca::ctrlaltdel:/sbin/halt\n"


@pytest.fixture
def etc(tmp_path: Path, inittab: Path) -> Path:
    """An inittab.d whose files repeat an id of the inittab."""
    (tmp_path / "inittab.d").mkdir()
    for name in "a.tab", "b.tab", "c.tab":
        (tmp_path / "inittab.d" / name).write_text(f"{name[0]}:2:twice:/x\n{TAB}")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["inittab"], ["a.tab:2", "b.tab:2", "c.tab:2"]),  # the id that they repeat is there
        (["inittab.d/a.tab"], ["a.tab:1", "a.tab:2"]),
        (["inittab.d/a.tab", "inittab.d/c.tab"], ["a.tab:1", "a.tab:2", "c.tab:2", "c.tab:1"]),
        (["inittab", "inittab.d/b.tab"], ["a.tab:2", "b.tab:2", "c.tab:2", "b.tab:1"]),
        (["."], ["a.tab:1", "a.tab:2", "b.tab:2", "c.tab:2", "b.tab:1", "c.tab:1"]),
    ],
)
def test_a_repeated_id_is_seen_whatever_is_named(
    named: list[str], expected: list[str], run: Run, etc: Path
) -> None:
    """Regression: a hook that named one file saw nothing of the others."""
    out = run(*named, "--select=INT107,INT108", "--format=gcc")[1]
    assert re.findall(r"[abc]\.tab:\d", "\n".join(line[:20] for line in out.split("\n"))) == expected
    before = {path: path.read_bytes() for path in (etc / "inittab.d").iterdir()}
    (etc / "inittab.d/b.tab").write_text("x:22:once:/x\n")
    run(*named, "--fix")
    after = {path: path.read_bytes() for path in before}
    changed = {str(path.relative_to(etc)) for path in before if after[path] == b"x:2:once:/x\n"}
    assert changed == ({"inittab.d/b.tab"} if "inittab.d/b.tab" in named or named == ["."] else set())


def test_one_id_in_several_files_is_shown_together(run: Run, etc: Path) -> None:
    out = run(".", "--select=INT107,INT108")[1]
    (block,) = [block for block in out.split("\n\n") if "INT108" in block]
    assert [line[:21] for line in block.split("\n") if "error:" in line] == [
        f"./inittab.d/{name}.tab:2:1" for name in "abc"
    ]
    found = json.loads(run(".", "--select=INT108", "--format=json")[1])
    assert [finding["first"] for finding in found] == [{"path": "./inittab", "line": 6}] * 3
    (sarif,) = json.loads(run(".", "--select=INT108", "--format=sarif")[1])["runs"]
    for result in sarif["results"]:
        (first,) = result["relatedLocations"]
        assert first["physicalLocation"]["region"] == {"startLine": 6}


@pytest.mark.parametrize("target", ["sysvinit-2.88", "busybox"])
@pytest.mark.parametrize("named", [["."], ["inittab.d"], ["inittab", "inittab.d/a.tab", "inittab.d/b.tab"]])
def test_a_target_that_does_not_read_inittab_d(target: str, named: list[str], run: Run, etc: Path) -> None:
    """Regression: it got errors from there, and its entries counted."""
    if target == "busybox":
        (etc / "inittab").write_text("::sysinit:/etc/init.d/rcS\n")
    status, out, _ = run(*named, f"--target={target}", "--format=gcc")
    assert status == 0
    assert {line[-9:] for line in out.split("\n") if "inittab.d" in line} == {" [INT003]"}
    assert run("inittab", f"--target={target}", "--strict")[0] == 0


def test_folders_in_depth(run: Run, tmp_path: Path) -> None:
    seen = ("a/etc/inittab", "b/c/etc/inittab.d/x.tab", "boards/x.inittab")
    for name in (*seen, ".git/inittab", "n/inittab/y"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x:2:twice:/x\n")
    (tmp_path / "loop").symlink_to(".")
    out = run(".", "--select=INT107", "--format=gcc")[1]
    assert re.findall("^[^:]+", out, re.MULTILINE) == [f"./{name}" for name in seen]
    status, out, err = run("n", "-q")
    assert (status, out) == (2, "")
    assert err == "inittab-lint: n: holds neither inittab nor inittab.d\n"


def test_limits_are_those_of_init(run: Run, tmp_path: Path) -> None:
    """Regression: the linter took half of what init does for no inittab."""
    (tmp_path / "inittab.d").mkdir()
    comment = b"#" * 99 + b"\n"
    data = comment * (MAX_BYTES // 100)
    (tmp_path / "inittab").write_bytes(data)
    (tmp_path / "inittab.d/a.tab").write_bytes(b"#" * (MAX_BYTES - len(data)))
    assert run(".", "--select=INT1")[0] == 0
    (tmp_path / "inittab.d/a.tab").write_bytes(b"#" * (MAX_BYTES - len(data) + 1))
    assert run(".", "-q", "--select=INT1") == (2, "", f"inittab-lint: ./inittab.d/a.tab: {TOO_BIG}\n")


@pytest.mark.parametrize(
    ("target", "levels", "status"),
    [("container", "2", 0), ("container", "3", 1), ("sysvinit_py", "2", 2), ("sysvinit-3.06", "2", 2)],
)
def test_an_image_with_inittab_d_alone(
    target: str, levels: str, status: int, run: Run, tmp_path: Path
) -> None:
    """Regression: it could not be checked, though init starts a container with it."""
    (tmp_path / "etc/inittab.d").mkdir(parents=True)
    (tmp_path / "etc/inittab.d/x.tab").write_text(f"id:2:initdefault:\nx:{levels}:once:x\n")
    assert run("-q", "--target", target, "--root", str(tmp_path))[0] == status
