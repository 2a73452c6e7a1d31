"""The drill on the smallest image, which has no C init package: what sysvinit-core does elsewhere is ours.

Which suite and architecture it is SYSVINIT_PY_IMAGE says: ``make test-image SUITE=trixie ARCH=arm64``.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.protocol import initctl
from sysvinit_py.vm import small
from sysvinit_py.vm.image import Image
from tests.vm.machine import BOOT, Machine

#: e2fsck at boot. It says nothing else if the kernel has replayed the journal before.
CLEAN = ": clean, "
PROGRAMS = ("telinit", "shutdown", "halt", "poweroff", "reboot", "runlevel")
pytestmark = pytest.mark.nightly


def change_level(machine: Machine, old: str, new: str) -> None:
    machine.run(f"telinit {new}")
    machine.wait_for(f"test \"$(runlevel)\" = '{old} {new}'")


def start_again(machine: Machine, command: str, unmounted: bool = True) -> str:
    """Run what restarts it, and log in again; return what the console has said since."""
    machine.type(command)
    machine.wait_restart()
    before = len(machine.said)
    machine.log_in()
    assert machine.run("runlevel") == "N 2"
    assert machine.run("dmesg | grep -c 'EXT4-fs .*recovery complete' || true") == f"{int(not unmounted)}"
    return machine.said[before:]


def power(command: int) -> str:
    """The shell command that sends the request, as powerd and upsmon do."""
    octal = "".join(f"\\{byte:03o}" for byte in initctl.encode(initctl.Request(command)).rstrip(b"\0"))
    return f"{{ printf '{octal}'; head -c 384 /dev/zero; }} | head -c 384 > /run/initctl"


class TestDrill:
    """One machine, which restarts; each test leaves it logged in on level 2."""

    IMAGE, RESTARTS = "small_image", True

    def test_boots_to_login(self, machine: Machine) -> None:
        assert "INIT: Entering runlevel: 2" in machine.said
        assert CLEAN in machine.said
        assert "rror" not in machine.said
        assert "not found" not in machine.said
        assert machine.run("runlevel") == "N 2"

    def test_others_read_wtmp(self, machine: Machine) -> None:
        """As records of that machine's C library, which on arm64 are longer."""
        last = [line.split()[:3] for line in machine.run("last").splitlines()[1:3]]
        assert [words[0] for words in last] == ["root", "reboot"]
        assert last[1][1:] == ["system", "boot"]

    def test_all_programs_of_init_are_ours(self, machine: Machine) -> None:
        """No other program is there that could do it; /bin/sh finds these and not BusyBox's own."""
        assert machine.run("head -n 2 /sbin/init | tail -n 1").startswith("# sysvinit_py ")
        for name in PROGRAMS:
            assert machine.run(f"readlink -f $(command -v {name})") == "/usr/sbin/init"
        programs = machine.run("find /usr/bin /usr/sbin -type f -perm -100 -exec basename {} \\;").split()
        assert {name for name in programs if not name.startswith("python3.")} == {"busybox", "e2fsck", "init"}

    def test_levels(self, machine: Machine) -> None:
        change_level(machine, "2", "3")
        change_level(machine, "3", "2")

    def test_a_shutdown_is_cancelled(self, machine: Machine) -> None:
        machine.type("shutdown -h +1 later &")
        machine.expect("nobody is told")  # there is no wall(1)
        machine.wait_for("test -s /run/shutdown.pid")
        machine.run("test -e /run/nologin")
        machine.type("shutdown -c")
        machine.expect("Shutdown cancelled")
        machine.wait_for("! test -e /run/nologin -o -e /run/shutdown.pid")
        assert machine.run("runlevel").endswith(" 2")

    def test_power_fails_and_comes_back(self, machine: Machine) -> None:
        """By the FIFO, and by the signal."""
        for fails, returns in (
            (power(initctl.POWERFAIL), power(initctl.POWEROK)),
            ("echo F > /run/powerstatus; kill -PWR 1", "echo O > /run/powerstatus; kill -PWR 1"),
        ):
            machine.run(fails)
            machine.wait_for("test -s /run/shutdown.pid")
            machine.run(returns)
            machine.wait_for("! test -e /run/shutdown.pid")

    def test_single_user_and_back(self, machine: Machine) -> None:
        machine.type("telinit 1")
        machine.shell()
        assert machine.run("ps -o args | head -n 2 | tail -n 1").strip() == "init [S]"
        machine.type("exit")
        machine.expect("Entering runlevel: 2", BOOT)
        machine.log_in()
        assert machine.run("runlevel") == "S 2"

    def test_ctrl_alt_del_restarts(self, machine: Machine) -> None:
        machine.press("ctrl", "alt", "delete")
        start_again(machine, "")

    def test_reboot(self, machine: Machine) -> None:
        start_again(machine, "reboot")

    def test_a_forced_reboot_unmounts_nothing_and_loses_nothing(self, machine: Machine) -> None:
        machine.run("echo synced > /root/late")
        start_again(machine, "reboot -f", unmounted=False)
        assert machine.run("cat /root/late") == "synced"

    def test_files_for_the_next_boot(self, machine: Machine) -> None:
        """``-F`` has the file system checked, ``-f`` not."""
        assert CLEAN in start_again(machine, "shutdown -r now")
        assert "% non-contiguous" in start_again(machine, "shutdown -r -F now")
        said = start_again(machine, "shutdown -r -f now")
        assert CLEAN not in said
        assert "% non-contiguous" not in said
        assert machine.run("ls /fastboot /forcefsck 2>/dev/null || true") == ""

    def test_power_off(self, machine: Machine) -> None:
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        machine.check_disk()


