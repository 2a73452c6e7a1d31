"""telinit: what it asks for, and what it says when it cannot (behaviour/telinit and behaviour/messages).

That C telinit sends and says the same is tested in tests/system/test_telinit_bytes.py.
"""

from __future__ import annotations

import os
import posix
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from sysvinit_py.clients import telinit
from sysvinit_py.protocol import initctl
from sysvinit_py.protocol.initctl import RUNLVL, SETENV, Bogus, Decoder, Request

USAGE = "Usage: telinit {-e VAR[=VAL] | [-t SECONDS] {0|1|2|3|4|5|6|7|8|9|S|s|Q|q|A|a|B|b|C|c|U|u}}\n"
LEVELS = "(expected one of 0 1 2 3 4 5 6 7 8 9 S s Q q A a B b C c U u)\n"
NOT_TAKEN = "init takes only variables that begin with INIT_\n"
TIMEOUT = "telinit: timeout opening/writing control channel {}\n"


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 0)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telinit, "_PATIENCE", 0.2)


class Fifo:
    """A FIFO that is read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path, 0o600)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def requests(self) -> list[Request | Bogus]:
        """All that was sent so far."""
        decoder = Decoder()
        return decoder.feed(os.read(self._fd, 65_536)) + decoder.flush()

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path / "initctl")
    yield fifo
    fifo.close()


def variables(data: bytes) -> Request:
    return Request(SETENV, data=data)


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["3"], Request(RUNLVL, "3", 5)),
        *(([level], Request(RUNLVL, level, 5)) for level in "0123456789SsQqAaBbCcUu"),
        (["-t", "7", "2"], Request(RUNLVL, "2", 7)),
        (["-t7", "2"], Request(RUNLVL, "2", 7)),
        (["2", "-t", "7"], Request(RUNLVL, "2", 7)),
        (["-t", "1", "-t", "2", "2"], Request(RUNLVL, "2", 2)),
        (["-t", "2147483647", "2"], Request(RUNLVL, "2", 2**31 - 1)),
        (["--", "3"], Request(RUNLVL, "3", 5)),
        (["-e", "INIT_A=b"], variables(b"INIT_A=b")),
        (["-eINIT_A=b"], variables(b"INIT_A=b")),
        (["-e", "INIT_A=b", "-e", "INIT_C"], variables(b"INIT_A=b\0INIT_C")),
        (["-e", "INIT_A=b", "-t", "5"], variables(b"INIT_A=b")),
        (["-e", "INIT_A=b", "--"], variables(b"INIT_A=b")),
        (["-e", "INIT_=x y=z"], variables(b"INIT_=x y=z")),
        (["-e", "INIT_A=\udcff"], variables(b"INIT_A=\xff")),
        (["-e", "INIT_" + "x" * 361], variables(b"INIT_" + b"x" * 361)),
    ],
)
def test_it_asks(
    arguments: list[str], request_: Request, fifo: Fifo, capfd: pytest.CaptureFixture[str]
) -> None:
    assert telinit.main(["telinit", *arguments], fifo.path) == 0
    assert fifo.requests() == [request_]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], USAGE + "telinit: missing runlevel\n"),
        ([""], USAGE + f"telinit: '' is not a runlevel {LEVELS}"),
        (["-"], USAGE + f"telinit: '-' is not a runlevel {LEVELS}"),
        (["33"], USAGE + f"telinit: '33' is not a runlevel {LEVELS}"),
        (["x"], USAGE + f"telinit: 'x' is not a runlevel {LEVELS}"),
        (["\x1b[2J"], USAGE + f"telinit: '\\x1b[2J' is not a runlevel {LEVELS}"),
        (["3", "4"], USAGE + "telinit: one runlevel is expected, not 2\n"),
        (["--", "-t", "3"], USAGE + "telinit: one runlevel is expected, not 2\n"),
        (["-t", "5"], USAGE + "telinit: missing runlevel\n"),
        (["-e", "INIT_A=b", "3"], USAGE + "telinit: -e cannot be combined with a runlevel\n"),
        (["-e", "FOO=1"], "telinit: -e 'FOO': " + NOT_TAKEN),
        (["-e", "FOO"], "telinit: -e 'FOO': " + NOT_TAKEN),
        (["-e", ""], "telinit: -e '': " + NOT_TAKEN),
        (["-e", "=INIT_"], "telinit: -e '': " + NOT_TAKEN),
        (["-e", "INIT"], "telinit: -e 'INIT': " + NOT_TAKEN),
        (["-e", " INIT_A=b"], "telinit: -e ' INIT_A': " + NOT_TAKEN),
        (["-e", "INIT_A=b", "-e", "init_b"], "telinit: -e 'init_b': " + NOT_TAKEN),
        (["-x"], "/sbin/telinit: invalid option -- 'x'\n" + USAGE),
        (["--help", "3"], "/sbin/telinit: invalid option -- '-'\n" + USAGE),
        (["--version", "3"], "/sbin/telinit: invalid option -- '-'\n" + USAGE),
        (["-t"], "/sbin/telinit: option requires an argument -- 't'\n" + USAGE),
        (["3", "-e"], "/sbin/telinit: option requires an argument -- 'e'\n" + USAGE),
        (["-e", "x" * 367], "telinit: -e option data too large\n"),
        (["-e", "x" * 360, "-e", "x" * 6, "-x", "3"], "telinit: -e option data too large\n"),
    ],
)
def test_it_refuses(arguments: list[str], said: str, fifo: Fifo, capfd: pytest.CaptureFixture[str]) -> None:
    assert telinit.main(["/sbin/telinit", *arguments], fifo.path) == 1
    assert capfd.readouterr() == ("", said)
    assert fifo.requests() == []


@pytest.mark.parametrize("seconds", ["x", "", "3x", "1.5", "-1", "-0", "+1", "2147483648"])
def test_a_wait_time_that_is_none_is_refused(
    seconds: str, fifo: Fifo, capfd: pytest.CaptureFixture[str]
) -> None:
    """C takes a word for 0 and so has processes killed at once; a typing mistake should not."""
    assert telinit.main(["telinit", "-t", seconds, "3"], fifo.path) == 1
    reason = f"-t {seconds!r}: not a number of seconds (expected 0 to 2147483647)"
    assert capfd.readouterr() == ("", f"{USAGE}telinit: {reason}\n")
    assert fifo.requests() == []


def test_whose_fifo_it_is_may_ask(
    fifo: Fifo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a container whose init is not root."""
    monkeypatch.setattr(posix, "geteuid", lambda: os.stat(fifo.path).st_uid)
    assert telinit.main(["telinit", "q"], fifo.path) == 0
    monkeypatch.setattr(posix, "geteuid", lambda: 65534)
    assert telinit.main(["telinit", "q"], "/no/such") == 1
    assert capfd.readouterr() == ("", "telinit: must be superuser.\n")


