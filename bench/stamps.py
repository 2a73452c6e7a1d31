"""Stamps: the small program that the inits run (stamp.c), and what it wrote down."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import subprocess
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sysvinit_py.sandbox.sandbox import Content

SOURCE = Path(__file__).with_name("stamp.c")
CACHE = Path(__file__).parents[1] / ".cache" / "bench"

#: Where the inits find the program, and the program the file.
PROGRAM, FILE = "/s", "/stamps"

END, REAPED, BYE = 1, 2, 6  # tags of the program's own

_HEADER = struct.Struct("=8Q")
_STAMP = struct.Struct("=QII")
_COUNT, _GO, _, _FIRST_TURN, _MOST = range(5)
#: All of an empty file: room for so many stamps.
ROOM = 20_000
EMPTY = bytes(_HEADER.size + ROOM * _STAMP.size)

TIMEOUT = 60.0
_TICK = 0.001  # seconds between two looks


class Stamp(NamedTuple):
    """A line of the file."""

    time: float  # seconds, as time.monotonic has them
    tag: int
    pid: int


@cache
def program() -> Path:
    """Return the compiled program; linked statically where possible, so that it starts fast."""
    made = CACHE / f"stamp-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = made.with_suffix(".new")
        options = ["-O2", "-static", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["cc", *options, "-o", unfinished, SOURCE], check=True)
        os.replace(unfinished, made)
    return made


def files() -> dict[str, Content]:
    """What a sandbox needs so that programs can leave stamps in it."""
    return {PROGRAM: program(), FILE: EMPTY}


class Stamps:
    """The file in one sandbox, seen from outside."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._stamps: list[Stamp] = []
        self._tags: Counter[int] = Counter()

    def all(self, tag: int | None = None) -> list[Stamp]:
        """The stamps so far, of one tag or of all, in the order of their times."""
        self._read()
        return sorted(stamp for stamp in self._stamps if tag in (None, stamp.tag))

    def wait(self, tag: int, count: int = 1, timeout: float = TIMEOUT) -> list[Stamp]:
        """Wait until there are so many of the tag, and return them. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while True:
            self._read()
            if self._tags[tag] >= count:
                return self.all(tag)
            if time.monotonic() > end:
                raise TimeoutError(f"{self._tags[tag]} stamps {tag} of {count} within {timeout} s")
            time.sleep(_TICK)

    def _read(self) -> None:
        """Take what has come; a stamp that is not whole yet, and all after it, the next time."""
        for number in range(len(self._stamps), self._get(_COUNT)):
            nanoseconds, tag, pid = _STAMP.unpack_from(self._memory, _HEADER.size + number * _STAMP.size)
            if not nanoseconds:
                break
            self._stamps.append(Stamp(nanoseconds / 1e9, tag, pid))
            self._tags[tag] += 1

    def go(self) -> None:
        """Tell those that wait for it to go."""
        self._set(_FIRST_TURN, time.monotonic_ns() + 20_000_000)
        self._set(_GO, 1)

    def stop(self) -> None:
        """Tell the probe to stop."""
        self._set(_GO, 2)

    @property
    def most(self) -> int:
        """Orphans left at once at most; or the longest that one was left, in nanoseconds."""
        return self._get(_MOST)

    def _get(self, field: int) -> int:
        return int(struct.unpack_from("=Q", self._memory, field * 8)[0])

    def _set(self, field: int, value: int) -> None:
        struct.pack_into("=Q", self._memory, field * 8, value)