@pytest.fixture
def fresh(small_image: Image) -> Iterator[Machine]:
    """A machine of the test's own, logged in."""
    with Machine(small_image) as machine:
        machine.log_in()
        yield machine


@pytest.mark.parametrize(
    "command",
    ["shutdown -h now", "shutdown -h -P now", "halt -p", "halt", "kill -PWR 1"],
)
def test_powers_off(fresh: Machine, command: str) -> None:
    """All that bring it down in order; the signal after the battery is low."""
    fresh.run("echo L > /run/powerstatus")
    fresh.type(command)
    assert fresh.wait_end() == "guest-shutdown"
    fresh.check_disk()
    assert records(fresh)[-1] == "shutdown"


def test_halts_with_the_power_on(fresh: Machine) -> None:
    fresh.type("shutdown -h -H now")
    fresh.expect("reboot: System halted", BOOT)
    fresh.check_disk()
    assert records(fresh)[-1] == "shutdown"


def test_a_shutdown_in_a_minute_after_one_that_was_cancelled(fresh: Machine) -> None:
    for _ in range(2):
        fresh.type("shutdown -h -P +1 &")
        fresh.expect("nobody is told")
        fresh.wait_for("test -s /run/shutdown.pid")
        fresh.type("shutdown -c")
        fresh.expect("Shutdown cancelled")
        fresh.wait_for("! test -e /run/shutdown.pid")
    fresh.type("shutdown -h -P +1 &")
    assert fresh.wait_end() == "guest-shutdown"
    fresh.check_disk()


def test_a_root_that_cannot_be_mounted_is_repaired_by_hand(small_image: Image) -> None:
    """The initramfs has what that needs. It used to try to mount it forever, and said nothing."""
    machine = Machine(small_image)
    with machine.disk.open("r+b") as disk:
        disk.write(bytes(2048))  # its superblock
    with machine:
        machine.expect("is to be repaired by hand: e2fsck /dev/vda", BOOT)
        machine.shell()
        machine.run("e2fsck -y /dev/vda || test $? = 1")
        machine.type("exit")
        machine.log_in()
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        machine.check_disk()


def to_a_shell(machine: Machine, within: float) -> None:
    machine.shell()


