"""The last resort obeys the FIFO by the rule that init has: see tests/unit/pid1/inputs/test_fifo.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.pid1.survival import last_resort
from sysvinit_py.pid1.survival.last_resort import LastResort


@pytest.fixture
def resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LastResort:
    monkeypatch.setattr(last_resort, "FIFO", str(tmp_path / "initctl"))
    monkeypatch.setattr(last_resort, "is_roots", lambda path, fd: os.stat(path).st_mode & 0o077 == 0)
    return LastResort(lambda text: None, lambda: None, {})


def test_a_fifo_of_roots_is_opened(resort: LastResort) -> None:
    fd = resort._open_fifo()
    assert fd >= 0
    os.close(fd)


@pytest.mark.parametrize("kind", ["somebody else's", "a file"])
def test_what_is_not_roots_alone_is_not_obeyed(resort: LastResort, kind: str) -> None:
    """Regression: it never looked whose the FIFO is."""
    if kind == "a file":
        Path(last_resort.FIFO).touch(0o600)
    else:
        os.mkfifo(last_resort.FIFO)
        os.chmod(last_resort.FIFO, 0o666)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="not root's alone"):
        resort._open_fifo()
    assert os.listdir("/proc/self/fd") == before