@pytest.mark.parametrize("arguments", [[], ["x"], ["3"], ["-x"]])
def test_only_root_may_ask_and_this_comes_before_the_arguments(
    arguments: list[str], fifo: Fifo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 65534)
    assert telinit.main(["telinit", *arguments], fifo.path) == 1
    assert capfd.readouterr() == ("", "telinit: must be superuser.\n")


def test_the_version_is_for_everybody(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 65534)
    assert telinit.main(["telinit", "--version"], "/nowhere") == 0
    said, complaint = capfd.readouterr()
    assert said.startswith("SysV init version: sysvinit_py ")
    assert complaint == ""


def test_help_is_for_everybody(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(posix, "geteuid", lambda: 65534)
    assert telinit.main(["/sbin/telinit", "--help"], "/nowhere") == 0
    said, complaint = capfd.readouterr()
    assert said.startswith(USAGE)
    for word in ("0 to 9", "Q, q", "U, u", "-t SECONDS", "-e INIT_NAME", "--version"):
        assert word in said
    assert complaint == ""


def test_it_goes_by_the_name_it_is_called_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/sbin/init", "3"])
    path = str(tmp_path / "initctl")
    assert telinit.main(path=path) == 1
    assert telinit.main(["init"], path) == 1
    assert (
        capfd.readouterr().err
        == f"init: {path}: No such file or directory\n"
        + USAGE.replace("telinit", "init")
        + "init: missing runlevel\n"
    )


def test_without_a_reader_it_gives_up(
    tmp_path: Path, hurried: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "initctl"
    os.mkfifo(path)
    assert telinit.main(["telinit", "3"], str(path)) == 1
    assert capfd.readouterr() == ("", TIMEOUT.format(path))


def test_it_has_patience_for_three_seconds_at_most() -> None:
    assert telinit._PATIENCE == 3


def test_it_waits_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "initctl"
    os.mkfifo(path)
    opened: list[int] = []
    late = Timer(0.2, lambda: opened.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK)))
    late.start()
    assert telinit.main(["telinit", "3"], str(path)) == 0
    late.join()
    assert Decoder().feed(os.read(opened[0], 1000)) == [Request(RUNLVL, "3", 5)]
    os.close(opened[0])


def test_a_fifo_that_stays_full_is_given_up(
    fifo: Fifo, hurried: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """C hangs here until somebody reads."""
    with open(os.open(fifo.path, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0) as full:
        while full.write(bytes(4096)):
            pass
    started = time.monotonic()
    assert telinit.main(["telinit", "3"], fifo.path) == 1
    assert time.monotonic() - started < 2
    assert capfd.readouterr() == ("", TIMEOUT.format(fifo.path))


def test_what_is_no_fifo_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """C writes its request into the file, and says that all is well."""
    path = tmp_path / "initctl"
    path.write_bytes(b"not for you")
    assert telinit.main(["telinit", "3"], str(path)) == 1
    assert capfd.readouterr() == ("", f"telinit: {path} is not a fifo\n")
    assert path.read_bytes() == b"not for you"


def test_a_directory_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert telinit.main(["telinit", "3"], str(tmp_path)) == 1
    assert capfd.readouterr() == ("", f"telinit: {tmp_path}: Is a directory\n")


def test_the_fifo_is_where_init_makes_it() -> None:
    assert initctl.PATH == "/run/initctl"


def test_it_imports_next_to_nothing() -> None:
    """Each import is time at every telinit, and memory in PID 1, which has it in the same file."""
    repository = Path(telinit.__file__).parents[2]
    show_new = (
        f"import sys, os; sys.path.append({str(repository)!r}); had = set(sys.modules);"
        "import sysvinit_py.clients.telinit; print(*sorted(set(sys.modules) - had))"
    )
    told = subprocess.run([sys.executable, "-IS", "-c", show_new], capture_output=True, text=True, check=True)
    new = {name for name in told.stdout.split() if name.partition(".")[0] != "sysvinit_py"}
    assert new <= {"errno", "struct", "_struct", "time", "__future__"}
