"""The console, on a real pseudoterminal, and on one that fails."""

from __future__ import annotations

import errno
import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.linux import calls
from sysvinit_py.linux.descriptors import open_nothing
from sysvinit_py.machine.events import LevelAnswered, NoAnswer
from sysvinit_py.pid1.outputs.console import BACKLOG, PROMPT, Console


class Terminal:
    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)

    def said(self) -> bytes:
        said = b""
        try:
            while part := os.read(self.master, 1 << 16):
                said += part
        except BlockingIOError:
            pass
        return said


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    for fd in (terminal.master, terminal.slave):
        try:
            os.close(fd)
        except OSError:
            pass


@pytest.fixture
def console(terminal: Terminal) -> Console:
    return Console({"CONSOLE": terminal.path})


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch, console: Console) -> Console:
    """Does not open any more."""
    monkeypatch.setattr(console, "path", "/no/such")
    return console


# Which one it is.


def test_of_the_environment_if_it_opens(terminal: Terminal) -> None:
    assert Console({"CONSOLE": terminal.path}).path == terminal.path


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        ({"/given", "/dev/console", "/dev/tty0"}, "/given"),
        ({"/dev/console", "/dev/tty0"}, "/dev/console"),
        ({"/dev/tty0"}, "/dev/tty0"),
        (set(), "/dev/null"),
    ],
)
def test_the_first_that_opens(monkeypatch: pytest.MonkeyPatch, opening: set[str], expected: str) -> None:
    def open_(path: str, flags: int, mode: int = 0) -> int:
        assert flags & os.O_NOCTTY
        assert flags & os.O_NONBLOCK
        if path not in opening:
            raise OSError(errno.ENXIO, path)
        return os.open("/dev/null", os.O_RDONLY)

    monkeypatch.setattr(calls, "open", open_)
    assert Console({"CONSOLE": "/given"}).path == expected


# For children.


def test_opened_for_a_child_it_blocks(console: Console) -> None:
    fd = console.open()
    assert os.isatty(fd)
    assert os.get_blocking(fd)
    os.close(fd)


def test_dev_null_where_it_does_not_open(lost: Console) -> None:
    fd = lost.open()
    assert os.fstat(fd).st_rdev == os.stat("/dev/null").st_rdev
    os.close(fd)


def test_without_dev_null_a_pipe_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_(path: str, flags: int) -> int:
        raise FileNotFoundError(errno.ENOENT, path)

    monkeypatch.setattr(calls, "open", open_)
    fd = open_nothing()
    assert os.read(fd, 1) == b""
    os.close(fd)


# Messages.


def test_a_message(terminal: Terminal, console: Console) -> None:
    console.report("héllo \udcff")
    assert terminal.said() == "\rINIT: héllo \\xff\r\r\n".encode()
    assert console.writing < 0


def test_nothing_is_lost_while_it_is_stopped(terminal: Terminal, console: Console) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    console.report("one")
    console.report("two")
    assert console.writing >= 0
    console.write_more()
    assert terminal.said() == b""
    termios.tcflow(terminal.slave, termios.TCOON)
    console.write_more()
    assert terminal.said() == b"\rINIT: one\r\r\n\rINIT: two\r\r\n"
    assert console.writing < 0


