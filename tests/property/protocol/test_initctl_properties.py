"""The decoder of the FIFO, for any bytes cut anyhow."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.protocol.initctl import (
    DATA_SIZE,
    SIZE,
    Bogus,
    Decoder,
    Request,
    assignments,
    encode,
    environment_data,
)

MAGIC = struct.pack("=i", 0x03091969)
int32 = st.integers(-(2**31), 2**31 - 1)
printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


def without_magic(sent: bytes) -> bool:
    """As of what C and we send, no byte sequence inside can be taken for the begin of another request."""
    return sent.rfind(MAGIC) == 0


requests = st.builds(
    Request, int32, printable, int32, st.binary(max_size=DATA_SIZE).map(lambda data: data.rstrip(b"\0"))
).filter(lambda request: without_magic(encode(request)))
short = st.builds(lambda request, size: encode(request)[:size], requests, st.integers(1, SIZE - 1))
garbage = st.one_of(
    st.binary(max_size=800).filter(lambda junk: MAGIC not in junk),
    short,
    st.builds(
        lambda piece, times: piece * times, st.sampled_from([MAGIC, MAGIC[:3], b"\x69"]), st.integers(1, 99)
    ),
)
streams = st.lists(st.one_of(garbage, requests.map(encode)), max_size=6).map(b"".join)


def decoded(reads: list[bytes]) -> list[Request | Bogus]:
    decoder = Decoder()
    found = [item for read in reads for item in decoder.feed(read)]
    assert len(decoder._rest) < SIZE + 4
    return found + decoder.flush()


@st.composite
def cut(draw: st.DrawFn, streams: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """A stream, and the same cut into reads."""
    stream = draw(streams)
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return stream, [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@given(requests)
def test_what_is_sent_is_what_comes(request: Request) -> None:
    assert decoded([encode(request)]) == [request]


@given(cut(st.one_of(streams, st.binary(max_size=2000))))
def test_how_it_is_cut_into_reads_makes_no_difference(stream_and_reads: tuple[bytes, list[bytes]]) -> None:
    stream, reads = stream_and_reads
    assert decoded(reads) == decoded([stream])


@given(st.lists(st.tuples(garbage, requests), min_size=1, max_size=4), garbage)
def test_no_good_request_is_lost_and_none_is_made_up(pairs: list[tuple[bytes, Request]], tail: bytes) -> None:
    stream = b"".join(junk + encode(request) for junk, request in pairs) + tail
    found = [item for item in decoded([stream]) if isinstance(item, Request)]
    assert found == [request for _, request in pairs]


@given(st.lists(garbage, max_size=5).map(b"".join))
def test_a_run_is_told_once(junk: bytes) -> None:
    found = decoded([junk])
    for one, other in pairwise(found):
        assert not (isinstance(one, Bogus) and isinstance(other, Bogus))


names = st.text(st.characters(exclude_characters="\0=", exclude_categories=["Cs"]), min_size=1, max_size=8)
values = st.one_of(
    st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
)


@given(st.lists(st.tuples(names, values), max_size=5))
def test_variables_come_as_they_were_sent(variables: list[tuple[str, str | None]]) -> None:
    items = [(name if value is None else f"{name}={value}").encode() for name, value in variables]
    sent = encode(Request(6, data=environment_data(items)))
    (request,) = decoded([sent])
    assert isinstance(request, Request)
    assert assignments(request.data) == variables


@given(st.binary(max_size=DATA_SIZE))
def test_any_data_can_be_read(data: bytes) -> None:
    for name, value in assignments(data):
        assert "=" not in name
        assert "\0" not in name + (value or "")
