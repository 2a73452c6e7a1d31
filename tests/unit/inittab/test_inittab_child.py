"""The process that reads inittab for init, run as init runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sysvinit_py.inittab import child
from sysvinit_py.inittab.read import read
from sysvinit_py.inittab.wire import decode

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sysvinit_py.inittab.child import main;"
PROGRAM += "sys.exit(main(sys.argv[1:]))"


def run(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    command = ["/usr/bin/python3", "-IS", "-c", PROGRAM, str(ROOT), *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)


@pytest.fixture
def inittab(tmp_path: Path) -> str:
    path = tmp_path / "inittab"
    path.write_bytes(b"a:2:wait:\xff\nbad\n")
    return str(path)


def test_the_answer_is_the_reading(inittab: str) -> None:
    done = run(inittab, "/nonexistent")
    assert (done.returncode, done.stderr) == (0, b"")
    expected = read(inittab, "/nonexistent")
    got = decode(done.stdout)
    assert [entry.replace(spans=None) for entry in expected.entries] == list(got.entries)
    assert [problem.replace(span=None) for problem in expected.problems] == list(got.problems)


def test_the_same_without_a_process(inittab: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert child.main([inittab, "/nonexistent"]) == 0
    out, err = capfdbinary.readouterr()
    assert (decode(out).entries[0].process, err) == ("\udcff", b"")


def test_a_missing_file_is_an_answer() -> None:
    done = run("/nonexistent/inittab", "/nonexistent/inittab.d")
    assert done.returncode == 0
    assert decode(done.stdout).missing


def test_an_answer_that_cannot_be_given(inittab: str) -> None:
    with open("/dev/full", "wb") as full:
        done = run(inittab, "/nonexistent", stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == b"cannot read inittab: OSError(28, 'No space left on device')\n"


def test_any_error_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise MemoryError("two\nlines")

    monkeypatch.setattr(child, "read", fails)
    assert child.main([]) == 1
    assert capsys.readouterr() == ("", "cannot read inittab: MemoryError('two\\nlines')\n")
