"""The inits: where each comes from, and how it is told what to run.

What is to run is described in ``Entry`` values; each init makes files, arguments and an environment of them.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench import packages, stamps
from sysvinit_py.sandbox.sandbox import KERNEL_ENVIRONMENT, Content

ONCE, RESPAWN = "once", "respawn"


class Entry(NamedTuple):
    """A command to run: words for the program of stamp.c."""

    words: str
    action: str = RESPAWN
    level: str = "2"
    shell: bool = False  # a line that a shell has to read

    @property
    def command(self) -> str:
        return f"{stamps.PROGRAM} {self.words}" + " >/dev/null" * self.shell

    @property
    def argv(self) -> list[str]:
        """What an init that does no more than it must executes."""
        return ["/bin/sh", "-c", f"exec {self.command}"] if self.shell else self.command.split()


class Plan(NamedTuple):
    """What one boot needs beside the program."""

    files: Mapping[str, Content]
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = KERNEL_ENVIRONMENT
    binds: Sequence[tuple[str, str]] = ()  # folders outside, and where they are seen


class Init(ABC):
    """An init; ``program`` raises PackageError if there is none."""

    name: str
    delays_respawn = False  # on purpose, by up to a second

    @property
    @abstractmethod
    def program(self) -> Path:
        """The file that becomes /sbin/init."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Which one it is."""

    @abstractmethod
    def plan(self, entries: Sequence[Entry]) -> Plan:
        """How it is told to run the entries in level 2, and those of other levels when they are entered."""


class Inittab(Init):
    """Those that read the SysV inittab."""

    def plan(self, entries: Sequence[Entry]) -> Plan:
        return Plan({"/etc/inittab": self.inittab(entries)})

    def inittab(self, entries: Sequence[Entry]) -> str:
        """What /etc/inittab says."""
        lines = (f"{_id(n)}:{e.level}:{e.action}:{e.command}" for n, e in enumerate(entries))
        return "\n".join(("id:2:initdefault:", *lines, ""))


class Ours(Inittab):
    """sysvinit_py, booting a plain inittab, as nearly all are."""

    name = "sysvinit_py"

    def __init__(self, program: Path) -> None:
        self._program = program

    @property
    def program(self) -> Path:
        return self._program

    @property
    def version(self) -> str:
        from sysvinit_py import __version__

        return __version__


class OursByGrammar(Ours):
    """sysvinit_py, booting an inittab with a refused line: a process of its own parses it."""

    name = "sysvinit_py, inittab not plain"

    def inittab(self, entries: Sequence[Entry]) -> str:
        return super().inittab(entries) + "refused\n"


class Debian(Init):
    """One that comes from a package."""

    package: str
    path: str

    @property
    def program(self) -> Path:
        return packages.unpacked(self.package) / self.path

    @property
    def version(self) -> str:
        return packages.version(self.package)


class SysVInit(Debian, Inittab):
    """The C program: what all others are compared with."""

    name, package, path = "sysvinit", "sysvinit-core", "sbin/init"


class BusyBox(Debian):
    """It knows no runlevels, and sleeps a second before it looks whom to start again."""

    name, package, path = "busybox", "busybox-static", "bin/busybox"
    delays_respawn = True

    def plan(self, entries: Sequence[Entry]) -> Plan:
        # Of lines with the same command it takes one: a word more, that nobody reads, makes them differ.
        lines = (f"::{entry.action}:{entry.command} {n}\n" for n, entry in enumerate(entries))
        return Plan({"/etc/inittab": "".join(lines)})


class Runit(Debian):
    """runsvdir as PID 1. Each service has a supervisor of its own, and a second between two starts of it."""

    name, package, path = "runit", "runit", "usr/bin/runsvdir"
    delays_respawn = True

    def plan(self, entries: Sequence[Entry]) -> Plan:
        scripts = {f"/service/{_id(n)}/run": f"#!/bin/sh\nexec {e.command}\n" for n, e in enumerate(entries)}
        return Plan(
            {"/sbin/runsv": packages.unpacked(self.package) / "usr/bin/runsv", **scripts},
            ["-P", "/service"],
            {"PATH": "/sbin:/bin", **KERNEL_ENVIRONMENT},
        )


class Tini(Debian):
    """It runs one command, and takes the orphans."""

    name, package, path = "tini", "tini", "usr/bin/tini"

    def plan(self, entries: Sequence[Entry]) -> Plan:
        [entry] = entries
        return Plan({}, entry.command.split())


class BarePython(Init):
    """No init, but what any in Python has to pay at least: it starts commands, again when they end."""

    SCRIPT = """\
#!/usr/bin/python3 -IS
import IMPORTS
running = {}
ended = COMMANDS
while True:
    for command in ended:
        running[os.posix_spawn(command[0], command, {})] = command
    pid, _ = os.wait()
    ended = [running.pop(pid)] if pid in running else []
"""

    def __init__(self, name: str, imports: str) -> None:
        self.name = name
        self._script = self.SCRIPT.replace("IMPORTS", imports)

    @property
    def program(self) -> Path:
        return Path("/usr/bin/python3")

    @cached_property
    def version(self) -> str:
        return os.path.realpath(self.program).rpartition("python")[2]

    def plan(self, entries: Sequence[Entry]) -> Plan:
        commands = [entry.argv for entry in entries]
        return Plan({"/sbin/init": self._script.replace("COMMANDS", repr(commands))})


def all_inits(ours: Path) -> dict[str, Init]:
    """All of them by name; in the order in which they are run and shown."""
    inits: tuple[Init, ...] = (
        Ours(ours), OursByGrammar(ours), SysVInit(), BusyBox(), Runit(), Tini(),
        BarePython("bare python3", "os"), BarePython("python3 with modules", "os, select, signal"),
    )  # fmt: skip
    return {init.name: init for init in inits}


def _id(number: int) -> str:
    """A number as an id of up to four characters, of which no two are equal."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "_" + "".join(digits[number // 36**place % 36] for place in (2, 1, 0))
