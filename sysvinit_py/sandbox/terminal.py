"""Connecting the user's terminal to the sandbox's console."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from sysvinit_py.sandbox.console import Console

ESCAPE = b"\x1d"  # Ctrl-]


@contextmanager
def connected(console: Console) -> Iterator[None]:
    """Set the terminal to raw mode, and the console to its size; the terminal is restored afterwards."""
    terminal = sys.stdin.fileno()

    def resize(*_: object) -> None:
        size = os.get_terminal_size(terminal)
        console.resize(size.lines, size.columns)

    before = termios.tcgetattr(terminal)
    handler = signal.signal(signal.SIGWINCH, resize)
    try:
        resize()
        tty.setraw(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)


def pass_keys(console: Console, patience: float) -> bool:
    """Wait up to ``patience`` seconds for keys, and type them on the console; return False for Ctrl-]."""
    terminal = sys.stdin.fileno()
    if not select.select([terminal], [], [], patience)[0]:
        return True
    keys = os.read(terminal, 4096)
    before, escape, _ = keys.partition(ESCAPE)
    console.type(before)
    return bool(keys) and not escape
