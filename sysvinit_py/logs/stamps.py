"""Time stamps of lines and of file names; times are nanoseconds since 1970, UTC.

TAI64N is that of daemontools and svlogd: always 10 s ahead of UTC, without leap seconds.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SECOND = 10**9
_TAI = 2**62 + 10


def tai64n(now: int) -> bytes:
    """Return ``@`` and 24 hexadecimal digits, as svlogd -t and in the names of its files."""
    return b"@%016x%08x" % (now // _SECOND + _TAI, now % _SECOND)


def iso(now: int, separator: str = "T", digits: int = 6, zone: str = "Z") -> bytes:
    """Return ``2026-11-26T12:05:19.123456Z``."""
    seconds, fraction = divmod(now, _SECOND)
    text = time.strftime(f"%Y-%m-%d{separator}%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{fraction:09}"[: len(text) + 1 + digits].encode() + zone.encode()


#: Stamps by name; t, tt and ttt are svlogd's.
STAMPS: dict[str, Callable[[int], bytes]] = {
    "iso": iso,
    "t": tai64n,
    "tt": lambda now: iso(now, "_", 5, ""),
    "ttt": lambda now: iso(now, "T", 5, ""),
}


def parse(stamp: bytes) -> int:
    """Return the time of a stamp in any of these forms. Raises ValueError if it is invalid."""
    if stamp.startswith(b"@") and len(stamp) == 25:
        return (int(stamp[1:17], 16) - _TAI) * _SECOND + int(stamp[17:], 16)
    from calendar import timegm

    text, _, fraction = stamp.decode().removesuffix("Z").replace("_", "T").partition(".")
    seconds = timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    return seconds * _SECOND + int(f"{fraction:<09}"[:9])
