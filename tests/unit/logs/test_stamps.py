"""Time stamps, as svlogd and daemontools print them."""

from __future__ import annotations

import pytest

from sysvinit_py.logs.stamps import STAMPS, iso, parse, tai64n

NOW = 1795682675_293480492  # 2026-11-26 08:44:35


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("iso", b"2026-11-26T08:44:35.293480Z"),
        ("t", b"@400000006b07f17d117e282c"),
        ("tt", b"2026-11-26_08:44:35.29348"),
        ("ttt", b"2026-11-26T08:44:35.29348"),
    ],
)
def test_forms(name: str, stamp: bytes) -> None:
    assert STAMPS[name](NOW) == stamp


def test_tai64n_is_ten_seconds_ahead_as_in_daemontools() -> None:
    assert tai64n(0) == b"@400000000000000a00000000"


def test_a_stamp_is_cut_and_not_rounded() -> None:
    assert iso(999_999_999) == b"1970-01-01T00:00:00.999999Z"


@pytest.mark.parametrize("name", STAMPS)
def test_a_stamp_is_read_again(name: str) -> None:
    digits = {"iso": 1_000, "t": 1}.get(name, 10_000)
    assert parse(STAMPS[name](NOW)) == NOW - NOW % digits


@pytest.mark.parametrize("text", [b"", b"@", b"@4000", b"web", b"@" + b"x" * 24, b"2026-11-26", b"\xff"])
def test_what_is_not_a_stamp(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        parse(text)
