"""The person's terminal, lent to the sandbox's console."""

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
def lent(console: Console) -> Iterator[None]:
    """Hand keys through untouched, and let the console have this terminal's size; undone afterwards."""
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


def hand_over(console: Console, patience: float) -> bool:
    """Wait ``patience`` seconds for keys to type on the console; False when the person wants to leave."""
    terminal = sys.stdin.fileno()
    if not select.select([terminal], [], [], patience)[0]:
        return True
    keys = os.read(terminal, 4096)
    before, escape, _ = keys.partition(ESCAPE)
    console.type(before)
    return bool(keys) and not escape
