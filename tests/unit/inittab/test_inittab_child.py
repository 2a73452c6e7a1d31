"""The process that reads inittab for init, run as init runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sysvinit_py.inittab.child import main
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import Source, dump, load
from sysvinit_py.inittab.wire import decode

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sysvinit_py.inittab.child import main;"
PROGRAM += "sys.exit(main())"


def run(sources: bytes, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    command = ["/usr/bin/python3", "-IS", "-c", PROGRAM, str(ROOT)]
    return subprocess.run(command, input=sources, stdout=stdout, stderr=subprocess.PIPE, check=False)


SOURCES = (Source("/etc/inittab", b"a:2:wait:\xff\nbad\n"),)


def test_the_answer_is_the_reading() -> None:
    done = run(dump(SOURCES))
    assert (done.returncode, done.stderr) == (0, b"")
    expected, got = interpret(SOURCES), decode(done.stdout)
    assert [entry.replace(spans=None) for entry in expected.entries] == list(got.entries)
    assert [problem.replace(span=None) for problem in expected.problems] == list(got.problems)


def test_a_missing_file_is_an_answer() -> None:
    done = run(dump((Source("/etc/inittab", error="No such file or directory", missing=True),)))
    assert done.returncode == 0
    assert decode(done.stdout).missing


def test_an_answer_that_cannot_be_given() -> None:
    with open("/dev/full", "wb") as full:
        done = run(dump(SOURCES), stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == b"cannot read inittab: OSError(28, 'No space left on device')\n"


@pytest.mark.parametrize("garbage", [b"", b"nonsense", b"i\0\0\0\0"], ids=["nothing", "words", "a number"])
def test_sources_that_are_none(garbage: bytes) -> None:
    done = run(garbage)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"cannot read inittab: ")
    assert done.stderr.count(b"\n") == 1


def test_the_same_without_a_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, answer = tmp_path / "given", tmp_path / "answer"
    for sources, status in ((dump(SOURCES), 0), (b"nonsense", 1)):
        given.write_bytes(sources)
        with given.open("rb") as file, answer.open("wb") as output:
            assert main(file.fileno(), output.fileno()) == status
    assert load(dump(SOURCES)) == SOURCES
    assert capsys.readouterr().err.startswith("cannot read inittab: ")
