"""Mounts: who is told of them, and when."""

from __future__ import annotations

import errno

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1.inputs.mounts import Mounts


def test_what_was_mounted_before_the_table_is_watched_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a record that was not written: /var became writable before the loop had begun."""
    told: list[str] = []
    mounts = Mounts(lambda: told.append("mounted"))
    monkeypatch.setattr(calls, "open", lambda *_: 9)
    assert [fd for fd, _ in mounts.wanted()] == [9]
    assert mounts.is_due(1.0)
    assert not [*mounts.serve(set(), 1.0)]
    mounts.wanted()
    assert not mounts.is_due(1.0)
    mounts.serve({9}, 2.0)
    mounts.serve({8}, 3.0)
    assert told == ["mounted"] * 2


def test_there_is_no_proc_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOENT, "ENOENT")

    monkeypatch.setattr(calls, "open", fail)
    mounts = Mounts()
    assert [fd for fd, _ in mounts.wanted()] == [-1]
    assert mounts.deadline is None
