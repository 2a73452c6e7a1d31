"""utmp records of any content survive packing, and find their place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.protocol import utmp
from sysvinit_py.protocol.utmp import Record, pack, place, unpack


def text(size: int) -> st.SearchStrategy[str]:
    """What fits a field of that size: any bytes but NUL."""
    content = st.binary(max_size=size).filter(lambda some: b"\0" not in some)
    return content.map(lambda some: some.decode("utf-8", "surrogateescape"))


def integer(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


unsigned = st.integers(0, 2**32 - 1)
records = st.builds(
    Record, integer(16), integer(32), text(32), text(4), text(32), text(256),
    integer(16), integer(16), integer(32), unsigned, unsigned, st.binary(min_size=16, max_size=16),
)  # fmt: skip
kept = st.builds(Record, st.sampled_from(range(9)), integer(32), text(2), text(2))


@given(records)
def test_a_record_survives_packing(record: Record) -> None:
    assert unpack(pack(record)) == record


@given(st.binary(min_size=utmp.SIZE, max_size=utmp.SIZE))
def test_any_bytes_are_a_record(content: bytes) -> None:
    assert unpack(pack(unpack(content))) == unpack(content)


@given(st.lists(kept, max_size=8), kept, st.binary(max_size=utmp.SIZE - 1))
def test_a_record_written_to_its_place_is_found_there(
    before: list[Record], record: Record, torn: bytes
) -> None:
    content = b"".join(map(pack, before)) + torn
    offset, replaced = place(content, pack(record))
    assert offset % utmp.SIZE == 0
    there = offset < len(content) - len(torn)
    assert replaced == (pack(before[offset // utmp.SIZE]) if there else None)
    written = content[:offset] + pack(record) + content[offset + utmp.SIZE :]
    assert place(written, pack(record)) == (offset, pack(record))
