"""Whatever the bytes are: reading them never fails, loses nothing, and means what behaviour/inittab says."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import Entry, Problem, Reading, Span
from sysvinit_py.inittab.parser import Line, parse
from sysvinit_py.inittab.wire import decode, encode

settings.register_profile("inittab", deadline=None, max_examples=400)
everything = settings(settings.get_profile("inittab"))

# ---- texts that come near to an inittab, and texts that do not ----

odd = st.sampled_from(
    [
        b"",
        b" ",
        b"\t",
        b"\r",
        b"\f",
        b"\0",
        b"#",
        b":",
        b"+",
        b"@",
        b"~~",
        b"\xff",
        "\u00e9".encode(),
        b"\x85",
    ]
)


def field(*usual: bytes, longest: int) -> st.SearchStrategy[bytes]:
    anything = st.binary(max_size=longest + 2).map(lambda data: data.replace(b"\n", b"").replace(b":", b""))
    tight = st.integers(longest - 1, longest + 1).map(lambda size: b"x" * size)
    return st.one_of(st.sampled_from(usual), odd, anything, tight)


any_case = st.sampled_from(tuple(ACTIONS)).flatmap(
    lambda name: st.lists(st.booleans(), min_size=len(name), max_size=len(name)).map(
        lambda upper: "".join(c.upper() if up else c for c, up in zip(name, upper, strict=True)).encode()
    )
)
entry_lines = st.tuples(
    st.sampled_from([b"", b" ", b"\t "]),
    st.lists(
        st.tuples(
            field(b"a", b"b", b"ab", b"~~", longest=4),
            field(b"2", b"2345", b"S", b"", longest=11),
            st.one_of(any_case, field(b"wait", b"wait ", longest=32)),
            field(b"/bin/x", b"x:y:z", b"", longest=4080),
        ),
        min_size=1,
        max_size=1,
    ),
    st.integers(1, 4),
).map(lambda made: made[0] + b":".join(made[1][0][: made[2]]))
some_lines = st.one_of(entry_lines, odd, st.binary(max_size=40), st.just(b"# comment"))
texts = st.one_of(
    st.binary(max_size=200),
    st.lists(some_lines, max_size=12).map(b"\n".join),
)


# ---- behaviour/inittab, said once more ----


def meaning(line: bytes) -> str | list[bytes]:
    """What behaviour/inittab#lines says of a line alone: its fields, its kind, or the words of a reason."""
    text = line.lstrip(b" \t")
    if not text or text.startswith(b"#"):
        return "comment" if text else "blank"
    if b"\0" in line:
        return "NUL byte"
    fields = text.split(b":", 3)
    id, runlevels, action = (fields + [b""] * 3)[:3]
    named = "" if action.decode("latin-1").lower() in ACTIONS else "unknown action field"
    for fault, words in (
        (not id, "missing id field"),
        (len(fields) == 3, "missing process field"),
        (len(fields) < 3 or (len(fields) == 4 and not action), "missing action field"),
        (len(id) > 4, "id field too long"),
        (len(runlevels) > 11, "rlevel field too long"),
        (len(fields) == 4 and len(line) > 4096, "process field too long"),
        (len(action) > 32, "action field too long"),
    ):
        named = words if fault else named
    return named or [id, runlevels, action.lower(), fields[3]]


def decoded(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def check(line: Line, raw: bytes, seen: set[bytes]) -> None:
    expected = meaning(raw)
    if isinstance(expected, list) and expected[0] in seen and expected[0] != b"~~":
        expected = "duplicate ID field"
    if isinstance(expected, list):
        seen.add(expected[0])
        assert line.kind == "entry"
        assert line.entry
        assert list(line.entry.astuple()[:4]) == [decoded(field) for field in expected]
    elif expected in ("blank", "comment"):
        assert line.kind == expected
    else:
        assert line.kind == "refused"
        assert line.problem
        assert expected in line.problem.reason


@everything
@given(texts)
@example(b"x" * 4087 + b"\na:2:wait:" + b"x" * 4087)
@example(b"a:2:wait:" + b"x" * 4088)
@example(b"a:2:\n::\n\n:")
def test_reading_never_fails_and_says_what_the_spec_says(data: bytes) -> None:
    document = parse(data, "file")
    raw = data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]
    assert [line.text for line in document.lines] == [decoded(line) for line in raw]
    assert [line.number for line in document.lines] == list(range(1, len(raw) + 1))
    assert document.final_newline == data.endswith(b"\n")
    seen: set[bytes] = set()
    for line, text in zip(document.lines, raw, strict=True):
        check(line, text, seen)
    assert document.entries == tuple(line.entry for line in document.lines if line.entry)
    assert document.problems == tuple(line.problem for line in document.lines if line.problem)


@everything
@given(texts)
def test_columns_are_in_the_line_and_fields_are_where_they_say(data: bytes) -> None:
    for line in parse(data, "file").lines:
        if line.entry:
            id, runlevels, action, process = (
                line.text[at.start - 1 : at.end - 1] for at in line.entry.spans or ()
            )
            entry = line.entry
            assert (id, runlevels, action.lower(), process) == entry.astuple()[:4]
        if line.problem:
            assert line.problem.span
            assert 1 <= line.problem.span.start <= line.problem.span.end <= len(line.text) + 1


@everything
@given(texts, texts)
def test_reasons_can_be_shown_and_sent(first: bytes, second: bytes) -> None:
    seen: dict[str, Entry] = {}
    documents = [parse(data, name, seen) for data, name in ((first, "a"), (second, "b"))]
    for document in documents:
        for problem in document.problems:
            assert problem.reason.isprintable()
    ids = [entry.id for document in documents for entry in document.entries if entry.id != "~~"]
    assert len(ids) == len(set(ids))


# ---- the wire ----

words = st.binary(max_size=12).map(lambda data: decoded(data.replace(b"\0", b"")))
entries = st.builds(
    Entry, words, words, st.sampled_from(tuple(ACTIONS)), words, words, st.integers(0, 1 << 31)
)
problems = st.builds(Problem, words, st.integers(0, 1 << 31), words)
readings = st.builds(
    lambda entries, problems, *flags: Reading(tuple(entries), tuple(problems), *flags),
    st.lists(entries, max_size=5), st.lists(problems, max_size=5), st.booleans(), st.booleans(),
)  # fmt: skip


@everything
@given(readings)
def test_a_reading_comes_through(reading: Reading) -> None:
    assert decode(encode(reading)) == reading


@everything
@given(readings, st.data())
def test_what_comes_through_damaged_is_refused_or_a_reading(reading: Reading, data: st.DataObject) -> None:
    sent = encode(reading)
    at = data.draw(st.integers(0, len(sent)))
    until = data.draw(st.integers(at, len(sent)))
    damaged = sent[:at] + data.draw(st.binary(max_size=4)) + sent[until:]
    try:
        got = decode(damaged)
    except ValueError:
        return
    # A changed letter within a text cannot be seen; the form is right.
    assert all(entry.action in ACTIONS for entry in got.entries)
    assert encode(got) == damaged or decode(encode(got)) == got


@everything
@given(texts)
def test_what_is_read_comes_through(data: bytes) -> None:
    document = parse(data, "file")
    sent = Reading(document.entries, document.problems)
    got = decode(encode(sent))
    assert got.entries == tuple(entry.replace(spans=None) for entry in sent.entries)
    assert got.problems == tuple(problem.replace(span=None) for problem in sent.problems)
    assert not any(isinstance(problem.span, Span) for problem in got.problems)
