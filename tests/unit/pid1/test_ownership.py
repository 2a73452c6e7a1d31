"""Whose FIFO is obeyed: that of the user that init runs as, in a folder where nobody else can replace it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.pid1.ownership import is_roots


@pytest.mark.parametrize(
    ("mode", "other_user", "obeyed"),
    [(0o755, 0, True), (0o1777, 0, True), (0o777, 0, False), (0o775, 0, False), (0o755, 1, False)],
)
def test_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, other_user: int, obeyed: bool
) -> None:
    """In a container init may be any user; then it obeys no FIFO of another one."""
    path = tmp_path / "initctl"
    os.mkfifo(path)
    tmp_path.chmod(mode)
    user = os.geteuid() + other_user
    monkeypatch.setattr(calls, "geteuid", lambda: user)
    fd = os.open(path, os.O_RDWR)
    try:
        assert is_roots(str(path), fd) == obeyed
    finally:
        os.close(fd)
        tmp_path.chmod(0o700)
