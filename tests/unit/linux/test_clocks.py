"""How long the machine has slept."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator

import pytest

from sysvinit_py.linux.clocks import ClockWatch, asleep


def test_nobody_sleeps_in_a_test() -> None:
    first = asleep()
    time.sleep(0.1)
    assert first >= 0
    assert asleep() == pytest.approx(first, abs=0.003)


def test_a_reading_that_was_interrupted_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: Iterator[float] = iter([10.0, 50.0, 30.0, 30.0, 40.0, 30.0005])
    monkeypatch.setattr(time, "clock_gettime", lambda clock: next(readings))
    assert asleep() == 10.0


def test_watch_is_quiet_as_long_as_nobody_sets_the_clock() -> None:
    watch = ClockWatch()
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    assert poll.poll(50) == []
    watch.read()
    assert not os.get_inheritable(watch.fileno())
    os.close(watch.fileno())


def test_no_such_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "CLOCK_REALTIME", 99)
    with pytest.raises(OSError, match="Invalid argument"):
        ClockWatch()
