"""Any bytes are an order that can be written down again, or are refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.protocol.control import decode, encode

words = st.binary(max_size=12) | st.sampled_from([b"0123abcd", b"stop", b"0,pts/3", b"15", b"web", b"a b"])


@given(st.lists(words, max_size=6).map(b" ".join) | st.binary(max_size=368))
def test_any_bytes(data: bytes) -> None:
    with suppress(ValueError):
        order = decode(data)
        assert decode(encode(order)) == order
        assert order.by.isprintable()
        assert 0 <= order.signal <= 64
