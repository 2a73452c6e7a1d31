"""How fast it is, with the system's Python and its modules compiled, as installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PYTHON = "/usr/bin/python3"

COLD_START = 0.15  # seconds of CPU for a usual file
LARGE = 2.0  # seconds of CPU for 10,000 entries
MEMORY = 150 << 10  # KiB for these

USUAL = b"".join(
    b"%d:2345:respawn:/sbin/getty 38400 tty%d\n# a comment, and a blank line\n\n" % (n, n)
    for n in range(1, 20)
)
PLAIN = b"".join(b"%04x:2345:respawn:/sbin/getty -L 38400 ttyS%d vt100\n" % (n, n) for n in range(10_000))
WORST = b"".join(
    b'%04x:23:respawn:/bin/x "a%d" && FOO=1 y >& /dev/tty%d # z\r\n' % (n, n, n) for n in range(10_000)
)

#: The kernel's own count of a child's memory has that of the test runner in it, which the child once was.
PROGRAM = """
import sys
from sysvinit_py.lint.cli import main
status = main(sys.argv[1:])
with open("/proc/self/status") as own:
    print(*(line.split()[1] for line in own if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With its modules compiled somewhere."""
    compiled = tmp_path_factory.mktemp("compiled")
    given = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONPYCACHEPREFIX": str(compiled)}
    given.pop("PYTHONDONTWRITEBYTECODE", None)
    given.pop("COVERAGE_PROCESS_START", None)
    return given


def usage(data: bytes, environment: dict[str, str], folder: Path, *options: str) -> tuple[float, int]:
    """Seconds of CPU, and KiB, that the linter takes for a file."""
    path = folder / "inittab"
    path.write_bytes(data)
    command = [PYTHON, "-c", PROGRAM, "--isolated", "--quiet", *options, str(path)]
    with (folder / "memory").open("w+b") as memory:
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=memory, cwd=folder
        )
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode in (0, 1)
        memory.seek(0)
        return used.ru_utime + used.ru_stime, int(memory.read())


@pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason=f"no {PYTHON} here")
def test_cold_start(environment: dict[str, str], tmp_path: Path) -> None:
    usage(USUAL, environment, tmp_path)  # compiles the modules
    assert min(usage(USUAL, environment, tmp_path)[0] for _ in range(3)) < COLD_START


@pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason=f"no {PYTHON} here")
@pytest.mark.parametrize(
    ("data", "limit"),
    [(PLAIN, LARGE), (WORST, 2 * LARGE)],  # something is to be said of each line of the worst, several times
    ids=["plain", "worst"],
)
@pytest.mark.parametrize("options", [("--format=json",), ("--target=sysvinit-3.06",), ("--target=busybox",)])
def test_large(
    data: bytes, limit: float, options: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    for _ in range(3):  # what else runs on the machine only adds: the least counts
        seconds, kibibytes = usage(data, environment, tmp_path, *options)
        if seconds < limit:
            break
    assert seconds < limit
    assert kibibytes < MEMORY
