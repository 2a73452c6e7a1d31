"""The table of options: how words are taken apart, what is refused, and the usage and help made of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sysvinit_py import __version__
from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli import out
from sysvinit_py.cli.options import Option, Program, RefusedError, UsageError, Values
from sysvinit_py.vm.cli import PROGRAM as VM

REPOSITORY = Path(__file__).parents[3]

ONE = Program(
    "one",
    "Do one thing.",
    (
        Option("-q --quiet", help="nothing on standard error"),
        Option("-n", "N", "how many", int, 3),
        Option("--color", "WHEN", "of the text", ("auto", "never"), "auto"),
        Option("--command", "COMMAND"),
        Option("--bind", "SRC", "may be given again", many=True, complete="folder"),
        Option("file", "FILE", "what to read", required=True),
        Option("more", "MORE", "what to read after it", many=True, complete="file"),
    ),
)
COMMON = (Option("--pid", "N", "the process", int, 1), Option("--json", help="for programs"))
MANY = Program(
    "many",
    "Do many things.",
    COMMON,
    verbs=(
        Program("status", "what runs", (Option("-a --all"), Option("ids", "ID", many=True))),
        Program("stop", "end it", (Option("-t", "SECONDS"), Option("ids", "ID", many=True, required=True))),
        Program("lint", "another program", (Option("words", "WORD", many=True),), passes=True),
    ),
    default="status",
)


def told(program: Program, *words: str) -> dict[str, Any]:
    """What differs from the defaults."""
    found = vars(program.parse(words))
    rows = [row for part in (program, *program.verbs) for row in part.rows]
    defaults = {row.attribute: row.default for row in rows}
    return {name: value for name, value in found.items() if value not in (False, [], defaults.get(name))}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["f"], {"file": "f"}),
        (["-q", "f"], {"quiet": True, "file": "f"}),
        (["f", "--quiet"], {"quiet": True, "file": "f"}),
        (["-n", "5", "f"], {"n": 5, "file": "f"}),
        (["-n5", "f"], {"n": 5, "file": "f"}),
        (["-n", "-5", "f"], {"n": -5, "file": "f"}),
        (["-qn5", "f"], {"quiet": True, "n": 5, "file": "f"}),
        (["-qn", "5", "f"], {"quiet": True, "n": 5, "file": "f"}),
        (["--color=never", "f"], {"color": "never", "file": "f"}),
        (["--color", "never", "f"], {"color": "never", "file": "f"}),
        (["--command=a=b", "f"], {"command": "a=b", "file": "f"}),
        (["--command=", "f"], {"command": "", "file": "f"}),
        (["--command", "--quiet", "f"], {"command": "--quiet", "file": "f"}),
        (["--command", "--", "f"], {"command": "--", "file": "f"}),
        (["--bind", "a", "f", "--bind=b"], {"bind": ["a", "b"], "file": "f"}),
        (["f", "g", "h"], {"file": "f", "more": ["g", "h"]}),
        (["--", "-q", "--", "g"], {"file": "-q", "more": ["--", "g"]}),
        (["-"], {"file": "-"}),
        (["-q", "", "g"], {"quiet": True, "more": ["g"], "file": ""}),
    ],
    ids=" ".join,
)
def test_words_are_taken_apart_as_by_getopt_long(words: list[str], expected: dict[str, Any]) -> None:
    assert told(ONE, *words) == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "the following arguments are required: FILE"),
        (["--nonsense", "f"], "unrecognized arguments: --nonsense"),
        (["f", "g", ""], "argument MORE: '' is not a file name"),
        (["--bind=", "f"], "argument --bind: '' is not a file name"),
        (["--nonsense=3", "f"], "unrecognized arguments: --nonsense"),
        (["-qx", "f"], "unrecognized arguments: -x"),
        (["--quie", "f"], "unrecognized arguments: --quie"),
        (["-n", "x", "f"], "argument -n: invalid literal for int() with base 10: 'x'"),
        (["-n"], "argument -n: expected one argument"),
        (["f", "--color"], "argument --color: expected one argument"),
        (["--color=red", "f"], "argument --color: invalid choice: 'red' (choose from auto, never)"),
        (["--quiet=yes", "f"], "argument --quiet: takes no value, not 'yes'"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_named(words: list[str], reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ONE.run(lambda _: 0, words) == out.USAGE
    assert capfd.readouterr() == ("", f"one: error: {reason} (one --help lists the options)\n")


def test_long_options_are_abbreviated_where_that_is_allowed() -> None:
    program = ONE.replace(prefixes=True)
    assert told(program, "--quie", "--col=never", "f") == {"quiet": True, "color": "never", "file": "f"}
    with pytest.raises(UsageError, match="ambiguous option: --co could match --color, --command"):
        program.parse(["--co", "x"])
    whole = program.replace(rows=(Option("--in"), Option("--init")))
    assert told(whole, "--in") == {"in": True}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"verb": "status"}),
        (["-a"], {"verb": "status", "all": True}),
        (["--pid", "5", "-a", "x"], {"verb": "status", "pid": 5, "all": True, "ids": ["x"]}),
        (["--json", "status", "x", "y"], {"verb": "status", "json": True, "ids": ["x", "y"]}),
        (["--pid", "5", "stop", "a", "-t3", "b"], {"verb": "stop", "pid": 5, "t": "3", "ids": ["a", "b"]}),
        (["stop", "a", "--pid=7"], {"verb": "stop", "pid": 7, "ids": ["a"]}),
        (["status", "stop"], {"verb": "status", "ids": ["stop"]}),
        (["status", "--", "-a"], {"verb": "status", "ids": ["-a"]}),
        (["--json", "lint", "--x", "--", "-h"], {"verb": "lint", "json": True, "words": ["--x", "--", "-h"]}),
    ],
    ids=" ".join,
)
def test_verbs(words: list[str], expected: dict[str, Any]) -> None:
    assert told(MANY, *words) == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["frob"], "argument VERB: invalid choice: 'frob' (choose from status, stop, lint)"),
        (["stop"], "the following arguments are required: ID"),
        (["-a", "status"], "unrecognized arguments: -a"),
        (["stop", "-a", "x"], "unrecognized arguments: -a"),
    ],
    ids=" ".join,
)
def test_wrong_verbs(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        MANY.parse(words)
    assert str(caught.value) == f"{reason} (many --help lists the options)"


def test_a_verb_is_required_if_none_is_the_default() -> None:
    with pytest.raises(UsageError, match="required: VERB"):
        MANY.replace(default="").parse([])


def test_usage() -> None:
    assert ONE.usage() == [
        "one [--quiet] [-n N] [--color WHEN] [--command COMMAND] [--bind SRC]... FILE [MORE]...",
        "one --help | --version",
    ]
    assert MANY.usage() == [
        "many status [--pid N] [--json] [--all] [ID]...",
        "many stop [--pid N] [--json] [-t SECONDS] ID...",
        "many lint [--pid N] [--json] [WORD]...",
        "many --help | --version",
    ]
    flags = tuple(Option(f"--flag-{n}") for n in range(9))
    assert Program("x", "", flags).usage()[0] == "x [OPTION]..."
    assert Program("x", "", flags, forms=("--flag-1", "--flag-2")).usage()[:2] == ["x --flag-1", "x --flag-2"]


def test_help(capfd: pytest.CaptureFixture[str]) -> None:
    wide = Option("--a-long-option", "AND-ITS-VALUE", "is on a line of its own")
    program = ONE.replace(rows=(*ONE.rows, wide), epilog="The end.")
    assert program.run(lambda _: pytest.fail("it acts"), ["-q", "--help", "--nonsense"]) == 0
    text, wrong = capfd.readouterr()
    assert wrong == ""
    assert text.startswith("usage: one [--quiet]")
    assert "\n\nDo one thing.\n\n  FILE                  what to read\n" in text
    assert "\n  -q, --quiet           nothing on standard error\n" in text
    assert f"\n  --a-long-option AND-ITS-VALUE\n{' ' * 24}is on a line of its own\n" in text
    assert text.endswith("\n\nThe end.\n")


def test_help_of_verbs(capfd: pytest.CaptureFixture[str]) -> None:
    assert MANY.run(lambda _: pytest.fail("it acts"), ["--help"]) == 0
    assert "\n  stop                  end it\n" in capfd.readouterr().out
    assert MANY.run(lambda _: pytest.fail("it acts"), ["stop", "-h"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("usage: many stop [--pid N] [--json] [-t SECONDS] ID...\n")
    assert "--pid N" in text


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert MANY.run(lambda _: pytest.fail("it acts"), ["--version"]) == 0
    assert capfd.readouterr().out == f"many (sysvinit_py) {__version__}\n"


def raising(error: BaseException) -> Any:
    def act(_: Values) -> int:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RefusedError("one\ntwo\x1b"), 5, "one: one\none: two\\x1b\n"),
        (UsageError("a\nb"), 2, "one: error: a\\nb\n"),
        (FileNotFoundError(2, "No such file", "a\nb"), 5, "one: a\\nb: No such file\n"),
        (OSError(2, "No such file", "a", None, "b"), 5, "one: b: No such file\n"),
        (PermissionError(1, "Not permitted"), 5, "one: Not permitted\n"),
        (OSError("timed out"), 5, "one: timed out\n"),
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), 5, "one: interrupted\n"),
    ],
    ids=repr,
)
def test_errors_are_lines_and_a_status(
    error: BaseException, status: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ONE.replace(failed=5).run(raising(error), ["f"]) == status
    assert capfd.readouterr() == ("", said)


PROGRAM = """\
import sys
from sysvinit_py.cli.options import Program
def act(values):
    print("x" * 100_000)
    return 0
