"""inittab-install --live on a machine that was booted with C sysvinit; and somebody sets its clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from sysvinit_py.install import cli
from sysvinit_py.vm.image import Image
from tests.vm.conftest import MACHINE
from tests.vm.machine import BOOT, Machine

#: C reads one entry of each file.
SLEEPS = "t1:23:respawn:/bin/sleep 9991\n"
FAILS = "t2:2:respawn:/bin/sh -c 'echo >> /run/started; exit 1'\n"
STARTED = "wc -l < /run/started"


def install(machine: Machine, *arguments: str) -> str:
    return machine.run(f"inittab-install --live --yes {' '.join(arguments)}", 180)


@pytest.fixture(scope="class")
def machine(
    disk_image: Image, packages: dict[str, Path], request: pytest.FixtureRequest
) -> Iterator[Machine]:
    """With our package on its disk."""
    (package, *_) = cli.PACKAGES
    files: dict[str, str | bytes] = {**TestLive.FILES, "/root/package.deb": packages[package].read_bytes()}
    with Machine(disk_image, TestLive.APPEND, files) as made:
        request.node.stash[MACHINE] = made
        made.log_in(BOOT)
        yield made


class TestLive:
    """One test, as each step needs those before it. The image has ours in /sbin/init already."""

    APPEND = "init=/sbin/init.sysv"
    FILES: ClassVar = {
        "/etc/inittab.d/a.tab": SLEEPS,
        "/etc/inittab.d/b.tab": FAILS,
    }

    def test_there_and_back_and_there(self, machine: Machine) -> None:
        machine.run("cp /sbin/init /root/init")
        assert machine.run("readlink /proc/1/exe").startswith("/usr/sbin/init")
        sleeper = machine.run("pgrep -f '^/bin/sleep 9991'")

        assert "PID 1 is sysvinit_py now, in level 2" in install(machine, "--init", "/root/init")
        assert "python" in machine.run("readlink /proc/1/exe")
        assert "PID 1 is C sysvinit 3.06 now, in level 2" in install(machine, "--undo")
        assert machine.run("readlink /proc/1/exe").startswith("/usr/sbin/init")
        assert "PID 1 is sysvinit_py now, in level 2" in install(machine, "--init", "/root/init")
        assert machine.run("pgrep -f '^/bin/sleep 9991'") == sleeper
        assert machine.run("runlevel") == "N 2"

        # A year forth, two back, one forth: the throttle goes by another clock, and so does all else.
        machine.run("echo 't3:2:once:/bin/touch /run/read' > /etc/inittab.d/c.tab; telinit q")
        machine.wait_for("test -e /run/read")
        machine.run("sleep 5")  # ten starts more, and it rests
        started = machine.run(STARTED)
        for step in "+1 year", "-2 years", "+1 year":
            machine.run(f"date -s '{step}'; sleep 2")
            assert machine.run(STARTED) == started
            machine.run("pkill -f '^/bin/sleep 9991'")
            machine.wait_for("pgrep -f '^/bin/sleep 9991'")
        machine.run("telinit q")
        machine.wait_for(f"test $({STARTED}) = $(({started} + 10))")
        assert "error in init" not in machine.said

    def test_the_package_is_installed_steered_and_removed(self, machine: Machine) -> None:
        """Begins with C init, as inittab-install leaves the machine to it."""
        if "python" in machine.run("readlink /proc/1/exe"):
            install(machine, "--undo")
        machine.run("inittab-install --undo --yes || :")
        assert "telinit u" in machine.run("dpkg --install /root/package.deb", 180)
        machine.run("telinit u")
        machine.wait_for("inittab status")
        machine.run(
            "printf '# inittab: log\\nt8:2:respawn:echo here; exec sleep 9998\\n' > /etc/inittab.d/d.tab"
        )
        machine.run("inittab reload")
        machine.wait_for("inittab status -o state t8 | grep running")
        machine.run("inittab stop t8")
        machine.run("inittab status -o id,state | grep '^t8.*stopped'")
        machine.run("inittab start t8 && inittab restart t8")
        machine.wait_for("inittab status -o state t8 | grep running")
        assert "here" in machine.run("inittab log t8")
        assert "stop" in machine.run("inittab history t8")
        # An upgrade has PID 1 execute what was installed.
        before = machine.run("stat -L -c %i /sbin/init")
        assert "status" not in machine.run("dpkg --install /root/package.deb", 180)
        machine.wait_for("inittab history | grep -i re-exec || inittab status t8")
        assert machine.run("stat -L -c %i /sbin/init") != before
        machine.run("dpkg --purge sysvinit-py; telinit u", 180)
        machine.wait_for("readlink /proc/1/exe | grep -q sbin/init")
        assert machine.run("ls /sbin/*.sysv /var/lib/sysvinit-py 2>/dev/null; :") == ""
