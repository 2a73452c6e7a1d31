"""Reading the inittab that the user has named, whose folder others may be able to write to."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sysvinit_py.cli.options import RefusedError
from sysvinit_py.inittab.sources import INITTAB, MAX_BYTES, is_tab
from sysvinit_py.lint.targets import BUSYBOX, guess
from sysvinit_py.linux.beneath import Place, named_file


class BusyBoxError(RefusedError):
    """An inittab is one for BusyBox's init, which SysV init cannot read."""


def read(file: Path) -> dict[str, bytes]:
    """Return the files of the inittab by their paths in /etc; ``file``: an inittab, or a folder like /etc."""
    folder = Place(str(file), shown=str(file))
    files = (
        read_etc(folder) if folder.is_folder() else {INITTAB: named_file(str(file)).read(2 * MAX_BYTES)[0]}
    )
    return _checked(files, str(file))


def read_root(root: Path) -> dict[str, bytes]:
    """Return those of a root file system, with links resolved as they will be at boot."""
    etc = Place(str(root), "etc", True, str(root / "etc"))
    return _checked(read_etc(etc), etc.shown)


def read_etc(etc: Place) -> dict[str, bytes]:
    """Return the files that init would read in an /etc, by path. Raises OSError, also if there are none."""
    names: list[str] = []
    with suppress(FileNotFoundError):
        names = [f"inittab.d/{name}" for name in etc.child("inittab.d").names() if is_tab(name.encode())]
    if not names or etc.child("inittab").exists():
        names.insert(0, "inittab")
    found: dict[str, bytes] = {}
    left = 2 * MAX_BYTES  # up to that, init itself reports that they are too big
    for name in names:
        found[f"/etc/{name}"], _ = etc.child(name).read(left)
        left -= len(found[f"/etc/{name}"])
    return found


def _checked(files: dict[str, bytes], shown: str) -> dict[str, bytes]:
    if guess(files.get(INITTAB, b"")) is BUSYBOX:
        raise BusyBoxError(
            f"{shown}: an inittab for BusyBox's init (ids are terminals or empty, runlevels are empty), "
            "not for SysV init: check it with inittab-lint --target busybox, or write it as in inittab(5)"
        )
    return files
