"""Comments with options: what they may say, what is wrong with others, and whom they are for."""

from __future__ import annotations

import signal

import pytest

from sysvinit_py.inittab import plain
from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import NO_OPTIONS, EntryOptions, FileOptions, Reading, Span
from sysvinit_py.inittab.options import OF_ENTRY, OF_FILE, Comments, of_entry
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.inittab.wire import decode, encode

ENTRY = "a:2S:once:/a\n"
ONE_OF_ENTRY = "one of log, size=, keep=, main, stop=, grace="
ONCE = "(expected once; the first one counts)"
ONE_OF_FILE = "one of log-to=, log=, grace="


def read(*texts: str) -> Reading:
    """Read files; whatever the plain reader takes, it reads as the grammar does."""
    sources = tuple(
        Source(f"/etc/{number}", text.encode(errors="surrogateescape")) for number, text in enumerate(texts)
    )
    reading = interpret(sources)
    through = decode(encode(reading))
    assert plain.read(sources) == (None if reading.problems else through)
    assert [entry.options for entry in through.entries] == [entry.options for entry in reading.entries]
    assert through.files == reading.files
    return reading


def options(comment: str) -> EntryOptions:
    """What a comment says of the entry below it."""
    reading = read(f"{comment}\n{ENTRY}")
    assert reading.problems == ()
    return reading.entries[0].options


def faults(text: str) -> list[str]:
    """What is wrong with a file: the line, the columns, why."""
    found = []
    for problem in read(text).problems:
        assert problem.span
        assert problem.reason.isprintable()
        found.append(f"{problem.line}:{problem.span.start}-{problem.span.end} {problem.reason}")
    return found


# ---- what they may say ----


def test_tables_and_records_have_the_same_words() -> None:
    for table, record in ((OF_ENTRY, EntryOptions()), (OF_FILE, FileOptions())):
        assert {"text", *(word.replace("-", "_") for word in table)} == set(record._fields)


def test_all_options_of_an_entry() -> None:
    assert options("# inittab: log size=1M keep=5 main stop=QUIT grace=2.5") == EntryOptions(
        "log size=1M keep=5 main stop=QUIT grace=2.5", True, 1 << 20, 5, True, signal.SIGQUIT, 2.5
    )


def test_all_options_of_a_file() -> None:
    reading = read(f"# inittab-file: log-to=/var/log/inittab log=json\n# inittab-file: grace=25\n{ENTRY}")
    text = "log-to=/var/log/inittab log=json grace=25"
    assert reading.files == (("/etc/0", FileOptions(text, "/var/log/inittab", "json", 25.0)),)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("size=1", 1), ("size=65536", 65536), ("size=64K", 65536), ("size=2M", 2 << 20),
        ("keep=1", 1), ("keep=010", 10),
        ("stop=TERM", signal.SIGTERM), ("stop=SIGTERM", signal.SIGTERM), ("stop=KILL", signal.SIGKILL),
        ("stop=WINCH", signal.SIGWINCH), ("stop=RTMIN", signal.SIGRTMIN), ("stop=RTMAX", signal.SIGRTMAX),
        ("stop=RTMIN+3", signal.SIGRTMIN + 3), ("stop=SIGRTMAX-1", signal.SIGRTMAX - 1),
        ("grace=0", 0.0), ("grace=8", 8.0), ("grace=0.25", 0.25), ("grace=86400", 86400.0),
    ],
)  # fmt: skip
def test_values(word: str, value: float) -> None:
    found = options(f"# inittab: {word}")
    assert getattr(found, word.partition("=")[0]) == value
    assert found.text == word


@pytest.mark.parametrize("to", ["/", "/var/log/\u00e9", "stdout", "syslog"])
def test_where_a_log_may_go(to: str) -> None:
    assert read(f"# inittab-file: log-to={to}\n{ENTRY}").files[0][1].log_to == to


@pytest.mark.parametrize(
    "comment",
    ["#inittab:log main", "\t # \tinittab: \t log\tmain  ", "# inittab :log main\r",
     "# inittab: log\n\n# inittab: main", "# inittab: log\n# a comment\n \t\n# inittab: main"],
)  # fmt: skip
def test_form(comment: str) -> None:
    assert options(comment) == EntryOptions("log main", log=True, main=True)


@pytest.mark.parametrize(
    "comment",
    ["# inittab", "# /etc/inittab: x", "# inittab-lint: disable=INT301", "## inittab: log",
     "# # inittab: log", "# Inittab: log", "# the inittab: log", "# inittab-files: log", "#",
     "# inittab log"],
)  # fmt: skip
def test_other_comments_say_nothing(comment: str) -> None:
    """Two # are for those who make comments of many lines at once: it is not for another entry then."""
    assert options(comment) is NO_OPTIONS


