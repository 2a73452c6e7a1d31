"""The plain reader and the grammar agree about all that the plain reader takes."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from sysvinit_py.inittab import plain
from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.inittab.entry import NO_OPTIONS, SULOGIN, Reading
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source
from sysvinit_py.inittab.wire import decode, encode

IDS = st.sampled_from(
    [b"1", b"2", b"si", b"l0", b"~~", b"ab cd", b" x", b"#c", b"", b"\xc3\xa9", b"\xff", b"longer"]
)
RUNLEVELS = st.sampled_from(
    [b"", b"2", b"2345", b"S", b"s", b"aBc", b"0123456789S", b"0123456789Sa", b"x", b" "]
)
NAMES = st.sampled_from(
    [action.encode() for action in ACTIONS] + [b"RESPAWN", b"Once", b"", b"askfirst", b"wait "]
)
PROCESSES = st.sampled_from(
    [
        b"",
        b"/bin/x",
        b"+@x : y",
        b"a#b",
        b"\xff",
        b"x\r",
        b"x\0",
        b"y" * 4080,
        b"y" * 4100,
        b"\xc2\x85",
        b"\x0c",
    ]
)
BLANKS = st.sampled_from([b"", b" ", b"\t ", b"\xa0"])
GOOD_IDS = st.integers(0, 99).map(lambda number: b"%d" % number)
LINES = st.one_of(
    st.builds(
        lambda *parts: b"%s:%s:%s:%s" % parts,
        GOOD_IDS,
        RUNLEVELS.filter(lambda r: len(r) < 12),
        st.sampled_from([action.encode() for action in ACTIONS]),
        st.binary(max_size=6).map(lambda process: process.replace(b"\n", b"").replace(b"\0", b"")),
    ),
    st.builds(lambda *parts: b"%s%s:%s:%s:%s" % parts, BLANKS, IDS, RUNLEVELS, NAMES, PROCESSES),
    st.sampled_from(
        [b"", b"# c", b"  #", b"\t", b"x", b"a:b", b"a:b:wait", b"#" * 5000, b"#\0", b"\xef\xbb\xbf#"]
    ),
)
WORDS = st.sampled_from(
    b"log main size=1M size=0 keep=3 stop=QUIT stop=RTMIN+1 stop=no grace=2.5 grace=1e9 grace= log-to=/x"
    b" log-to=x log=json x \xff \xc2\x85 = \r".split(b" ")
)
COMMENTS = st.builds(
    lambda start, mark, words: start + mark + b" ".join(words),
    st.sampled_from([b"#", b"# ", b"\t#\t", b"##", b"\xa0#"]),
    st.sampled_from(b"inittab:,inittab:\t,inittab-file:,inittab-file :,inittab,inittab-lint:".split(b",")),
    st.lists(WORDS, max_size=3),
)
ENTRIES = st.builds(lambda number: b"%d:2:once:/x" % number, st.integers(0, 9999))
OPTIONS = st.lists(st.one_of(COMMENTS, ENTRIES, st.just(b"# c")), max_size=6).map(b"\n".join)
DATA = st.one_of(st.binary(max_size=80), st.lists(LINES, max_size=8).map(b"\n".join), OPTIONS)
SOURCES = st.lists(DATA, min_size=1, max_size=3).map(
    lambda all_data: tuple(Source(f"/etc/{number}", data) for number, data in enumerate(all_data))
)


@given(SOURCES)
def test_what_it_takes_the_grammar_reads_the_same_and_what_it_leaves_has_a_fault(
    sources: tuple[Source, ...],
) -> None:
    reading = plain.read(sources)
    event("left to the grammar" if reading is None else f"{len(reading.entries)} entries")
    if reading is None:
        assert interpret(sources).problems or any(b"\0" in source.data for source in sources)
    else:
        assert reading == without_spans(interpret(sources))


OF_ENTRY = st.sets(st.sampled_from(["log", "main", "size=1M", "keep=3", "stop=QUIT", "grace=2.5"])).map(
    sorted
)
OF_FILE = st.sets(st.sampled_from(["log-to=/x", "log=json", "grace=25"])).map(sorted)


@given(st.lists(st.tuples(OF_FILE, st.lists(OF_ENTRY, max_size=4)), min_size=1, max_size=3), st.booleans())
def test_both_readers_give_options_to_whom_they_are_for(
    files: list[tuple[list[str], list[list[str]]]], one_comment: bool
) -> None:
    """In one comment, or each word in a comment of its own."""

    def comments(mark: str, words: list[str]) -> str:
        parts = [" ".join(words)] if one_comment and words else words
        return "".join(f"# {mark}: {part}\n" for part in parts)

    texts = [
        comments("inittab-file", of_file)
        + "".join(f"{comments('inittab', words)}{at}{n}:2:once:/x\n" for n, words in enumerate(of_entries))
        for at, (of_file, of_entries) in enumerate(files)
    ]
    sources = tuple(Source(f"/etc/{at}", text.encode()) for at, text in enumerate(texts))
    reading = plain.read(sources)
    assert reading
    assert reading == without_spans(interpret(sources)) == decode(encode(reading))
    assert [entry.options.text.split() for entry in reading.entries if entry != SULOGIN] == [
        words for _, of_entries in files for words in of_entries
    ]
    assert [(path, of_file.text.split()) for path, of_file in reading.files] == [
        (f"/etc/{at}", of_file) for at, (of_file, _) in enumerate(files) if of_file
    ]


@given(SOURCES)
def test_options_come_through(sources: tuple[Source, ...]) -> None:
    """What the grammar reads in a process of its own reaches PID 1 as what this would read itself."""
    reading = interpret(sources)
    got = decode(encode(reading))
    assert [entry.options for entry in got.entries] == [entry.options for entry in reading.entries]
    assert got.files == reading.files


@given(SOURCES)
def test_options_change_nothing_else(sources: tuple[Source, ...]) -> None:
    """For an init that knows nothing of them they are comments: without them the entries are the same."""
    with_options = [entry.replace(options=NO_OPTIONS) for entry in interpret(sources).entries]
    bare = tuple(source.replace(data=source.data.replace(b"inittab", b"nothing")) for source in sources)
    assert with_options == [*interpret(bare).entries]


def without_spans(reading: Reading) -> Reading:
    made: Reading = reading.replace(entries=tuple(entry.replace(spans=None) for entry in reading.entries))
    return made
