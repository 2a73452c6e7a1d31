"""The watchdog of a hub: who holds it up is found; nobody looks while nothing happens; no wake-up is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sysvinit_py.services.watchdog import EVERY, PATIENCE, Eye, Watchdog


@pytest.fixture
def eye() -> Iterator[Eye]:
    made = Eye()
    made.forget()
    yield made
    os.close(made.file)


def test_who_takes_too_long(eye: Eye) -> None:
    woken: list[bool] = []
    watchdog = Watchdog(eye.file, lambda: woken.append(True))
    watchdog.begin(7)
    assert woken == [True]
    assert eye.look(100.0) is None
    assert eye.look_at == 100.0 + EVERY
    assert eye.look(100.0 + PATIENCE - 1) is None
    assert eye.look(100.0 + PATIENCE) == 7


def test_who_is_busy_again_and_again_is_none(eye: Eye) -> None:
    watchdog = Watchdog(eye.file, lambda: None)
    for second in range(30):
        watchdog.begin(7)
        assert eye.look(float(second)) is None
        watchdog.end()


def test_nobody_looks_while_nothing_happens(eye: Eye, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub wakes the eye once a second at most, and not at all before the look that is still to come."""
    woken: list[float] = []
    now = 100.0
    monkeypatch.setattr("sysvinit_py.services.watchdog.clock", lambda: now)
    watchdog = Watchdog(eye.file, lambda: woken.append(now))
    for number in (1, 2, 3):
        watchdog.begin(number)
    watchdog.end()
    assert woken == [100.0]
    now = 100.0 + EVERY
    assert eye.look(now) is None
    assert eye.look_at is None
    watchdog.begin(1)
    assert woken == [100.0, now]


def test_what_begins_before_the_look(eye: Eye, monkeypatch: pytest.MonkeyPatch) -> None:
    """What wakes nobody is seen by the look that is still to come."""
    woken: list[bool] = []
    now = 100.0
    monkeypatch.setattr("sysvinit_py.services.watchdog.clock", lambda: now)
    watchdog = Watchdog(eye.file, lambda: woken.append(True))
    watchdog.begin(1)
    watchdog.end()
    now += 0.9 * EVERY
    watchdog.begin(2)
    assert woken == [True]
    assert eye.look(101.0) is None
    assert eye.look_at == 101.0 + EVERY
    assert eye.look(101.0 + PATIENCE) == 2


def test_a_new_hub(eye: Eye) -> None:
    watchdog = Watchdog(eye.file, lambda: None)
    watchdog.begin(1)
    eye.look(1.0)
    eye.forget()
    assert eye.look_at is None
    assert eye.look(50.0) is None


def test_a_hub_with_one_service_has_none() -> None:
    Watchdog(-1, lambda: None).begin(1)
