"""docs/understand.rst: each of its commands prints what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "understand.rst").read_text()
BLOCKS = [
    re.sub("^    ", "", block, flags=re.M).rstrip("\n") + "\n"
    for block in re.findall(r"(?:::|\.\. code:: text)\n\n((?:    .*\n|\n)+)", PAGE)
]
SHOWN = [
    (f"inittab {command}", output)
    for block in BLOCKS[1:]
    for command, output in re.findall(r"^\$ inittab (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_each_command_prints_what_is_shown(command: str, output: str, tmp_path: Path) -> None:
    (tmp_path / "strange.inittab").write_text(BLOCKS[0])
    words = [sys.executable, "-m", "sysvinit_py.clients.inittab.program", *command.split()[1:]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == output, done
    assert done.returncode in (0, 1), done


def test_all_are_found() -> None:
    assert len(SHOWN) == PAGE.count("$ inittab ") == 8
    assert {command.split()[1] for command, _ in SHOWN} == {"explain", "graph", "fmt"}
    assert BLOCKS[0].startswith("id:3:initdefault:\n")
