"""The seam: text is UTF-8 to the kernel, whatever the locale says."""

from __future__ import annotations

import posix
import subprocess
import sys
from pathlib import Path

import pytest

from sysvinit_py.pid1 import environment

REPOSITORY = Path(__file__).parents[3]
#: In this locale Python has no bytes for what is not ASCII. (C.UTF-8 is what it would be without both.)
ASCII = ["-X", "utf8=0"], {"LC_ALL": "C", "PYTHONPATH": str(REPOSITORY)}


def test_in_a_locale_without_utf_8(tmp_path: Path) -> None:
    """Regression: an inittab or a variable with a character that the locale lacks was the end of init."""
    script = f"""\
import posix, sys
assert sys.getfilesystemencoding() == "ascii"
from sysvinit_py.inittab.sources import gather
from sysvinit_py.linux import calls
from sysvinit_py.pid1 import environment as process_environment
name = "/€\\udcff"
words = ["sh", "-c", 'printf %s "$A$B$1" > "$0"', {str(tmp_path)!r} + name, name]
environment = process_environment.environment() | {{"A": name}}
calls.waitpid(calls.posix_spawn("/bin/sh", words, environment), 0)
assert calls.stat(words[3]).st_size == len(calls.read(calls.open(words[3], 0), 100))
files = gather("/nowhere", {str(tmp_path / "é.d")!r})
assert [(file.path.rpartition("/")[2], file.data) for file in files[1:]] == [("é.tab", b"x")], files
calls.execve("/bin/sh", ["sh", "-c", 'printf %s "$A$1" >> "$0"', words[3], name], environment)
"""
    folder = tmp_path / "é.d"
    folder.mkdir()
    (folder / "é.tab").write_text("x")
    options, variables = ASCII
    subprocess.run(
        [sys.executable, *options, "-"], input=script.encode(), env=variables | {"B": "é"}, check=True
    )
    name = "/€\udcff".encode(errors="surrogateescape")
    [made] = [path for path in tmp_path.iterdir() if path != folder]
    assert bytes(made).endswith(name)
    assert made.read_bytes() == name + "é".encode() + name + name + name


def test_a_variable_without_a_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: no process could be started with it."""
    monkeypatch.setattr(posix, "environ", {b"": b"x", b"A": b"\xff"})
    assert environment.environment() == {"A": "\udcff"}
