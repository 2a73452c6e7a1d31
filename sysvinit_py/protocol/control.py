"""The data of a request for one entry, ``initctl.ENTRY``: words, the last of which may contain spaces.

    TOKEN VERB BY SIGNAL ID

The answer is published with the token (report/slots.py), as the FIFO is unidirectional. The sleeptime of such
a request applies only to it; NOT_GIVEN stands for the grace time in the inittab.
"""

from __future__ import annotations

from sysvinit_py.value import Value

NOT_GIVEN = -1
#: The id in a request that is not for an entry.
NO_ID = ""
_MOST_SIGNALS = 64
_TOKEN, _BY, _ID = 8, 24, 4  # bytes
_HEX = frozenset("0123456789abcdef")


class Order(Value):
    """A request for one entry."""

    token: str  # identifies the answer: eight lower-case hexadecimal digits
    verb: str
    id: str  # bytes that are not UTF-8 are surrogates
    by: str  # the requester, as given by itself
    signal: int = 0


def encode(order: Order) -> bytes:
    """Return the data of the request."""
    text = f"{order.token} {order.verb} {order.by} {order.signal} {order.id}"
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> Order:
    """Return the request in the data. Raises ValueError if it is malformed."""
    words = data.decode("utf-8", "surrogateescape").split(" ", 4)
    if len(words) < 5:
        raise ValueError("not five words")
    token, verb, by, number, name = words
    if len(token) != _TOKEN or not _HEX.issuperset(token):
        raise ValueError("not a token")
    if not (0 < len(by) <= _BY and by.isascii() and by.isprintable()):
        raise ValueError("not a name of the requester")
    if not (number.isascii() and number.isdigit() and len(number) < 3 and int(number) <= _MOST_SIGNALS):
        raise ValueError("not a signal")
    if "\0" in name or len(name.encode("utf-8", "surrogateescape")) > _ID:
        raise ValueError("not an id")
    return Order(token, verb, name, by, int(number))
