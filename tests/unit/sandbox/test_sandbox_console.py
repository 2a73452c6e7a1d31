"""The sandbox's console, without a sandbox: we hold both sides."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Iterator

import pytest

from sysvinit_py.sandbox.console import Console


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def console(heard: list[bytes]) -> Iterator[Console]:
    console = Console(heard.append)
    yield console
    console.close()


@pytest.fixture
def inside(console: Console) -> Iterator[int]:
    terminal = os.open(console.name, os.O_RDWR | os.O_NOCTTY)
    yield terminal
    os.close(terminal)


def test_expect_goes_on_behind_the_last_match(console: Console, inside: int) -> None:
    os.write(inside, b"one two two")
    console.expect(b"two")
    console.expect(b"two")
    with pytest.raises(TimeoutError, match="two"):
        console.expect(b"two", timeout=0.01)
    os.write(inside, b" two 42")
    assert console.expect(re.compile(rb"two (\d+)"))[1] == b"42"
    assert console.said == b"one two two two 42"


def test_type(console: Console, inside: int) -> None:
    console.type(b"telinit 3\r")
    assert os.read(inside, 100) == b"telinit 3\n"


def test_typing_never_waits(console: Console, inside: int) -> None:
    console.type(b"x" * 1_000_000)


def test_resize(console: Console, inside: int) -> None:
    console.resize(30, 100)
    assert os.get_terminal_size(inside) == (100, 30)


def test_it_can_be_read_while_nobody_has_it_open(console: Console) -> None:
    """C init opens the console for each message, and closes it: EIO between two must not end the reading."""
    for message in b"first", b"second":
        terminal = os.open(console.name, os.O_WRONLY | os.O_NOCTTY)
        os.write(terminal, message)
        os.close(terminal)
        console.expect(message)


def test_pause_lets_writers_wait(console: Console, inside: int) -> None:
    console.pause()
    os.set_blocking(inside, False)
    written = 0
    while select.select([], [inside], [], 0.05)[1]:
        written += os.write(inside, b"x" * 1000)
        assert written < 1_000_000
    console.resume()
    console.expect(b"x" * written)


def test_all_is_read_at_the_end(heard: list[bytes]) -> None:
    console = Console(heard.append)
    terminal = os.open(console.name, os.O_WRONLY | os.O_NOCTTY)
    os.write(terminal, b"x" * 3000)
    os.close(terminal)
    console.close()
    assert b"".join(heard) == console.said == b"x" * 3000
