"""Hot swap on a machine: ours gives to C sysvinit, C gives back, and who is logged in notices nothing."""

from __future__ import annotations

from typing import ClassVar

from tests.vm.machine import BOOT, Machine

TAB = """\
t1:a:ondemand:/bin/sleep 9991
t2:2:once:/bin/sleep 9992
t3:23:respawn:/bin/sleep 9993
t4:3:once:echo $RUNLEVEL $PREVLEVEL $INIT_X > /run/called
"""
SLEEPERS = "pgrep -f '^/bin/sleep 999' | sort -n | tr '\\n' ' '"


def put(machine: Machine, program: str) -> None:
    """As docs/hot-swap.rst has it."""
    machine.run(f"cp -p {program} /sbin/init.new && mv /sbin/init.new /sbin/init && sync")


class TestThereAndBack:
    """One test, as each step needs those before it."""

    FILES: ClassVar = {"/etc/inittab.d/test.tab": TAB}

    def test_there_and_back(self, machine: Machine) -> None:
        # C knows no inittab.d; what it hands back it has from us.
        machine.run("cp -p /sbin/init /root/init.ours; telinit a; telinit -e INIT_X=yes")
        machine.wait_for("test $(pgrep -fc '^/bin/sleep 999') = 3")
        running = machine.run(SLEEPERS)

        put(machine, "/sbin/init.sysv")
        machine.type("telinit u")
        machine.expect("INIT: version 3.* reloading")
        assert machine.run("readlink /proc/1/exe").startswith("/usr/sbin/init")
        assert machine.run(SLEEPERS) == running
        assert machine.run("runlevel") == "N 2"

        # C starts again what we have started.
        machine.run("pkill -f '^/bin/sleep 9993'")
        machine.wait_for("pgrep -f '^/bin/sleep 9993'")
        running = machine.run(SLEEPERS)

        put(machine, "/root/init.ours")
        machine.type("telinit u")
        machine.expect("INIT: version 0.* reloading")
        assert "python" in machine.run("readlink /proc/1/exe")
        assert machine.run(SLEEPERS) == running
        assert machine.run("ps -p 1 -o args=").rstrip() == "init [2]"

        machine.run("telinit 3")
        machine.wait_for("test \"$(cat /run/called)\" = '3 2 yes'")
        machine.wait_for("! pgrep -f init.d/[r]c")
        assert machine.run("runlevel") == "2 3"
        assert machine.run("pgrep -fc '^/bin/sleep 999[13]'") == "2"  # called on demand: in every level

        machine.type("halt")
        machine.expect("reboot: (System halted|Power down)", BOOT)
        machine.check_disk()