def test_what_is_kept_has_a_limit(terminal: Terminal, console: Console) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    for _ in range(BACKLOG // 1000 + 10):
        console.write(b"x" * 1000)
    termios.tcflow(terminal.slave, termios.TCOON)
    got = 0
    while console.writing >= 0:
        console.write_more()
        got += len(terminal.said())
    assert BACKLOG - 1000 <= got + len(terminal.said()) <= BACKLOG


def test_a_message_longer_than_the_terminal_takes(terminal: Terminal, console: Console) -> None:
    console.write(b"x" * 30000)
    got = terminal.said()
    while console.writing >= 0:
        console.write_more()
        got += terminal.said()
    assert got + terminal.said() == b"x" * 30000


def test_a_console_that_is_gone_takes_its_messages_along(lost: Console) -> None:
    lost.report("to nobody")
    assert lost.writing < 0
    lost.write_more()


def test_a_copy_of_init_has_no_messages(terminal: Terminal, console: Console) -> None:
    termios.tcflow(terminal.slave, termios.TCOOFF)
    console.report("init's")
    console.forget_backlog()
    termios.tcflow(terminal.slave, termios.TCOON)
    console.report("the copy's")
    assert terminal.said() == b"\rINIT: the copy's\r\r\n"


# Settings.


def test_sane_settings(terminal: Terminal, console: Console) -> None:
    settings = termios.tcgetattr(terminal.slave)
    settings[0] = settings[1] = settings[3] = 0
    settings[2] = termios.CS7 | termios.PARENB
    settings[4] = settings[5] = termios.B9600
    settings[6] = [b"\0"] * len(settings[6])
    termios.tcsetattr(terminal.slave, termios.TCSANOW, settings)
    console.make_sane()
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = termios.tcgetattr(terminal.slave)
    assert iflag & termios.ICRNL
    assert oflag & termios.ONLCR
    assert lflag & termios.ICANON
    assert lflag & termios.ISIG
    assert lflag & termios.ECHO
    assert ispeed == ospeed == termios.B9600
    assert cflag & termios.CREAD
    assert characters[termios.VINTR] == b"\x03"
    assert characters[termios.VEOF] == b"\x04"


def test_settings_of_what_is_no_terminal(monkeypatch: pytest.MonkeyPatch, console: Console) -> None:
    for path in ("/dev/null", "/no/such"):
        monkeypatch.setattr(console, "path", path)
        console.make_sane()


# The question.


def test_question_and_answer(terminal: Terminal, console: Console) -> None:
    assert console.ask()
    assert terminal.said() == PROMPT.replace(b"\n", b"\r\n")
    assert console.answer() is None
    os.write(terminal.master, b"3\n")
    assert console.answer() == LevelAnswered("3")
    assert console.asking < 0  # else init takes from sulogin and its shell what is typed for them


def test_asked_again(terminal: Terminal, console: Console) -> None:
    console.ask()
    os.write(terminal.master, b"what?\n")
    assert console.answer() == LevelAnswered("what?")
    console.ask()
    os.write(terminal.master, b"2\n")
    assert console.answer() == LevelAnswered("2")


def test_an_answer_in_parts_from_a_raw_terminal(terminal: Terminal, console: Console) -> None:
    settings = termios.tcgetattr(terminal.slave)
    settings[0] = settings[3] = 0
    termios.tcsetattr(terminal.slave, termios.TCSANOW, settings)
    console.ask()
    os.write(terminal.master, b"2")
    assert console.answer() is None
    os.write(terminal.master, b"\r")
    assert console.answer() == LevelAnswered("2")


def test_end_of_file_is_no_answer(terminal: Terminal, console: Console) -> None:
    console.ask()
    os.write(terminal.master, b"\x04")
    assert console.answer() is None
    os.write(terminal.master, b"3\n")
    assert console.answer() == LevelAnswered("3")
    assert terminal.said().count(PROMPT.strip()) == 2


def test_a_terminal_that_goes_away(terminal: Terminal, console: Console) -> None:
    console.ask()
    os.close(terminal.slave)
    os.close(terminal.master)
    assert console.answer() == NoAnswer()
    assert console.asking < 0


@pytest.mark.parametrize("path", ["/dev/null", "/no/such"])
def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch, console: Console, path: str) -> None:
    monkeypatch.setattr(console, "path", path)
    assert not console.ask()
    assert console.asking < 0


def test_open_descriptors_are_few(console: Console) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        console.report("x")
        console.ask()
        console.stop_asking()
        console.make_sane()
        console.find()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
