"""What is asked of one entry, as bytes."""

from __future__ import annotations

import pytest

from sysvinit_py.protocol.control import Order, decode, encode


@pytest.mark.parametrize(
    "order",
    [
        Order("0123abcd", "stop", "web", "0,pts/3"),
        Order("00000000", "kill", "a b ", "1000", 9),
        Order("ffffffff", "start", "\udcff\udcfe:", "0"),
        Order("0123abcd", "reload", "", "0"),
    ],
)
def test_what_is_asked_for_comes_back(order: Order) -> None:
    assert decode(encode(order)) == order


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not five words"),
        (b"0123abcd stop 0 web", "not five words"),
        (b"0123ABCD stop 0 0 web", "not a token"),
        (b"0123abc stop 0 0 web", "not a token"),
        (b"0123abcd stop  0 web", "not a name of the requester"),
        (b"0123abcd stop \x1b[2J 0 web", "not a name of the requester"),
        (b"0123abcd stop \xc3\xa9 0 web", "not a name of the requester"),
        (b"0123abcd stop " + b"x" * 25 + b" 0 web", "not a name of the requester"),
        (b"0123abcd kill 0 65 web", "not a signal"),
        (b"0123abcd kill 0 -9 web", "not a signal"),
        (b"0123abcd kill 0  web", "not a signal"),
        (b"0123abcd kill 0 009 web", "not a signal"),
        (b"0123abcd stop 0 0 webby", "not an id"),
        (b"0123abcd stop 0 0 a\0b", "not an id"),
    ],
)
def test_anything_else_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(data)
