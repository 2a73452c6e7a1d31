"""Boots that are not as ever: into single-user mode, without a console, with an inittab that is wrong."""

from __future__ import annotations

from typing import ClassVar

from tests.vm.machine import BOOT, Machine


class TestSingleUser:
    APPEND = "single"
    BOOTS_TO = Machine.maintain

    def test_is_level_s_with_file_systems_that_can_be_written(self, machine: Machine) -> None:
        assert machine.run("ps -p 1 -o args=").rstrip() == "init [S]"
        assert "Entering runlevel" not in machine.said
        machine.run("touch /here")

    def test_the_shell_has_job_control(self, machine: Machine) -> None:
        assert machine.run("ps -o tty= -p $$") == "ttyS0"

    def test_goes_on_to_level_2(self, machine: Machine) -> None:
        machine.type("exit")
        machine.expect("Entering runlevel: 2", BOOT)
        machine.log_in()
        assert machine.run("runlevel") == "N 2"  # as with C init: S at boot is none

    def test_reboot(self, machine: Machine) -> None:
        machine.type("reboot")
        assert machine.wait_end() == "guest-reset"
        machine.check_disk()


class TestEmergency:
    APPEND = "emergency"
    BOOTS_TO = Machine.maintain

    def test_nothing_has_run_before(self, machine: Machine) -> None:
        assert "rcS" not in machine.run("ps -A -o args=")
        assert " ro," in machine.run("grep ' / ' /proc/mounts")

    def test_goes_on_to_boot_and_powers_off(self, machine: Machine) -> None:
        machine.type("exit")
        machine.log_in()
        assert machine.run("runlevel") == "N 2"
        assert "system boot" in machine.run("last -x")
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        machine.check_disk()


class TestNoConsole:
    """There is no console; and /run, with the FIFO, is mounted over during the boot."""

    APPEND = "init=/root/start"
    FILES: ClassVar = {
        "/root/start": '#!/bin/sh\nrm /dev/console /dev/tty0\nexec /sbin/init "$@"\n',
        "/etc/init.d/rcS": "#!/bin/sh\nmount -t tmpfs -o mode=755 run /run\nexec /etc/init.d/rc S\n",
    }

    def test_boots_to_login(self, machine: Machine) -> None:
        assert machine.run("grep -c ' /run ' /proc/mounts") == "2"
        assert "INIT:" not in machine.said

    def test_the_fifo_is_there_again(self, machine: Machine) -> None:
        machine.run("telinit 3")
        machine.wait_for("test \"$(runlevel)\" = '2 3'")

    def test_shutdown_at_a_time(self, machine: Machine) -> None:
        machine.run("date -s 12:00:55")
        machine.type("shutdown -h -H 12:01")  # -H is for the scripts: INIT_HALT, by way of init
        machine.expect("reboot: System halted", BOOT)
        machine.check_disk()


class TestWrongInittab:
    """Not a line that is one: init asks what to do, and offers a shell."""

    FILES: ClassVar = {"/etc/inittab": "[Unit]\nDescription=not an inittab\nid:x:initdefault:\n:::\n"}

    BOOTS_TO = Machine.ask_for_level

    def test_the_wrong_lines_are_named(self, machine: Machine) -> None:
        assert "INIT: /etc/inittab[1]: " in machine.said

    def test_asks_again(self, machine: Machine) -> None:
        machine.type("x")
        machine.ask_for_level()

    def test_gives_a_shell_which_can_halt(self, machine: Machine) -> None:
        machine.type("S")
        machine.maintain()
        assert machine.run("id -u") == "0"
        machine.type("halt -f")
        machine.expect("reboot: System halted")
        machine.check_disk()
