"""The witness, a small program that inittab entries run (witness.c), and what it wrote down."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

from tests.support.patience import PATIENCE

Seen = TypeVar("Seen")

SOURCE = Path(__file__).with_name("witness.c")
CACHE = Path(__file__).parents[2] / ".cache"
CC = os.environ.get("CC") or "cc"


class CompilerError(Exception):
    """There is no cc to make it with."""


@cache
def program() -> Path:
    """Return the compiled witness; one for each compiler and source. Raises CompilerError."""
    made = CACHE / f"witness-{hashlib.sha256(CC.encode() + SOURCE.read_bytes()).hexdigest()[:16]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "witness.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            if not shutil.which(CC):
                raise CompilerError(f"no {CC} to compile tests/system/witness.c with")
            unfinished = made.with_suffix(".new")
            options = ["-O2", "-Wall", "-Wextra", "-Werror"]
            subprocess.run([CC, *options, "-o", unfinished, SOURCE], check=True)
            os.replace(unfinished, made)
    return made


def wait_until(look: Callable[[], Seen], what: Callable[[], str], timeout: float = 5.0) -> Seen:
    """Look again and again until there is something to see, and return it. Raises TimeoutError(what)."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} s: {what()}")
        time.sleep(0.003)
    return seen


class Witness:
    """What all witnesses in one sandbox wrote down. An event's fields are its attributes:

    tag, event, time (monotonic seconds) and pid; of a "start" also ppid, pgid, sid, tty (0: none), tpgid,
    umask, cwd, fds ({"0": target}), ignored, caught, blocked (bit masks), argv (tag and words) and env.
    """

    def __init__(self, log: Path) -> None:
        self._log = log

    def events(self, tag: str | None = None, event: str | None = None) -> list[SimpleNamespace]:
        """All that is written down so far, of one tag or one event or both, in order."""
        try:
            text = self._log.read_bytes()
        except FileNotFoundError:
            return []
        lines = text[: text.rfind(b"\n") + 1].splitlines()  # the last one may be half written
        all_events = [SimpleNamespace(**json.loads(line)) for line in lines]
        return [e for e in all_events if tag in (None, e.tag) and event in (None, e.event)]

    def started(self) -> list[str]:
        """The tags in the order of their starts."""
        return [e.tag for e in self.events(event="start")]

    def wait(self, tag: str, event: str = "start", n: int = 1, timeout: float = 5.0) -> SimpleNamespace:
        """Wait for the ``n``th such event and return it. Raises TimeoutError."""

        def enough() -> list[SimpleNamespace]:
            return self.events(tag, event)[n - 1 :]

        return wait_until(enough, lambda: f"{event} number {n} of {tag}; but {self}", timeout)[0]

    def wait_started(self, *tags: str, timeout: float = 5.0) -> None:
        """Wait until exactly these have started, in any order. Raises TimeoutError."""
        wait_until(
            lambda: sorted(self.started()) == sorted(tags),
            lambda: f"starts of {sorted(tags)} only; but {self}",
            timeout,
        )

    def __str__(self) -> str:
        return ", ".join(f"{e.tag}:{e.event}" for e in self.events()) or "nothing"
