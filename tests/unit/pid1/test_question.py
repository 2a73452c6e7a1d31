"""The question for a level on a terminal (SPEC 2.3)."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator

import pytest

from sysvinit_py.pid1.console import Console


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """Where a person types, and the name of the console."""
    person, console = pty.openpty()
    yield person, os.ttyname(console)
    os.close(person)
    os.close(console)


def test_the_console_is_let_go_when_the_question_is_answered(terminal: tuple[int, str]) -> None:
    """Else init goes on to read, and takes from sulogin and its shell what is typed for them."""
    person, name = terminal
    console = Console({"CONSOLE": name})
    assert console.ask()
    os.write(person, b"S\n")
    assert console.answer() == "S"
    assert console.asking == -1


def test_it_can_be_put_again(terminal: tuple[int, str]) -> None:
    person, name = terminal
    console = Console({"CONSOLE": name})
    for answer in "x", "2":
        assert console.ask()
        os.write(person, f"{answer}\n".encode())
        assert console.answer() == answer
