"""The parser that ships: made from the grammar, the same everywhere, and quiet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PARSER = ROOT / "sysvinit_py" / "inittab" / "_grammar.py"
GENERATE = "import generate; print(generate.parser_source(), end='')"


def generated(hash_seed: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "grammar"), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", GENERATE]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_parser_is_made_from_the_grammar(tmp_path: Path) -> None:
    assert generated("0", tmp_path) == PARSER.read_text(), "run: python grammar/generate.py"


def test_the_parser_is_the_same_in_every_run(tmp_path: Path) -> None:
    # lark numbers the states as sets give them: as it likes.
    assert generated("1", tmp_path) == generated("2", ROOT)


def test_the_parser_knows_no_path() -> None:
    assert str(ROOT) not in PARSER.read_text()


def test_importing_the_parser_warns_of_nothing() -> None:
    command = [sys.executable, "-W", "error", "-B", "-c", "import sysvinit_py.inittab.parser"]
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": os.devnull,
    }  # compiled anew: that is when it would warn
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
