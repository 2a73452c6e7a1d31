"""Every rule of behaviour/inittab about lines and fields, and every reason of behaviour/messages#both."""

from __future__ import annotations

import time

import pytest

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import MAX_LINE, Entry, Problem, Span
from sysvinit_py.inittab.parser import Document, Line, parse


def document(text: str | bytes) -> Document:
    return parse(text if isinstance(text, bytes) else text.encode(), "inittab")


def only_entry(text: str | bytes) -> Entry:
    found = document(text)
    assert found.problems == ()
    (entry,) = found.entries
    return entry


def only_problem(text: str | bytes) -> Problem:
    found = document(text)
    assert found.entries == ()
    (problem,) = found.problems
    return problem


def fields(entry: Entry) -> tuple[str, str, str, str]:
    return entry.id, entry.runlevels, entry.action, entry.process


def at_fault(text: str, problem: Problem) -> str:
    """The characters that the problem's span covers."""
    assert problem.span
    return text[problem.span.start - 1 : problem.span.end - 1]


# ---- lines that are skipped, but counted ----


@pytest.mark.parametrize("text", ["", " ", "\t", " \t \t"])
def test_blank(text: str) -> None:
    assert document(text + "\n").lines == (Line(1, text, "blank"),)


@pytest.mark.parametrize(
    "text", ["#", "# a:2:wait:x", "  \t# x", "##", "#\0", "#\r", "#" + "x" * 2 * MAX_LINE]
)
def test_comment(text: str) -> None:
    assert document(text + "\n").lines == (Line(1, text, "comment"),)


def test_skipped_lines_are_counted() -> None:
    found = document("# one\n\n  \n\t# four\na:2:wait:x\n#six\n\nbad\n\n")
    kinds = ["comment", "blank", "blank", "comment", "entry", "comment", "blank", "refused", "blank"]
    assert [line.kind for line in found.lines] == kinds
    assert [line.number for line in found.lines] == list(range(1, 10))
    assert (found.entries[0].line, found.problems[0].line) == (5, 8)


@pytest.mark.parametrize("text", ["\f", "\v", "\r", "\x85", "\u2028", "\u00a0", "\ufeff"])
def test_only_space_and_tab_are_blank(text: str) -> None:
    assert only_problem(text).reason.startswith("missing action field")


