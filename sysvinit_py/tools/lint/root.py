"""The image under ``--root``: what a path means in it, symbolic links included."""

from __future__ import annotations

import os
import stat

MAX_LINKS = 40  # as in the kernel
MAX_FIRST_LINE = 256  # bytes that the kernel reads of a script
#: Where init looks for a program that is named without a folder (SPEC chapter 7).
PATH = ("/sbin", "/usr/sbin", "/bin", "/usr/bin")


class Root:
    """A folder that will be / for init."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def mode(self, path: str) -> int | None:
        """The mode of a file of the image, or None where there is none."""
        found = self._find(path)
        return found[1] if found else None

    def interpreter(self, path: str) -> str:
        """The program that a script of the image begins with, behind ``#!``; empty: it is none."""
        found = self._find(path)
        if not found or not stat.S_ISREG(found[1]):
            return ""
        try:
            with open(found[0], "rb") as file:
                first = file.read(MAX_FIRST_LINE).partition(b"\n")[0]
        except OSError:
            return ""
        words = first.removeprefix(b"#!").split()
        return os.fsdecode(words[0]) if first.startswith(b"#!") and words else ""

    def _find(self, path: str) -> tuple[str, int] | None:
        """Where a file of the image is, and its mode. Links never lead out of the image."""
        left = path.split("/")[::-1]
        at: list[str] = []
        links = 0
        mode = stat.S_IFDIR
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del at[-1:]
                continue
            here = os.path.join(self.folder, *at, part)
            try:
                mode = os.lstat(here).st_mode
                if not stat.S_ISLNK(mode):
                    at.append(part)
                    continue
                target = os.readlink(here)
            except (OSError, ValueError):  # ValueError: a NUL in the name
                return None
            links += 1
            if links > MAX_LINKS:
                return None
            if target.startswith("/"):
                at = []
            left += target.split("/")[::-1]
        return os.path.join(self.folder, *at), mode

    def find(self, program: str) -> tuple[str, int] | None:
        """The path and the mode of a program, searched on init's PATH if it is named without a folder."""
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
            names = os.listdir(os.path.join(self.folder, "dev"))
        except OSError:
            return False
        return any(name.startswith("tty") and name != "tty" for name in names)
