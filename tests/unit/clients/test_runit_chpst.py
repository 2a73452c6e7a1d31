"""chpst and what runit's programs share, without executing anything; the rest is tests/system/services."""

from __future__ import annotations

import errno
import posix
import sys
from pathlib import Path

import pytest

from sysvinit_py.clients.runit import chpst, common
from sysvinit_py.clients.runit.__main__ import MODULES, program
from sysvinit_py.linux import inherited


@pytest.mark.parametrize(
    ("words", "options", "left"),
    [
        ("-a -b x rest -a", [("a", ""), ("b", "x")], "rest -a"),
        ("-ab x", [("a", ""), ("b", "x")], ""),
        ("-abx y", [("a", ""), ("b", "x")], "y"),
        ("-a -- -a", [("a", "")], "-a"),
        ("- -a", [], "- -a"),
        ("-b -- x", [("b", "--")], "x"),
    ],
)
def test_options(words: str, options: list[tuple[str, str]], left: str) -> None:
    rest = words.split()
    assert [*common.options(rest, "ab:")] == options
    assert rest == left.split()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("-x", "illegal option -- x"),
        ("-a:", "illegal option -- :"),
        ("-ab", "option requires an argument -- b"),
        ("-é", "illegal option -- \udcc3"),
    ],
)
def test_options_that_are_wrong(words: str, told: str) -> None:
    """Of a letter with several bytes C tells the first."""
    with pytest.raises(common.UsageError, match=f"^{told}$"):
        [*common.options(words.split(), "ab:")]


def test_numbers_are_those_of_c() -> None:
    assert [common.number(text) for text in ("", "012", str(2**64 + 3))] == [0, 12, 3]
    for text in ("-1", "+1", "1k", " 1", "٣"):
        with pytest.raises(ValueError, match="is not a number"):
            common.number(text)


@pytest.mark.parametrize(
    ("given", "entries", "left"),
    [
        ("A=1 B=2 C=3", "A=9", "C=3 B=2 A=9"),
        ("A=1 B=2 C=3", "A", "C=3 B=2"),
        ("A=1", "B=2 B=3 A", "B=3"),
        ("AA=1", "A=2", "AA=1 A=2"),
        ("A=1", "X", "A=1"),
        ("B=1", "B=C=2", "B=C=2"),
        ("", "=q=z", "=q=z"),
    ],
)
def test_the_order_of_variables_is_that_of_c(given: str, entries: str, left: str) -> None:
    """What is removed leaves its place to the last one."""
    before = dict(word.encode().split(b"=", 1) for word in given.split())
    after = chpst.merged(before, entries.encode().split())
    assert [b"=".join(pair).decode() for pair in after.items()] == left.split()


def test_no_memory_is_told_as_c_does(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(posix, "execve", no_memory)
    monkeypatch.setattr(inherited, "restore_signals", lambda: None)
    assert chpst.main(["chpst", "true"]) == 111
    assert capfd.readouterr().err == "chpst: fatal: out of memory.\n"


@pytest.mark.parametrize(
    ("name", "failing", "words", "told"),
    [
        ("nice", posix.nice, "-n 1 x", "unable to set nice level: permission denied"),
        ("chroot", posix.chroot, "-/ / x", "unable to change root directory: permission denied"),
        ("setgroups", posix.setgroups, "-u :1:1 x", "unable to setgroups: permission denied"),
        ("fchdir", posix.fchdir, "-e / x", "unable to switch to starting directory: permission denied"),
        ("listdir", posix.listdir, "-e / x", "unable to open directory: /: permission denied"),
    ],
)
def test_every_call_that_fails_is_told(
    name: str,
    failing: object,
    words: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EPERM, "")

    def nothing(*_: object) -> None:
        raise AssertionError("it went on")

    if name == "fchdir":
        monkeypatch.setattr(posix, "listdir", lambda _: [])
        monkeypatch.chdir("/")
    monkeypatch.setattr(posix, name, fail)
    monkeypatch.setattr(posix, "execve", nothing)
    assert chpst.main(["chpst", *words.split()]) == 111
    assert capfd.readouterr().err == f"chpst: fatal: {told}\n"


def test_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert chpst.main(["chpst", "-V"]) == 100
    assert capfd.readouterr().err.startswith("$Id: sysvinit_py ")


def test_the_environment_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python adds LC_CTYPE where no locale is set; what a user has set stays."""
    given = tmp_path / "environ"
    given.write_bytes(b"A=1\0LC_CTYPE=C.UTF-8\0B=x=y\0bad\0=x\0")
    monkeypatch.setattr(inherited, "_ENVIRON", str(given))
    assert inherited.variables() == {b"A": b"1", b"LC_CTYPE": b"C.UTF-8", b"B": b"x=y"}
    given.unlink()
    monkeypatch.setattr(posix, "environ", {b"A": b"1", b"LC_CTYPE": b"C.UTF-8"})
    assert inherited.variables() == {b"A": b"1"}


@pytest.mark.parametrize(("word", "name"), [("/usr/bin/chpst", "chpst"), ("softlimit", "softlimit")])
def test_the_program_is_the_one_whose_name_is_called(
    word: str, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [word])
    assert program()() == 100
    assert capfd.readouterr().err.startswith(f"usage: {name} ")
    assert MODULES[name].endswith("chpst")