sys.exit(Program("one", "").run(act))
"""


@pytest.mark.parametrize("options", [[], ["--help"]], ids=["print", "help"])
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">/dev/full", 1, "one: cannot write: No space left on device\n"),
        (">&-", 0, ""),
        ("2>&- >/dev/full", 1, ""),
        ("2>/dev/full >/dev/full", 1, ""),
    ],
)
def test_where_nobody_can_read_it(options: list[str], redirection: str, status: int, said: str) -> None:
    """Neither a traceback nor Python's own status 120."""
    shell = ["sh", "-c", f'exec "$0" "$@" {redirection}', sys.executable, "-c", PROGRAM, *options]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if options == [] and redirection == ">&-":
        assert "Traceback" not in done.stderr
    assert (done.returncode, done.stderr) in ((status, said), (status, said.replace("cannot write: ", "")))


@pytest.mark.parametrize("options", [[], ["--help"]], ids=["print", "help"])
def test_a_reader_that_has_gone(options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", PROGRAM, *options]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, cwd=REPOSITORY)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_it_imports_nothing_that_takes_long() -> None:
    """Guards the start time: argparse takes longer to import than a small program takes to run."""
    code = (
        "import sys; before = set(sys.modules); import sysvinit_py.cli.options;"
        "print(*(set(sys.modules) - before), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-Sc", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert {name for name in done.stdout.split() if not name.startswith("sysvinit_py")} == {"__future__"}


def test_no_program_takes_an_empty_word_for_the_current_directory() -> None:
    """As ``--root "$UNSET"`` would make it one: Path("") is the current directory."""
    for program in (*PROGRAMS, VM):
        for row in program.rows:
            if row.kind is Path:
                with pytest.raises(UsageError, match="'' is not a file name"):
                    row.read("")


def test_an_empty_word_too_many_is_shown() -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: ''"):
        Program("none", "Do nothing.").parse([""])
