"""The command line of initeventd: it asks for no package that it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
for name in {missing}:
    sys.modules[name] = None
if "pyudev" not in {missing}:
    import types
    sys.modules["sysvinit_py.initeventd.devices"] = types.ModuleType("devices")
from sysvinit_py.initeventd import cli
cli._serve = lambda options, run, say: print("serves", flush=True) or 0
sys.exit(cli.main(sys.argv[1:]))
"""


def run(tmp_path: Path, missing: tuple[str, ...], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(missing=missing), "--run", str(tmp_path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("option", ["--foreground", "--dry-run"])
def test_needs_no_python_daemon_unless_it_detaches(tmp_path: Path, option: str) -> None:
    done = run(tmp_path, ("daemon",), option)
    assert (done.returncode, done.stdout, done.stderr) == (0, "serves\n", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("missing", "options", "packages"),
    [
        (("daemon",), (), "python3-pyudev and python3-daemon"),
        (("pyudev",), ("--foreground",), "python3-pyudev"),
        (("pyudev",), ("--dry-run",), "python3-pyudev"),
    ],
)
def test_names_the_packages_that_it_lacks(
    tmp_path: Path, missing: tuple[str, ...], options: tuple[str, ...], packages: str
) -> None:
    done = run(tmp_path, missing, *options)
    assert done.returncode == 1
    assert f": install {packages}, or the extra 'devices' of sysvinit_py\n" in done.stderr
    assert "Traceback" not in done.stderr
