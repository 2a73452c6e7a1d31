"""100,000 lines a second, and memory that does not grow."""

from __future__ import annotations

import posix
import tracemalloc
from pathlib import Path

import pytest

from bench.logs import SINKS, measure
from sysvinit_py.logs.folder import Folder
from sysvinit_py.logs.lines import CAP, Lines


@pytest.mark.timed
@pytest.mark.parametrize("name", SINKS)
def test_lines_a_second(name: str) -> None:
    """CPU time of other tests is not ours: the best of some runs counts."""
    for _ in range(20):
        if measure(name, 20_000) >= 100_000:
            return
    pytest.fail("slower than 100,000 lines a second")


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that never ends, and a disk that takes nothing."""

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "full")

    monkeypatch.setattr(posix, "write", full)
    folder, lines = Folder(str(tmp_path), warn=str), Lines()
    chunk = b"x" * CAP
    tracemalloc.start()
    for _ in range(200):
        folder.write(lines.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    folder.close()
    assert peak < 10 * CAP
