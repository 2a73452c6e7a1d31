"""The image under ``--root``: what a path means in it, symbolic links included."""

from __future__ import annotations

import os

from sysvinit_py.linux.beneath import Place

MAX_FIRST_LINE = 256  # bytes that the kernel reads of a script
MAX_SCRIPT = 1 << 16  # bytes; a longer script is hardly one that starts a getty
#: Where init looks for a program that is named without a folder (behaviour/children#environment).
PATH = ("/sbin", "/usr/sbin", "/bin", "/usr/bin")


class Root:
    """A folder that will be / for init."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.place = Place(folder, image=True, shown=folder)

    def mode(self, path: str) -> int | None:
        """Return the mode of a file of the image, or None if it does not exist."""
        try:
            return Place(self.folder, path, image=True).status().st_mode
        except OSError:
            return None

    def interpreter(self, path: str) -> str:
        """Return the program that a script of the image names behind ``#!``; empty if it is not a script."""
        first = self._beginning(path, MAX_FIRST_LINE).partition(b"\n")[0]
        words = first.removeprefix(b"#!").split()
        return os.fsdecode(words[0]) if first.startswith(b"#!") and words else ""

    def last_command(self, program: str) -> list[str]:
        """Return the words of a script's last line that is not a comment; empty if it is not a script."""
        found = self.find(program)
        text = self._beginning(found[0], MAX_SCRIPT) if found else b""
        if not text.startswith(b"#!") or len(text) == MAX_SCRIPT:
            return []
        lines = [line.split() for line in os.fsdecode(text).split("\n") if not line.lstrip().startswith("#")]
        return next(filter(None, reversed(lines)), [])

    def _beginning(self, path: str, size: int) -> bytes:
        """Return what a regular file of the image begins with; empty if it does not exist."""
        try:
            return Place(self.folder, path, image=True).beginning(size)
        except OSError:
            return b""

    def find(self, program: str) -> tuple[str, int] | None:
        """Return the path and the mode of a program, searched on init's PATH if named without a folder."""
        paths = [program] if "/" in program else [f"{folder}/{program}" for folder in PATH]
        for path in paths:
            mode = self.mode(path)
            if mode is not None:
                return path, mode
        return None

    @property
    def has_terminals(self) -> bool:
        """Whether its /dev is filled; otherwise the kernel will fill it at boot, and nothing can be said."""
        try:
            names = self.place.child("dev").names()
        except OSError:
            return False
        return any(name.startswith("tty") and name != "tty" for name in names)
