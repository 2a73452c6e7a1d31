"""Supervision, when calls fail: nobody exits for good or blocks; no service is lost, doubled or disturbed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.errors import ERRORS, IN_PROGRAMS
from tests.faults.supervision import NEVER_FAIL

ROOT = Path(__file__).parents[2]
WHO = ("runsvdir", "runsv")
#: Methods, and what an answer is elsewhere.
FAILS: dict[str, tuple[int, ...]] = ERRORS | IN_PROGRAMS | {
    "epoll.register": (errno.ENOMEM, errno.ENOSPC),
    "epoll.poll": (),
    "poll.poll": (errno.ENOMEM,),
    "poll.register": (),
    "socket.send": (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM),
    "socket.recv": (errno.EAGAIN, errno.ENOMEM),
    "fcntl": (errno.EINVAL,),
    "stat": tuple(number for number in ERRORS["stat"] if number not in (errno.ENOENT, errno.ENOTDIR)),
}  # fmt: skip
#: Each error at each place takes long; so by default it is one of them.
ALL = "SYSVINIT_PY_ALL_FAULTS" in os.environ
AT_ONCE = 4


class Fault(NamedTuple):
    who: str
    name: str
    place: str
    number: int


def live(folder: Path, who: str, *fault: object) -> dict[str, Any]:
    """What came of a life."""
    folder.mkdir()
    words = [sys.executable, "-m", "tests.faults.supervision", str(folder), who, *map(str, fault)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def faults(tmp_path: Path) -> Iterator[Fault]:
    """Each call that is made in a life in which nothing fails, at each line that makes it."""
    seen = set[tuple[str, str]]()
    for who in WHO:
        peace = live(tmp_path / who, who)
        assert not peace["problem"], peace
        for name, place in peace["places"]:
            numbers = FAILS[name] if name not in NEVER_FAIL and (ALL or (name, place) not in seen) else ()
            if (name, place.split(":")[0]) == ("open", "proc.py"):  # of a process: it has ended
                numbers = tuple(number for number in numbers if number != errno.ENOENT)
            seen.add((name, place))
            yield from (
                Fault(who, name, place, number)
                for at, number in enumerate(numbers)
                if ALL or at == len(place) % len(numbers)
            )


def test_a_call_fails(tmp_path: Path, faults_row: Callable[[str], list[int]]) -> None:
    tried = [*faults(tmp_path)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lives = [pool.submit(live, tmp_path / str(number), *fault) for number, fault in enumerate(tried)]
        bad = []
        for fault, one in zip(tried, lives, strict=True):
            after = one.result()
            row = faults_row(fault.name)
            row[0] += 1
            row[1] += not after["problem"]
            if after["problem"]:
                bad.append(
                    (*fault[:3], errno.errorcode[fault.number], after["problem"], after["errors"][-600:])
                )
    assert not bad, f"{len(bad)} of {len(tried)}: " + "\n".join(map(str, bad[:40]))
