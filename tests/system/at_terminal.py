"""Somebody at a terminal, and the program that runs there."""

from __future__ import annotations

import os
import subprocess
import termios
from collections.abc import Callable
from typing import Any

from sysvinit_py.sandbox.console import Console


class AtTerminal:
    """A terminal with a program on it; ``start`` is given its standard streams."""

    def __init__(self, start: Callable[..., subprocess.Popen[Any]]) -> None:
        self.screen = Console()
        self.screen.resize(30, 100)
        self.terminal = os.open(self.screen.name, os.O_RDWR | os.O_NOCTTY)
        self.settings = termios.tcgetattr(self.terminal)
        self.program = start(**dict.fromkeys(("stdin", "stdout", "stderr"), self.terminal))

    def restored(self) -> bool:
        return termios.tcgetattr(self.terminal) == self.settings

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self.terminal)
        self.screen.close()
