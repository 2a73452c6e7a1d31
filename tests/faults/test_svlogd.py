"""svlogd, when calls fail: as runsv starts it again, each line is written once, in its order."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.faults.logger import ALL
from tests.faults.test_supervision import ALL as EACH
from tests.faults.test_supervision import AT_ONCE, ROOT
from tests.support.patience import PATIENCE

#: What config says: with and without a processor.
CONFIGS = ("s1500\nn0\n", "s1500\nn0\n!cat\n")
PART = 300
LINES = [b"%06d\n" % number for number in range(3 * PART)]


class Fault(NamedTuple):
    config: str
    name: str = ""
    place: str = ""
    number: int = 0


class Life:
    """A logger that is started again whenever it has ended before its input has."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        self.folder, self.log = folder, folder / "log"
        self.log.mkdir(parents=True)
        (self.log / "config").write_text(fault.config)
        self._words = [sys.executable, "-m", "tests.faults.logger", str(self.log), *map(str, fault[1:])]
        self._reader, self.writer = os.pipe()
        self.logger = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(self._words, cwd=ROOT, stdin=self._reader, stderr=said)

    def wait(self, true: Callable[[], object]) -> bool:
        """Wait for something; return whether it has come."""
        end = time.monotonic() + 20 * PATIENCE
        while not true() and time.monotonic() < end:
            if self.logger.poll():
                self.logger = self._started()
            time.sleep(0.02)
        return bool(true())

    def live(self) -> str:
        """Feed it, with signals between; return what is wrong."""
        for part, number in enumerate([signal.SIGALRM, signal.SIGHUP, 0]):
            for at in range(part * PART, (part + 1) * PART, 50):
                os.write(self.writer, b"".join(LINES[at : at + 50]))
                time.sleep(0.01)
            if not self.wait((self.folder / "places").exists):
                return "has not begun"
            self.logger.send_signal(number)
        os.close(self.writer)
        return self.judged() if self.wait(lambda: self.logger.poll() == 0) else "does not end"

    def judged(self) -> str:
        names = [*sorted(path.name for path in self.log.glob("@*.[su]"))]
        names += ["current"] if (self.log / "current").exists() else []  # or it could not be made once more
        found = b"".join((self.log / name).read_bytes() for name in names).splitlines(keepends=True)
        if found != LINES:
            return f"{len({*LINES} - {*found})} lines missing, {len(found)} found in {names}"
        said = (self.folder / "said").read_text()
        return said if "Traceback" in said else ""

    def clean(self) -> None:
        self.logger.kill()
        self.logger.wait()
        os.close(self._reader)


def live(folder: Path, fault: Fault) -> str:
    """Return what is wrong after a life with a fault."""
    life = Life(folder, fault)
    try:
        return life.live()
    finally:
        life.clean()


def places(folder: Path) -> set[tuple[str, str]]:
    return {(name, place) for name, place in map(str.split, (folder / "places").read_text().splitlines())}


def test_a_call_fails(tmp_path: Path, faults_row: Callable[[str], list[int]]) -> None:
    tried: list[Fault] = []
    for number, config in enumerate(CONFIGS):
        peace = live(tmp_path / f"peace-{number}", Fault(config))
        assert not peace, peace
        for name, place in sorted(places(tmp_path / f"peace-{number}")):
            numbers = ALL[name]
            chosen = numbers if EACH else numbers[len(place) % len(numbers) :][:1]
            tried += [Fault(config, name, place, one) for one in chosen]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lives = [pool.submit(live, tmp_path / str(number), fault) for number, fault in enumerate(tried)]
        bad = []
        for number, (fault, one) in enumerate(zip(tried, lives, strict=True)):
            row = faults_row(f"svlogd: {fault.name}")
            row[0] += 1
            row[1] += not one.result()
            if one.result():
                said = (tmp_path / str(number) / "said").read_text()[-400:]
                bad.append((*fault[:3], errno.errorcode[fault.number], one.result(), said))
    assert tried
    assert not bad, f"{len(bad)} of {len(tried)}: " + "\n".join(map(str, bad[:40]))
