"""inittab edit: what it says of a file that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysvinit_py.clients.inittab import edit, program

INITTAB = "id:2:initdefault:\na:2:respawn:/bin/a\n"


def test_what_is_installed_is_not_called_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever interrupts it while init is told has the new file all the same."""

    def interrupt(path: str) -> None:
        raise KeyboardInterrupt

    inittab = tmp_path / "inittab"
    inittab.write_text(INITTAB)
    monkeypatch.setattr(edit, "_have_it_read", interrupt)
    monkeypatch.setattr(edit, "_has_faults", lambda *_: False)
    monkeypatch.setenv("VISUAL", "sed -i s/respawn/once/")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert program.main(["edit", "--yes", str(inittab)]) == 4
    assert inittab.read_text() == INITTAB.replace("respawn", "once")
    assert capfd.readouterr().err == f"inittab edit: {inittab}: installed\ninittab: interrupted\n"
