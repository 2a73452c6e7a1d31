"""inittab-install --live on a machine that was booted with C sysvinit; and somebody sets its clock."""

from __future__ import annotations

from typing import ClassVar

from tests.vm.machine import Machine

#: C reads one entry of each file.
SLEEPS = "t1:23:respawn:/bin/sleep 9991\n"
FAILS = "t2:2:respawn:/bin/sh -c 'echo >> /run/started; exit 1'\n"
STARTED = "wc -l < /run/started"


def install(machine: Machine, *arguments: str) -> str:
    return machine.run(f"inittab-install --live --yes {' '.join(arguments)}", 180)


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
