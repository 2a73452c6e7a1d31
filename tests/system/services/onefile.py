"""The one file that is runit's programs: dist/runit, or $SYSVINIT_PY_RUNIT_FILE."""

from __future__ import annotations

import os
from pathlib import Path

RUNIT = Path(os.environ.get("SYSVINIT_PY_RUNIT_FILE") or Path(__file__).parents[3] / "dist" / "runit")


def linked(target: str | Path, folder: Path, *names: str) -> Path:
    """Return a new folder with links of these names to a program."""
    assert Path(target).exists(), f"{target} is missing: run 'make dist/runit'"
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(target)
    return folder
