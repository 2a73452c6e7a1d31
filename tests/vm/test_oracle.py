"""The same image booted with Debian's C init, which inittab-install keeps."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from sysvinit_py.vm.image import Image
from tests.vm.machine import BOOT, Machine

FALL_BACK = "init=/sbin/init.sysv"
LIMIT = 1.1
ATTEMPTS = 5


class TestFallBack:
    APPEND = FALL_BACK

    def test_boots_to_login(self, machine: Machine) -> None:
        assert "INIT: version 3.06 booting" in machine.said
        assert machine.run("runlevel") == "N 2"

    def test_can_be_left_for_ours(self, machine: Machine) -> None:
        """``telinit u`` runs /sbin/init, which is ours, and takes over the state of C init."""
        machine.type("telinit u")
        machine.expect("INIT: version 0.* reloading")
        assert machine.run("runlevel") == "N 2"
        machine.type("exit")
        machine.log_in()

    def test_halt(self, machine: Machine) -> None:
        machine.type("halt")
        assert machine.wait_end() == "guest-shutdown"  # Debian's /etc/default/halt has it so
        machine.check_disk()


def power_on_to_login(image: Image, append: str) -> tuple[float, float]:
    """Return how long it takes in seconds: by the clock, and in processor time."""
    with Machine(image, append) as machine:
        machine.expect("vm login: ", BOOT)
        return time.monotonic() - machine.switched_on, machine.cpu_seconds()


@pytest.mark.alone
def test_power_on_to_login(disk_image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    """Both boot side by side, so that what else the host does falls on both. What counts is the processor
    time of the machine, which differs by a tenth from boot to boot: as long as the sum of all boots so far
    says too much, there is another pair.
    """
    ours_in_all = oracle_in_all = 0.0
    for _ in range(ATTEMPTS):
        with ThreadPoolExecutor() as threads:
            ours, oracle = threads.map(partial(power_on_to_login, disk_image), ["", FALL_BACK])
        ours_in_all, oracle_in_all = ours_in_all + ours[1], oracle_in_all + oracle[1]
        with capsys.disabled():
            print(
                f"\npower-on to login: {ours[1]:.1f} s of processor time, with C init {oracle[1]:.1f} s: "
                f"{ours[1] / oracle[1]:.3f} times, {ours_in_all / oracle_in_all:.3f} in all "
                f"(by the clock {ours[0]:.1f} s and {oracle[0]:.1f} s: {ours[0] / oracle[0]:.3f} times)"
            )
        if ours_in_all <= LIMIT * oracle_in_all:
            return
    pytest.fail(f"{ours_in_all / oracle_in_all:.3f} times the processor time")