# ---- whom they are for ----


def test_they_are_for_the_next_entry_only() -> None:
    reading = read(f"# inittab: stop=QUIT\n{ENTRY}b:2:once:/b\n# inittab: main\nc:2:once:/c\n")
    assert [entry.options.text for entry in reading.entries] == ["stop=QUIT", "", "main"]


@pytest.mark.parametrize("line", ["x:2:twice:/x", "a:2:once:/again", "nothing"])
def test_with_a_refused_entry_they_are_gone(line: str) -> None:
    reading = read(f"{ENTRY}# inittab: main\n{line}\nb:2:once:/b\n")
    assert [entry.options for entry in reading.entries] == [NO_OPTIONS, NO_OPTIONS]
    assert len(reading.problems) == 1


def test_each_file_has_its_own() -> None:
    reading = read(
        f"# inittab-file: grace=1\n{ENTRY}", "b:2:once:/b\n", "# inittab-file: grace=3\nc:2:once:/c\n"
    )
    assert [(path, of_file.grace) for path, of_file in reading.files] == [("/etc/0", 1.0), ("/etc/2", 3.0)]


def test_a_file_without_entries_has_options_too() -> None:
    assert read("# inittab-file: grace=1\n").files[0][1].grace == 1.0


def test_they_are_not_for_the_next_file() -> None:
    reading = read("# inittab: main\n", ENTRY)
    assert [str(problem) for problem in reading.problems] == [
        "/etc/0[1]: inittab comment without an entry (expected one below it)"
    ]
    assert reading.entries[0].options is NO_OPTIONS


# ---- what is wrong ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# inittab: lgo", f"1:12-15 lgo: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: Log", f"1:12-15 Log: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: =", f"1:12-13 =: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: log,main", f"1:12-20 log,main: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: a\x1b[m", f"1:12-16 a\\x1b[m: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: \udcff", f"1:12-13 \\xff: unknown option (expected {ONE_OF_ENTRY})"),
        ("# inittab: " + "x" * 99, f"1:12-111 {'x' * 80}: unknown option (expected {ONE_OF_ENTRY})"),
        ("#\tinittab-file:\ttto=x", f"1:17-22 tto=x: unknown option (expected {ONE_OF_FILE})"),
        ("# inittab:", f"1:1-11 inittab comment without an option (expected {ONE_OF_ENTRY})"),
        (" # inittab-file: ", f"1:2-17 inittab-file comment without an option (expected {ONE_OF_FILE})"),
        ("# inittab: main=yes", "1:12-20 main=yes: bad value (expected main without a value)"),
        ("# inittab: main=", "1:12-17 main=: bad value (expected main without a value)"),
        ("# inittab: log=json", "1:12-20 log=json: bad value (expected log without a value)"),
        ("# inittab: log log", f"1:16-19 log: repeated option {ONCE}"),
        ("# inittab: grace=1\n# inittab: grace=2", f"2:12-19 grace=2: repeated option {ONCE}"),
        ("# inittab-file: log=raw\n# inittab-file: log=json",
         f"2:17-25 log=json: repeated option {ONCE}"),
        ("# inittab: log-to=/x",
         "1:12-21 log-to=/x: misplaced option (expected after # inittab-file:, above all entries)"),
        ("# inittab-file: main", "1:17-21 main: misplaced option (expected after # inittab:)"),
        ("x:2:once:/x\n# inittab-file: grace=1",
         "2:1-16 misplaced inittab-file comment (expected it above all entries)"),
    ],
)  # fmt: skip
def test_faults(text: str, expected: str) -> None:
    assert faults(f"{text}\n{ENTRY}") == [expected]


@pytest.mark.parametrize(
    ("option", "expected", "values"),
    [
        ("size", "bytes, such as 65536, 64K or 1M",
         ["", "0", "0K", "K", "-1", "1k", "1G", "1.5M", "9" * 10, "\u0661", "1_0", "0x10", "+1"]),
        ("keep", "a number of files, at least 1", ["", "0", "-1", "1K", "many", "\u00b2", "9" * 5000]),
        ("stop", "the name of a signal, such as QUIT or RTMIN+3",
         ["", "SIG", "15", "0", "quit", "SIG_IGN", "_IGN", "SIGSIGQUIT", "RTMIN-1", "RTMIN+0", "RTMIN+31",
          "RTMAX+1"]),
        ("grace", "seconds, such as 8 or 2.5, up to 86400",
         ["", "8s", "-1", "1.", ".5", "1.2.3", "1e3", "inf", "nan", "86400.1", "86401", "0x8", "1,5",
          "9" * 400]),
    ],
)  # fmt: skip
def test_bad_values(option: str, expected: str, values: list[str]) -> None:
    for value in values:
        (fault,) = faults(f"# inittab: {option}={value}\n{ENTRY}")
        shown = ascii(f"{option}={value}"[:80])[1:-1] if not value.isprintable() else f"{option}={value}"[:80]
        assert fault.partition(" ")[2] == f"{shown}: bad value (expected {option}= with {expected})"


