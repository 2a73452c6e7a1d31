"""``python -m bench.pythons``: our init under the Python of each Debian, as root.

The one file has the code of the Python that built it; another Python compiles its source. Both are measured.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.inits import Entry, Ours
from bench.tasks import FIRST, REPOSITORY
from bench.trial import Trial

SUITES = ("bookworm", "trixie", "sid")
CACHE = REPOSITORY / ".cache" / "bench"
#: sid's Release file may be older than the week for which it is valid.
BOOTSTRAP = (
    "mmdebstrap", "--quiet", "--variant=minbase", "--include=python3",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
)  # fmt: skip
ROUNDS, CHILDREN = 15, 10


@contextmanager
def roots() -> Iterator[dict[str, Path]]:
    """Make a root file system of each Debian with python3; the archives are kept."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pythons-") as folder:
        made = {suite: Path(folder, suite) for suite in SUITES}
        for suite, root in made.items():
            archive = CACHE / f"{suite}-python3.tar"
            if not archive.exists():
                draft = archive.with_suffix(".draft.tar")
                subprocess.run([*BOOTSTRAP, suite, draft], check=True)
                draft.rename(archive)
            root.mkdir()
            subprocess.run(["tar", "-xf", archive, "-C", root, "--exclude=./dev/*"], check=True)
        yield made


def build(root: Path) -> tuple[str, Path]:
    """Return the version of the root's Python, and the init that it has built."""
    shutil.copytree(
        REPOSITORY / "sysvinit_py", root / "src/sysvinit_py", ignore=shutil.ignore_patterns("__pycache__")
    )
    for folder in "grammar", "man":
        shutil.copytree(REPOSITORY / folder, root / "src" / folder)
    there: list[str | Path] = ["chroot", root, "env", "--chdir=/src", "PYTHONDONTWRITEBYTECODE=1", "python3"]
    subprocess.run([*there, "-m", "sysvinit_py.build.onefile", "/init"], check=True)
    version = subprocess.run([*there, "--version"], capture_output=True, text=True, check=True).stdout
    return version.split()[1], root / "init"


def measure(init: Path, root: Path) -> Mapping[str, float]:
    """Boot it once: milliseconds to the first child, and memory of PID 1 with CHILDREN children in MB."""
    with Trial(Ours(init), [Entry(f"{FIRST} stay")] * CHILDREN, system=str(root)) as trial:
        first = trial.stamps.wait(FIRST)[0].time - trial.started
        trial.stamps.wait(FIRST, CHILDREN)
        trial.settle()
        return {"ms": first * 1e3, "RSS": trial.memory["Rss"] / 1e3}


def main() -> None:
    """Print a line for each Python and each way."""
    with roots() as made:
        built = {suite: build(root) for suite, root in made.items()}
        print(f"{'Python':8} {'built by':9} {'first child':>12} {'RSS':>8}")
        rows = [
            (suite, other)
            for number, suite in enumerate(SUITES)
            for other in (suite, SUITES[(number + 1) % len(SUITES)])
        ]
        results: dict[tuple[str, str], list[Mapping[str, float]]] = {row: [] for row in rows}
        for _ in range(ROUNDS):
            for row, found in results.items():
                found.append(measure(built[row[1]][1], made[row[0]]))
        for (suite, other), found in results.items():
            # The least: whatever else the machine does only adds to it.
            ms, rss = (min(one[name] for one in found) for name in ("ms", "RSS"))
            print(f"{built[suite][0]:8} {built[other][0]:9} {ms:9.1f} ms {rss:5.1f} MB")


if __name__ == "__main__":
    main()