@pytest.mark.parametrize("character", ["\r", "\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_a_newline_ends_a_line(character: str) -> None:
    found = document(f"a:2:wait:x{character}b:2:wait:y\n")
    assert len(found.lines) == 1
    assert found.entries[0].process == f"x{character}b:2:wait:y"


# ---- the end of the file ----


@pytest.mark.parametrize(
    ("text", "texts", "final_newline"),
    [
        ("", [], False),
        ("\n", [""], True),
        ("\n\n", ["", ""], True),
        ("a:2:wait:x", ["a:2:wait:x"], False),
        ("a:2:wait:x\n", ["a:2:wait:x"], True),
        ("a:2:wait:", ["a:2:wait:"], False),
        ("a:2:wait:\n ", ["a:2:wait:", " "], False),
        ("# no end", ["# no end"], False),
        ("bad", ["bad"], False),
    ],
)
def test_final_newline(text: str, texts: list[str], final_newline: bool) -> None:
    found = document(text)
    assert [line.text for line in found.lines] == texts
    assert found.final_newline is final_newline


def test_the_last_entry_needs_no_newline() -> None:
    # C 3.14 drops it: behaviour/inittab#lines.
    assert [entry.id for entry in document("a:2:wait:x\nb:2:wait:y").entries] == ["a", "b"]


# ---- entries ----


def test_an_entry_knows_where_it_stands() -> None:
    found = document("# comment\n \tab:23:Wait:/bin/x -y\n").entries[0]
    spans = (Span(3, 5), Span(6, 8), Span(9, 13), Span(14, 23))
    assert found == Entry("ab", "23", "wait", "/bin/x -y", "inittab", 2, spans)


def test_spans_count_characters() -> None:
    text = "\u00e9:2:wait:\u20ac \N{GRINNING FACE}"
    found = only_entry(text)
    assert found.spans == (Span(1, 2), Span(3, 4), Span(5, 9), Span(10, 13))
    assert fields(found) == ("\u00e9", "2", "wait", "\u20ac \N{GRINNING FACE}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:2:wait:x", ("a", "2", "wait", "x")),
        ("abcd:2:wait:x", ("abcd", "2", "wait", "x")),
        ("  \ta:2:wait:x", ("a", "2", "wait", "x")),
        # Everywhere else whitespace belongs to the field.
        ("a b :2:wait:x", ("a b ", "2", "wait", "x")),
        ("a: 2 :wait:x", ("a", " 2 ", "wait", "x")),
        ("a:2:wait: x \t", ("a", "2", "wait", " x \t")),
        # A comment is a line of its own.
        ("a#:2:wait:x # y", ("a#", "2", "wait", "x # y")),
        ("a:::x", None),
        ("a::wait:x", ("a", "", "wait", "x")),
        ("a:01234567890:wait:x", ("a", "01234567890", "wait", "x")),
        ("a:no level:wait:x", ("a", "no level", "wait", "x")),
        ("a:2:wait:", ("a", "2", "wait", "")),
        ("a:2:wait:x:y::z:", ("a", "2", "wait", "x:y::z:")),
        # CRLF: only \n ends a line.
        ("a:2:wait:x\r", ("a", "2", "wait", "x\r")),
        ("\f:2:wait:x", ("\f", "2", "wait", "x")),
    ],
)
def test_fields(text: str, expected: tuple[str, str, str, str] | None) -> None:
    found = document(text)
    assert [fields(entry) for entry in found.entries] == ([expected] if expected else [])


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_in_any_case(action: str) -> None:
    for written in (action, action.upper(), action.title(), action[:2] + action[2:].upper()):
        assert only_entry(f"a:2:{written}:x").action == action


def test_bytes_that_are_no_utf8_are_kept() -> None:
    found = document(b"\xff\xc3:\xfe:wait:\x80\xe2\x82\n# \xff\n\xffbad\n")
    assert fields(found.entries[0]) == ("\udcff\udcc3", "\udcfe", "wait", "\udc80\udce2\udc82")
    assert [line.text for line in found.lines[1:]] == ["# \udcff", "\udcffbad"]


# ---- lines that are refused ----

ACTION_EXPECTED = "(expected one of sysinit, boot, "


@pytest.mark.parametrize(
    ("text", "reason", "span", "characters"),
    [
        (":2:wait:x", "missing id field (expected 1 to 4 characters", (1, 1), ""),
        (" \t:2:wait:x", "missing id field (expected 1 to 4 characters", (3, 3), ""),
        ("a", "missing action field (expected id:runlevels:action:process)", (2, 2), ""),
        ("a:", "missing action field (expected id:", (3, 3), ""),
        ("a:2", "missing action field (expected id:", (4, 4), ""),
        ("a:2::x", f"missing action field {ACTION_EXPECTED}", (5, 5), ""),
        ("a:2:", "missing process field (expected a third colon", (5, 5), ""),
        ("a:2:wait", "missing process field (expected a third colon", (9, 9), ""),
        ("abcde:2:wait:x", "id field too long (max 4 characters), this one has 5 bytes", (1, 6), "abcde"),
        (" a cde:2:wait:x", "id field too long (max 4 characters), this one has 5 bytes", (2, 7), "a cde"),
        ("\u00e9" * 3 + ":2:wait:x", "id field too long (max 4 characters)", (1, 4), "\u00e9" * 3),
        ("a:012345678901:wait:x", "rlevel field too long (max 11 characters)", (3, 15), "012345678901"),
        ("a:2:waiting:x", f"waiting: unknown action field {ACTION_EXPECTED}", (5, 12), "waiting"),
        ("a:2: wait:x", f" wait: unknown action field {ACTION_EXPECTED}", (5, 10), " wait"),
        ("\u00e9:2:w\u00e4it:x", f"w\u00e4it: unknown action field {ACTION_EXPECTED}", (5, 9), "w\u00e4it"),
        ("a:2:wa\x1bit:x", f"wa\\x1bit: unknown action field {ACTION_EXPECTED}", (5, 10), "wa\x1bit"),
        ("a:2:" + "w" * 33 + ":x", "action field too long (max 32 characters)", (5, 38), "w" * 33),
        ("a:2:w\0ait:x", "NUL byte in the line", (6, 7), "\0"),
        ("\0", "NUL byte in the line", (1, 2), "\0"),
        (" \0# no comment", "NUL byte in the line", (2, 3), "\0"),
    ],
)  # fmt: skip
def test_refused(text: str, reason: str, span: tuple[int, int], characters: str) -> None:
    for newline in ("", "\n"):
        problem = only_problem(text + newline)
        assert problem.reason.startswith(reason)
        assert problem.span == Span(*span)
        assert at_fault(text, problem) == characters
        assert (problem.file, problem.line) == ("inittab", 1)