@pytest.mark.parametrize(
    "to", ["", "var/log", "console", "stdout,json", "/a\0", "/a\x1b", "/\udcff", "/\u2028"]
)
def test_where_a_log_may_not_go(to: str) -> None:
    (fault,) = faults(f"# inittab-file: log-to={to}\n{ENTRY}")
    assert fault.endswith(": bad value (expected log-to= with an absolute path, stdout or syslog)")


@pytest.mark.parametrize("form", ["", "text", "JSON", "prefix,json"])
def test_no_form_of_a_log(form: str) -> None:
    (fault,) = faults(f"# inittab-file: log={form}\n{ENTRY}")
    assert fault.endswith(": bad value (expected log= with prefix, json or raw)")


def test_faulty_words_cost_neither_the_entry_nor_the_others() -> None:
    reading = read(
        f"# inittab-file: x grace=3 log=x\n# inittab: grace=x stop=QUIT y stop=TERM grace=4\n{ENTRY}"
    )
    assert [problem.line for problem in reading.problems] == [1, 1, 2, 2, 2]
    assert reading.entries[0].options == EntryOptions("stop=QUIT grace=4", stop=signal.SIGQUIT, grace=4.0)
    assert reading.files == (("/etc/0", FileOptions("grace=3", grace=3.0)),)


def test_a_late_comment_for_the_file_says_nothing() -> None:
    assert read(f"{ENTRY}# inittab-file: grace=1 x\n").files == ()


def test_each_comment_without_an_entry_is_reported() -> None:
    assert [fault.partition(" ")[0] for fault in faults(f"{ENTRY}# inittab: log\n\n # inittab: main\n")] == [
        "2:1-11",
        "4:2-12",
    ]


def test_as_many_faults_as_there_may_be_are_not_all_listed() -> None:
    reading = read("# inittab:" + " x" * 150 + "\nx:2:once:/x\n")
    assert len(reading.problems) == 101
    assert str(reading.problems[-1]) == "50 more problems of inittab are not listed"


# ---- for which actions ----


@pytest.mark.parametrize(
    ("option", "without"),
    [
        ("log", {"sysinit", "bootwait", "initdefault", "off"}),
        ("size", {"sysinit", "bootwait", "initdefault", "off"}),
        ("keep", {"sysinit", "bootwait", "initdefault", "off"}),
        ("main", set(ACTIONS) - {"once", "respawn", "ondemand"}),
        ("stop", {"initdefault", "off"}),
        ("grace", {"initdefault", "off"}),
    ],
)
def test_for_which_actions_they_do_nothing(option: str, without: set[str]) -> None:
    assert {name for name, action in ACTIONS.items() if not OF_ENTRY[option].acts_on(action)} == without


def test_the_first_fault_is_found_without_a_look_at_the_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """PID 1 leaves the file to the grammar then: a line of 64 KiB once took it 160 ms."""
    made: list[Span] = []

    def span(start: int, end: int) -> Span:
        made.append(Span(start, end))
        return made[-1]

    monkeypatch.setattr("sysvinit_py.inittab.options.Span", span)
    problems = Comments("f").take(1, "# inittab:" + " a" * 30_000)
    assert "unknown option" in next(problems).reason
    assert len(made) == 2  # of the comment, and of the word


def test_the_words_for_the_next_entry() -> None:
    """Where they stand is the linter's to know."""
    comments = Comments("f")
    assert not any(comments.take(7, "# inittab: log grace=5"))
    assert [(word.name, word.text, word.value, word.line, word.span) for word in comments.of_entry] == [
        ("log", "log", True, 7, Span(12, 15)),
        ("grace", "grace=5", 5.0, 7, Span(16, 23)),
    ]
    comments.skip()
    assert comments.of_entry == ()


def test_options_of_another_version_are_passed_over() -> None:
    """As a state has them that an older or newer init has left."""
    assert of_entry("later=5 stop=QUIT") == EntryOptions("stop=QUIT", stop=3)
    assert of_entry("") is NO_OPTIONS


@pytest.mark.parametrize("text", ["", "log", "log size=1K keep=2", "stop=QUIT grace=2.5"])
def test_options_of_their_text(text: str) -> None:
    """As they are handed over at re-execution."""
    options = of_entry(text)
    assert options.text == text
    assert options.log == text.startswith("log")
    assert (options.grace, options.stop) == ((2.5, 3) if "QUIT" in text else (None, 0))
