"""The watch for terminals that are waited for, on real folders."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from select import POLLIN, poll

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.machine import events as ev
from sysvinit_py.pid1.inputs.terminals import TerminalWatch


class Watched(TerminalWatch):
    """A watch for paths that the test names."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        super().__init__(lambda: self.paths)

    @property
    def told(self) -> set[int]:
        """The descriptors that are ready."""
        waiting = poll()
        for fd, what in self.wanted():
            if fd >= 0:
                waiting.register(fd, what)
        return {fd for fd, _ in waiting.poll(0)}

    def when_due(self) -> list[ev.Event]:
        assert self.deadline is not None
        return list(self.serve(set(), self.deadline))


@pytest.fixture
def watch() -> Iterator[Watched]:
    before = os.listdir("/proc/self/fd")
    watch = Watched()
    yield watch
    watch.paths = set()
    watch.changed()
    assert watch.when_due() == []
    assert os.listdir("/proc/self/fd") == before


def test_a_terminal_comes(watch: Watched, tmp_path: Path) -> None:
    watch.paths = {str(tmp_path / "a"), str(tmp_path / "b")}
    watch.changed()
    assert watch.when_due() == []
    assert watch.wanted()[0][1] == POLLIN
    os.symlink("/dev/null", tmp_path / "a")
    ready = watch.told
    assert ready
    assert list(watch.serve(ready, 0.0)) == []  # others may come in a moment
    assert watch.wanted() == ((-1, POLLIN),)
    assert watch.when_due() == [ev.TerminalsSeen((str(tmp_path / "b"),))]


def test_a_mount_is_of_interest_while_one_is_waited_for(watch: Watched) -> None:
    watch.mounted()
    assert watch.deadline is None
    watch.paths = {"/nowhere/tty"}
    watch.mounted()
    assert watch.deadline is not None


def test_no_inotify(watch: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again in a while."""

    def fails(flags: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(calls, "inotify_init1", fails)
        watch.paths = {"/nowhere/tty"}
        watch.changed()
        assert watch.when_due() == []
        assert watch.deadline is not None
    assert watch.when_due() == []
    assert watch.deadline is None