class TestSingleUserAtBoot:
    IMAGE, APPEND = "small_image", "single"
    BOOTS_TO = to_a_shell

    def test_is_level_s(self, machine: Machine) -> None:
        assert machine.run("ps -o args | head -n 2 | tail -n 1").strip() == "init [S]"
        assert "Entering runlevel" not in machine.said
        machine.run("touch /here")

    def test_goes_on_to_level_2_and_restarts(self, machine: Machine) -> None:
        machine.type("exit")
        machine.expect("Entering runlevel: 2", BOOT)
        machine.log_in()
        machine.type("reboot")
        assert machine.wait_end() == "guest-reset"
        machine.check_disk()


#: The user in a record of wtmp.
UTMP_USERS = {"amd64": struct.Struct("44x32s308x"), "arm64": struct.Struct("44x32s324x")}


def records(machine: Machine) -> list[str]:
    """The users in wtmp on its disk, which is not in use."""
    wtmp = subprocess.run(
        ["debugfs", "-R", "cat /var/log/wtmp", machine.disk], capture_output=True, check=True
    ).stdout
    return [user.rstrip(b"\0").decode() for (user,) in UTMP_USERS[machine.architecture].iter_unpack(wtmp)]


@pytest.mark.parametrize(
    ("options", "recorded", "saved"), [("", True, True), ("-d", False, True), ("-n", False, False)]
)
def test_forced(fresh: Machine, options: str, recorded: bool, saved: bool) -> None:
    """``halt -f`` syncs, has the disk write its cache, and notes it in wtmp, unless it is told not to."""
    # The kernel itself is not to write it before, which on a slow machine would be in time.
    fresh.run("mount -o remount,commit=600 /; echo 60000 > /proc/sys/vm/dirty_expire_centisecs")
    fresh.run("sync; sleep 6")  # until it has nothing to write any more
    before = fresh.flushes()
    fresh.run("echo saved > /root/late")
    fresh.type(f"halt -f {options}")
    fresh.expect("reboot: System halted")
    assert (fresh.flushes() > before) == saved
    fresh.switch_off()
    subprocess.run(["e2fsck", "-fy", fresh.disk], capture_output=True, check=False)
    late = subprocess.run(["debugfs", "-R", "cat /root/late", fresh.disk], capture_output=True, check=True)
    assert (late.stdout == b"saved\n") == saved
    assert (records(fresh)[-1] == "shutdown") == recorded


#: Loads the kernel that is there, with kexec-tools that are there, too.
KEXEC = """\
mount -o ro /dev/vdb /mnt
LD_LIBRARY_PATH=$(echo /mnt/usr/lib/*-linux-gnu) /mnt/usr/sbin/kexec -l /mnt/kernel --initrd=/mnt/initramfs \\
    --command-line="$(cat /proc/cmdline) kexeced"
umount /mnt
grep 1 /sys/kernel/kexec_loaded"""


def test_reboot_goes_to_a_kernel_that_is_loaded(
    small_suite: list[str], small_image: Image, tmp_path: Path
) -> None:
    """There is no reset of the machine, which would end it here."""
    bring = tmp_path / "bring"
    suite, architecture = small_suite
    unpack = small.bootstrap(suite, architecture, ["kexec-tools"], ["*/sbin/kexec", "*/lib*.so*"])
    subprocess.run([*unpack, bring], check=True, start_new_session=True)
    shutil.rmtree(bring / "dev")
    shutil.copy(small_image.kernel, bring / "kernel")
    shutil.copy(small_image.initramfs, bring / "initramfs")
    with Machine(small_image, bring=bring) as machine:
        machine.log_in()
        machine.run(KEXEC)
        machine.type("reboot")
        machine.expect(CLEAN, BOOT)
        machine.log_in()
        machine.run("grep kexeced /proc/cmdline")
        machine.type("poweroff")
        assert machine.wait_end() == "guest-shutdown"
        machine.check_disk()
