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


def test_nobody_looks_while_nothing_happens(eye: Eye) -> None:
    """After the last thing that was done there is one look more; then the next one wakes it again, once."""
    woken: list[bool] = []
    watchdog = Watchdog(eye.file, lambda: woken.append(True))
    for number in (1, 2, 3):
        watchdog.begin(number)
    watchdog.end()
    assert woken == [True]
    assert eye.look(1.0) is None
    assert eye.look_at is None
    watchdog.begin(1)
    assert woken == [True, True]


def test_what_begins_while_it_closes(eye: Eye, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub begins after the look, and still sees that somebody looks: the eye stays open."""
    from sysvinit_py.linux import calls

    woken: list[bool] = []
    watchdog = Watchdog(eye.file, lambda: woken.append(True))
    watchdog.begin(1)
    watchdog.end()
    pwrite = calls.pwrite

    def meanwhile(file: int, data: bytes, offset: int) -> int:
        monkeypatch.setattr(calls, "pwrite", pwrite)
        watchdog.begin(2)
        return pwrite(file, data, offset)

    monkeypatch.setattr(calls, "pwrite", meanwhile)
    assert eye.look(1.0) is None
    assert eye.look_at == 1.0 + EVERY
    assert eye.look(1.0 + PATIENCE) == 2


def test_a_new_hub(eye: Eye) -> None:
    watchdog = Watchdog(eye.file, lambda: None)
    watchdog.begin(1)
    eye.look(1.0)
    eye.forget()
    assert eye.look_at is None
    assert eye.look(50.0) is None


def test_a_hub_with_one_service_has_none() -> None:
    Watchdog(-1, lambda: None).begin(1)
