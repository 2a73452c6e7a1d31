"""A trial: one boot of one init, and what can be seen of its PID 1 from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from bench import stamps
from bench.inits import Entry, Init, Inittab
from bench.stamps import Stamps
from sysvinit_py.protocol import initctl
from sysvinit_py.sandbox.sandbox import Sandbox

_REST = 0.1  # seconds of sleep without which PID 1 is not at rest


class Trial:
    """A context manager: boots on entering; on leaving all of it ends.

    system   the root file system whose programs it runs with, if not this machine's
    started  when it was told to exec the init, seconds of time.monotonic
    stamps   what the entries' programs wrote down
    """

    def __init__(self, init: Init, entries: Sequence[Entry], system: str = "") -> None:
        self.init = init
        self.started = 0.0
        self.stamps: Stamps
        plan = init.plan(entries)
        files = {
            **stamps.files(),
            "/sbin/init": init.program,
            **plan.files,
        }
        self._sandbox = Sandbox(
            init.program,
            None,
            files=files,
            arguments=plan.arguments,
            environment=plan.environment,
            binds=plan.binds,
            before=self._prepare,
            system=system,
        )
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self._exits.enter_context(self._sandbox)
        return self

    def __exit__(self, *_: Any) -> None:
        self._exits.close()

    def _prepare(self, sandbox: Sandbox) -> None:
        self.stamps = Stamps(sandbox.path(stamps.FILE))
        self.started = time.monotonic()

    # PID 1.

    @property
    def cpu(self) -> float:
        """Seconds that PID 1 has spent on a processor."""
        return int(self._proc("schedstat").split()[0]) / 1e9

    @property
    def wakeups(self) -> int:
        """How often it has waited for something."""
        [count] = (
            line.split()[1]
            for line in self._proc("status").splitlines()
            if line.startswith("voluntary_ctxt_switches")
        )
        return int(count)

    @property
    def memory(self) -> dict[str, int]:
        """Its memory by the names of proc_pid_smaps(5): KiB."""
        lines = self._proc("smaps_rollup").splitlines()[1:]
        return {line.split(":")[0]: int(line.split()[1]) for line in lines}

    def settle(self) -> None:
        """Wait until PID 1 has nothing left to do."""
        while True:
            before = self.cpu
            time.sleep(_REST)
            if self.cpu == before:
                return

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._sandbox.pid}/{name}").read_text()

    # What it is asked for.

    def request(self, level: str, wait_time: int = 5) -> float:
        """Write a request for a level on /run/initctl; return when."""
        fifo = os.open(self._sandbox.path(initctl.PATH), os.O_WRONLY | os.O_NONBLOCK)
        try:
            now = time.monotonic()
            os.write(fifo, initctl.encode(initctl.Request(initctl.RUNLVL, level, wait_time)))
        finally:
            os.close(fifo)
        return now

    def write_inittab(self, entries: Sequence[Entry]) -> None:
        """Give it another one, to be read when it is asked to."""
        assert isinstance(self.init, Inittab)
        self._sandbox.write("/etc/inittab", self.init.inittab(entries))
