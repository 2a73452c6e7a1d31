"""Lines and log directories, whatever arrives in whatever pieces."""

from __future__ import annotations

import json
import tempfile
from base64 import b64decode
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.lines import CAP, Lines
from sysvinit_py.logs.rules import Rules, parse
from sysvinit_py.logs.sinks import Json
from sysvinit_py.logs.stamps import STAMPS
from sysvinit_py.logs.stamps import parse as parse_stamp

DATA = st.lists(
    st.binary(max_size=40) | st.sampled_from([b"\n", b"a\nb\n", b"x" * CAP, b"y" * (CAP - 1)]), max_size=12
)


@given(DATA)
def test_no_byte_is_lost_or_added_but_the_last_newline(chunks: list[bytes]) -> None:
    lines = Lines()
    pieces = [piece for chunk in chunks for piece in lines.feed(chunk)]
    pieces += lines.end()
    whole = b"".join(chunks)
    assert b"".join(pieces) == whole + (b"" if whole.endswith(b"\n") or not whole else b"\n")
    assert all(0 < len(piece) <= CAP for piece in pieces)
    assert all(b"\n" not in piece[:-1] for piece in pieces)
    assert all(len(piece) == CAP for piece in pieces if not piece.endswith(b"\n"))


@given(st.integers(0, 2**62), st.sampled_from(["t", "iso"]))
def test_stamps_are_read_again_and_sort_by_time(now: int, name: str) -> None:
    now %= 250_000_000_000 * 10**9 if name == "t" else 10**9 * 250_000_000_00
    read = parse_stamp(STAMPS[name](now))
    assert now - read == (0 if name == "t" else now % 1000)
    assert STAMPS[name](now) <= STAMPS[name](now + 10**9)


@settings(deadline=None, max_examples=40)  # each rotation is an fsync
@given(DATA, st.just(0) | st.integers(20, 300), st.integers(0, 100))
def test_a_directory_holds_what_was_written_in_files_of_at_most_size(
    chunks: list[bytes], size: int, length: int
) -> None:
    chunks = [chunk[:120] for chunk in chunks]
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path, rules=Rules(size=size, keep=0), length=length)
        lines = Lines()
        for chunk in chunks:
            assert folder.write(lines.feed(chunk))
        folder.write(last := lines.end())
        assert not folder.busy
        folder.close()
        files = sorted(Path(path).glob("@*.s"))
        written = [file.read_bytes() for file in [*files, Path(path) / "current"]]
    assert b"".join(written) == b"".join(chunks) + (b"\n" if last else b"")
    if size:
        assert all(len(text) <= size for text in written)
        soft = size - length if size >= length else size
        assert all(len(text) == size or (text.endswith(b"\n") and len(text) >= soft) for text in written[:-1])


@given(st.binary(max_size=200))
def test_any_config_is_read(config: bytes) -> None:
    warned: list[str] = []
    parse(config, warned.append).select(config)
    assert all(text.isprintable() for text in warned)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_json_holds_every_byte(chunks: list[bytes]) -> None:
    lines = Lines()
    pieces = lines.feed(b"".join(chunks)) + lines.end()
    objects = [json.loads(line) for line in Json(id="a")(pieces, b"now").split(b"\n")[:-1]]
    raw = [b64decode(o["line_raw"]) if "line_raw" in o else o["line"].encode() for o in objects]
    assert [text + b"\n" for text in raw] == pieces