@pytest.mark.parametrize("character", ["x", "\u00e9", "\N{GRINNING FACE}"])
def test_the_longest_line(character: str) -> None:
    filler = character.encode() * (MAX_LINE // len(character.encode()))
    start = b"a:2:wait:"
    good = start + filler[: MAX_LINE - len(start)]
    assert len(good) == MAX_LINE
    assert only_entry(good).process == good[len(start) :].decode(errors="surrogateescape")
    problem = only_problem(good + b"y\n")
    assert problem.reason == (
        f"process field too long (max {MAX_LINE - 9} characters), a line has up to {MAX_LINE} bytes"
    )
    assert problem.span
    assert problem.span.start == 10
    assert problem.span.end == 10 + len((good + b"y")[len(start) :].decode(errors="surrogateescape"))


def test_blanks_before_the_id_are_part_of_the_line() -> None:
    assert only_problem(" " * MAX_LINE + "a:2:wait:x").reason.startswith("process field too long (max 0 ")


@pytest.mark.parametrize(
    "text", ["x" * 5000 + ":2:wait:x", "a:" + "2" * 5000 + ":wait:x", "a:2:" + "w" * 5000 + ":x", "x" * 5000]
)
def test_a_line_may_be_too_long_in_any_field(text: str) -> None:
    assert " too long (max " in only_problem(text).reason


@pytest.mark.parametrize(
    ("text", "named"),
    [
        # Each fault with one that is named before it; what Debian's 3.06 says of these lines is the same.
        (":2:nonsense:x", "missing id field"),
        (":2:wait", "missing process field"),
        (":2:", "missing process field"),
        (":2", "missing action field"),
        (":", "missing action field"),
        ("::", "missing process field"),
        (":::", "missing action field"),
        (":2::x", "missing action field"),
        ("abcde", "id field too long"),
        ("abcde:2", "id field too long"),
        ("abcde:2:", "id field too long"),
        ("abcde:2:wait", "id field too long"),
        ("abcde:2::x", "id field too long"),
        ("abcde:2:nonsense:x", "id field too long"),
        (":012345678901:wait:x", "rlevel field too long"),
        ("abcde:012345678901:wait:x", "rlevel field too long"),
        ("a:012345678901", "rlevel field too long"),
        ("a:012345678901:", "rlevel field too long"),
        ("a:012345678901::x", "rlevel field too long"),
        ("a:012345678901:nonsense:x", "rlevel field too long"),
        ("abcde:2:wait:" + "x" * 5000, "process field too long"),
        ("a:012345678901:wait:" + "x" * 5000, "process field too long"),
        ("a:2::" + "x" * 5000, "process field too long"),
        ("a:2:nonsense:" + "x" * 5000, "process field too long"),
        (":2:" + "w" * 33 + ":x", "action field too long"),
        ("abcde:2:" + "w" * 33, "action field too long"),
        ("a:2:" + "w" * 33, "action field too long"),
        ("a:012345678901:" + "w" * 33 + ":x", "action field too long"),
        ("a:2:" + "w" * 33 + ":" + "x" * 5000, "action field too long"),
        (":012345678901:nonsense:\0", "NUL byte"),
    ],
)
def test_of_several_faults_the_last_found_is_named(text: str, named: str) -> None:
    assert only_problem(text).reason.startswith(named)


@pytest.mark.parametrize(
    "bad", ["bad", ":2:wait:x", "abcde:2:wait:x", "x:2:nonsense:x", "\0", "x" * 5000, "a:2:"]
)
def test_a_refused_line_leaves_the_others_alone(bad: str) -> None:
    found = document(f"a:2:wait:x\n{bad}\nb:2:wait:y\n")
    assert [entry.id for entry in found.entries] == ["a", "b"]
    assert [problem.line for problem in found.problems] == [2]
    assert found.lines[1] == Line(2, bad, "refused", problem=found.problems[0])


# ---- ids stand once ----


def test_of_a_repeated_id_the_first_line_wins() -> None:
    found = document("a:2:wait:x\n  a:3:once:y\na:4:off:z\n")
    assert [entry.process for entry in found.entries] == ["x"]
    assert [str(problem) for problem in found.problems] == [
        'inittab[2]: duplicate ID field "a", the first one is in line 1',
        'inittab[3]: duplicate ID field "a", the first one is in line 1',
    ]
    assert [problem.span for problem in found.problems] == [Span(3, 4), Span(1, 2)]
    assert [line.kind for line in found.lines] == ["entry", "refused", "refused"]


def test_only_two_tildes_may_repeat() -> None:
    found = document("~~:S:wait:x\n~~:2:once:y\n~:S:wait:x\n~:S:wait:y\n")
    assert [entry.line for entry in found.entries] == [1, 2, 3]
    assert [problem.line for problem in found.problems] == [4]


def test_ids_are_compared_byte_by_byte() -> None:
    assert len(document("a:2:wait:x\nA:2:wait:x\na :2:wait:x\n").entries) == 3


def test_a_refused_line_takes_no_id() -> None:
    found = document("a:2:nonsense:x\na:2:wait:y\n")
    assert [entry.process for entry in found.entries] == ["y"]


def test_an_id_stands_once_in_all_files() -> None:
    seen: dict[str, Entry] = {}
    parse(b"a:2:wait:x\n~~:S:wait:x\n", "/etc/inittab", seen)
    second = parse(b"b:2:wait:y\n~~:S:wait:y\na:2:wait:z\n", "/etc/inittab.d/x.tab", seen)
    assert [entry.id for entry in second.entries] == ["b", "~~"]
    reason = 'duplicate ID field "a", the first one is in /etc/inittab[1]'
    assert [str(problem) for problem in second.problems] == [f"/etc/inittab.d/x.tab[3]: {reason}"]


def test_a_duplicate_is_named_so_that_a_console_can_show_it() -> None:
    (problem,) = document(b"\xff\x1b:2:wait:x\n" * 2).problems
    assert problem.reason.startswith('duplicate ID field "\\xff\\x1b"')


# ---- size ----


def test_lines_are_counted_across_the_blocks_that_the_grammar_gets() -> None:
    lines = [f"{number:x}:2:wait:{'x' * (number % 90)}" for number in range(5000)]
    found = document("\n".join(lines))
    assert [line.text for line in found.lines] == lines
    assert [entry.line for entry in found.entries] == list(range(1, 5001))
    assert not found.problems


@pytest.mark.timed
def test_ten_thousand_entries_take_no_time() -> None:
    text = "".join(f"{n:x}:2345:respawn:/sbin/getty -L 38400 tty{n} vt100\n" for n in range(10_000)).encode()
    start = time.process_time()
    assert len(parse(text, "inittab").entries) == 10_000
    assert time.process_time() - start < 2
