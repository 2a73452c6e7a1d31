"""runit on the fake kernel: its stages, orphans, signals, and the end."""

from __future__ import annotations

import errno
import sys
from types import FrameType, SimpleNamespace
from typing import Any, NoReturn

from sysvinit_py.pid1.runit import main as runit
from sysvinit_py.pid1.runit import stages
from tests.faults.container import ContainerKernel
from tests.faults.fake import Kernel
from tests.faults.life import PASSING, orphan, signal

ONE, TWO, THREE, KEYS = (f"/etc/runit/{name}" for name in ("1", "2", "3", "ctrlaltdel"))
LIVES_FOR = {ONE: 0.2, TWO: float("inf"), THREE: 0.3, KEYS: 0.1}
ASKED, LATEST = 60.0, 90.0
HALTS, EXITS = "halts", "exits"


class RunitKernel(ContainerKernel):
    """A machine, or a container."""

    def __init__(self, script: list[tuple[float, Any]], *, is_machine: bool) -> None:
        self.is_machine = is_machine
        self.ended = ""
        super().__init__(b"", [*script, (LATEST, lambda kernel: kernel.finish())])

    def main(self, argv: list[str]) -> NoReturn:
        if argv[0] == "init":
            argv = ["/sbin/runit"]
        runit.main(["/sbin/runit", *argv[1:]])
        self.ended = EXITS
        self.finish()

    def stat(self, path: str, **_: object) -> SimpleNamespace:
        self.call("stat")
        if path in (stages.CTRL_ALT_DEL, stages.STOP_IT):
            return SimpleNamespace(st_mode=0o100)
        raise OSError(errno.ENOENT, "ENOENT")

    def readlink(self, path: str) -> str:
        found = super().readlink(path)
        return "pid:[4026531836]" if self.is_machine else found

    def posix_spawn(self, path: str, argv: list[str], env: dict[str, str], **how: Any) -> int:
        self.call("posix_spawn")
        self.started.append(path)
        return self.make_process(path, LIVES_FOR.get(path, float("inf")))

    def fork(self) -> int:
        self.call("fork")
        caller: FrameType = sys._getframe(1)
        assert "reboot" in caller.f_locals
        self.ended = HALTS
        self.finish()

    def reboot(self, cmd: int) -> None:
        self.call("reboot")
        if cmd:  # the last resort's
            self.ended = HALTS
            self.finish()


def asked(number: int, *, is_machine: bool) -> RunitKernel:
    script = [(2, orphan), (2.1, orphan), (3, signal(2)), (30, orphan), (ASKED, signal(number))]
    if is_machine:
        script.remove(
            script[2]
        )  # a request by keys is granted here, as the file that asks for the end is there
    return RunitKernel([*script, (ASKED + 0.05, orphan)], is_machine=is_machine)


def make() -> Kernel:
    return asked(30, is_machine=True)


def make_container() -> Kernel:
    """It ends early, by keys."""
    return asked(15, is_machine=False)


def make_asked_by_file() -> Kernel:
    return asked(18, is_machine=True)


LIVES = (make, make_container, make_asked_by_file)


def judge(kernel: Kernel) -> dict[str, Any]:
    """What is wrong at the end of the life; and what was counted."""
    assert isinstance(kernel, RunitKernel)
    problems = []
    cannot_execute = any(name == "posix_spawn" and error not in PASSING for name, error in kernel.tripped)
    ran = [path for path in kernel.started if path != KEYS]
    # Where nobody can say whether the end was asked for, it was not; or what it is, a machine is assumed.
    cannot_see = any(name in ("stat", "readlink", "chmod") for name, _ in kernel.tripped)
    if ran != [ONE, TWO, THREE] and not (cannot_execute or cannot_see):
        problems.append(f"ran: {ran}")
    if kernel.ended != (HALTS if kernel.is_machine else EXITS) and not cannot_see:
        problems.append(f"ended: {kernel.ended!r}")
    if kernel.longest_zombie > 1.5:
        problems.append(f"a zombie for {kernel.longest_zombie} s")
    if any(line in kernel.log for line in ("waits forever", "turns in circles")):
        problems.append(f"log: {kernel.log[-3:]}")
    return {
        "problems": problems, "lost": 0, "calls": dict(kernel.calls), "places": kernel.places,
        "tripped": kernel.tripped, "started": kernel.started, "console": bytes(kernel.console),
        "ended": kernel.now - 100,
    }  # fmt: skip
