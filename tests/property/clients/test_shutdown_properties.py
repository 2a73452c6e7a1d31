"""shutdown and runlevel: any time, any wait, any bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.cli.options import UsageError
from sysvinit_py.clients import runlevel, shutdown
from sysvinit_py.protocol import utmp

NOWS = st.builds(time.gmtime, st.integers(0, 86399))


@given(st.text("0123456789+:now -\u0661", max_size=9), NOWS)
def test_any_text_is_a_time_or_refused(text: str, now: time.struct_time) -> None:
    try:
        wait = shutdown.minutes(text, now)
    except UsageError:
        return
    assert 0 <= wait <= 2**31 // 60


@given(st.integers(0, 23), st.integers(0, 59), NOWS)
def test_the_clock_shows_the_time_then(hour: int, minute: int, now: time.struct_time) -> None:
    wait = shutdown.minutes(f"{hour}:{minute:02}", now)
    assert wait < 24 * 60
    assert (60 * now.tm_hour + now.tm_min + wait) % 1440 == 60 * hour + minute


@given(st.integers(1, 10**6))
def test_whoever_is_warned_quietly_is_warned_otherwise(left: int) -> None:
    """But for ten minutes, which is C's."""
    assert not shutdown.warns(left, silent=True)
    if shutdown.warns(left, quiet=True) and left != 10:
        assert shutdown.warns(left)


@given(st.binary(max_size=3 * utmp.SIZE))
def test_any_utmp(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "utmp"
    file.write_bytes(content)
    levels = runlevel.look(str(file))
    assert levels is None or [len(level) for level in levels] == [1, 1]
