"""runlevel: the previous level and the present one, out of files that may hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.clients import runlevel
from sysvinit_py.protocol import utmp


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (utmp.run_level("2", "N", 0), "N 2\n"),
        (utmp.boot_time(0) + utmp.run_level("3", "2", 0) + utmp.run_level("4", "3", 0), "2 3\n"),
        (utmp.run_level("2", "\0", 0), "N 2\n"),
        (b"", "N 5\n"),
        (utmp.run_level("2", "N", 0)[:-1], "N 5\n"),
    ],
)
def test_levels(
    content: bytes,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(runlevel, "LEVEL", str(tmp_path / "runlevel"))
    (tmp_path / "runlevel").write_text("5")
    (tmp_path / "utmp").write_bytes(content)
    assert runlevel.main([str(tmp_path / "utmp")]) == 0
    assert capsys.readouterr().out == told


def test_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(runlevel, "LEVEL", str(tmp_path / "none"))
    for path in tmp_path / "none", tmp_path:
        assert runlevel.main([str(path)]) == 1
        assert capsys.readouterr().out == "unknown\n"
