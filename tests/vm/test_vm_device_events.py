"""initeventd and init with real devices: power supplies, a suspend, a serial line that is plugged in."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysvinit_py.vm.image import Image
from tests.vm.conftest import MACHINE
from tests.vm.machine import Machine
from tests.vm.supplies import BuildError, module

REPOSITORY = Path(__file__).parents[2]
LOG = "/root/initeventd.log"
INITTAB = f"""\
ev:2345:respawn:+/usr/sbin/initeventd --foreground --verbose 2>>{LOG}
rs:2345:resume:echo resumed >>/root/events
u0:2345:respawn:/sbin/agetty -L ttyUSB0 115200 vt100
p1::powerfail:echo failed >>/root/power
p2::powerfailnow:echo low >>/root/power
p3::powerokwait:echo ok >>/root/power
"""
SUPPLIES = "/sys/module/test_supplies/parameters"
MAINS_GONE, MAINS_BACK = f"echo 0 >{SUPPLIES}/online", f"echo 1 >{SUPPLIES}/online"
LOAD = "base64 -d </root/supplies >/root/supplies.ko && insmod /root/supplies.ko"
PID = "$(cat /run/initeventd.pid)"
#: What the daemon has opened last of all: from then on it misses nothing.
RUNS = f"ls -l /proc/{PID}/fd | grep -q timerfd"
GETTY = "pgrep -f '[t]tyUSB0'"
#: Puts what follows it where Python finds it; the image has no Python packages but Debian's own few.
PROGRAM = """\
#!/usr/bin/python3
import base64, os, sys
path = "/run/initeventd.zip"
if not os.path.exists(path):
    with open(path + ".new", "wb") as file:
        file.write(base64.b64decode("{}"))
    os.rename(path + ".new", path)
sys.path.insert(0, path)
from sysvinit_py.initeventd.cli import main
sys.exit(main())
"""


def program() -> str:
    """initeventd in one file, with the libraries that it stands on."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zip_file:
        for name in ("sysvinit_py", "pyudev", "daemon", "lockfile"):
            spec = importlib.util.find_spec(name)
            assert spec
            assert spec.origin
            folder = Path(spec.origin).parent
            for path in sorted(folder.rglob("*.py")):
                zip_file.write(path, path.relative_to(folder.parent))
    return PROGRAM.format(base64.b64encode(packed.getvalue()).decode())


class DeviceMachine(Machine):
    """With USB, on which things can be plugged in."""

    def __init__(self, image: Image, files: dict[str, str]) -> None:
        super().__init__(image, files=files)
        self._is_plugged_in = False
        self._command += ["-device", "qemu-xhci", "-chardev", "null,id=line"]

    def plug_in(self) -> None:
        """Plug in a serial line, and wait for its getty; nobody is at its other end."""
        if not self._is_plugged_in:
            line = {"driver": "usb-serial", "chardev": "line", "id": "serial", "always-plugged": True}
            self._ask("device_add", **line)
            self._is_plugged_in = True
        self.wait_for(f"{GETTY} >/dev/null")

    def pull_out(self) -> None:
        """Pull it out, and wait for the end of its getty."""
        if self._is_plugged_in:
            self._ask("device_del", id="serial")
            self._is_plugged_in = False
        self.wait_for(f"! {GETTY} >/dev/null")

    def sleep_and_wake_up(self, seconds: float = 3) -> None:
        """Suspend it to RAM for a while."""
        self.type("echo mem >/sys/power/state; echo awa''ke")
        while json.loads(self._lines.readline()).get("event") != "SUSPEND":
            pass
        time.sleep(seconds)
        self._ask("system_wakeup")
        self.expect("awake")


@pytest.fixture(scope="class")
def machine(disk_image: Image, request: pytest.FixtureRequest) -> Iterator[DeviceMachine]:
    """The machine with the daemon, a getty for a line that can be plugged in, a battery, and root on it."""
    try:
        supplies = module(disk_image.kernel, REPOSITORY / ".cache" / "vm")
    except BuildError as reason:
        pytest.skip(f"no power supplies: {reason}")
    files = {
        "/usr/sbin/initeventd": program(),
        "/etc/inittab.d/devices.tab": INITTAB,
        "/etc/init.d/powerfail": "#!/bin/sh\n",  # the image's own would take the machine down
        "/root/supplies": base64.encodebytes(supplies).decode(),
    }
    with DeviceMachine(disk_image, files) as made:
        request.node.stash[MACHINE] = made
        made.log_in()
        made.run(LOAD)
        yield made


@pytest.fixture
def watched(machine: DeviceMachine) -> DeviceMachine:
    """The machine with the daemon at work."""
    machine.wait_for(RUNS)
    return machine


@pytest.fixture
def powered(watched: DeviceMachine) -> DeviceMachine:
    """The machine on the mains, with a full battery, and init knows. /root/power has what happens then."""
    watched.run(f"echo 80 >{SUPPLIES}/capacity; {MAINS_BACK}")
    watched.wait_for("""grep -q '"power": \\["ok"\\]' /run/initeventd.state""")
    watched.run("rm -f /root/power")
    return watched


class TestDevices:
    def test_getty_waits_for_its_terminal(self, machine: DeviceMachine) -> None:
        assert 'Id "u0" waits for its terminal: /dev/ttyUSB0 does not exist' in machine.said
        machine.pull_out()
        assert machine.run(f"{GETTY} || echo none") == "none"

    def test_getty_comes_and_goes_with_its_terminal(self, watched: DeviceMachine) -> None:
        watched.plug_in()
        assert watched.run("test -c /dev/ttyUSB0 && echo there") == "there"
        watched.pull_out()
        watched.run("! test -e /dev/ttyUSB0")
        watched.plug_in()
        # Once at boot and once now; a getty that is hung up may have ended before it is.
        assert len(re.findall('Id "u0" (waits for|is ended:) its terminal', watched.said)) == 2
        assert "respawning too fast" not in watched.said

    def test_mains_fail_and_come_back(self, powered: DeviceMachine) -> None:
        powered.run(MAINS_GONE)
        powered.wait_for("grep -q failed /root/power")
        powered.run(MAINS_BACK)
        powered.wait_for("grep -q ok /root/power")
        assert powered.run("cat /root/power").split() == ["failed", "ok"]

    def test_battery_is_nearly_used_up(self, powered: DeviceMachine) -> None:
        powered.run(f"echo 4 >{SUPPLIES}/capacity; {MAINS_GONE}")
        powered.wait_for("grep -q low /root/power")
        powered.run(f"echo 3 >{SUPPLIES}/capacity; echo 2 >{SUPPLIES}/capacity; {MAINS_BACK}")
        powered.wait_for("grep -q ok /root/power")
        *first, last = powered.run("cat /root/power").split()
        assert (sorted(first), last) == (["failed", "low"], "ok")  # powerfail is not waited for

    def test_a_battery_that_once_was_used_up_is_not_now(self, powered: DeviceMachine) -> None:
        """It is charged, then the mains fail; but the daemon may hear of that in the other order."""
        for times in range(1, 11):
            seen = f"grep -c 'change power_supply test_battery' {LOG}"
            before = powered.run(seen)
            powered.run(f"echo 4 >{SUPPLIES}/capacity")
            powered.wait_for(f'test "$({seen})" -gt {before}')
            powered.run(f"echo 50 >{SUPPLIES}/capacity; {MAINS_GONE}")
            powered.wait_for(f"test $(grep -c failed /root/power) = {times}")
            powered.run(MAINS_BACK)
            powered.wait_for(f"test $(grep -c ok /root/power) = {times}")
        assert powered.run("cat /root/power").split() == ["failed", "ok"] * 10

    def test_power_is_back_while_the_daemon_is_killed(self, powered: DeviceMachine) -> None:
        powered.run(f"echo 50 >{SUPPLIES}/capacity; {MAINS_GONE}")
        powered.wait_for("grep -q failed /root/power")
        powered.run(f"kill -STOP {PID}")
        powered.run(f"{MAINS_BACK}; kill -KILL {PID}")
        powered.wait_for("grep -q ok /root/power")
        assert powered.run("cat /root/power").split() == ["failed", "ok"]

    def test_burst(self, powered: DeviceMachine) -> None:
        """However much happened: init is told in turn of each end and each failure, and last of what is."""
        marker, count = "online power_supply test_battery", "grep -c 'change power_supply test_mains' " + LOG
        before = int(powered.run(f": >{LOG}; {count} || true"))
        powered.run(
            f"for i in $(seq 500); do {MAINS_GONE}; {MAINS_BACK}; done; udevadm settle --timeout 300", 400
        )
        # udev tells of it after all the others, and no driver does.
        powered.run("udevadm trigger --action=online /sys/class/power_supply/test_battery")
        powered.wait_for(f"grep -q '{marker}' {LOG}", 300)
        powered.wait_for(f"grep '^initeventd: sent: power' {LOG} | tail -n 1 | grep -q ok", 300)
        told = powered.run(f"grep -o '^initeventd: sent: power.*' {LOG} | cut -d ' ' -f 3-").splitlines()
        assert told[-1] == "power ok"
        assert told == ["power fail", "power ok"] * (len(told) // 2)
        assert int(powered.run(count)) > before
        assert "cannot be told" not in powered.run(f"cat {LOG}")

    def test_clock_step_is_no_resume(self, watched: DeviceMachine) -> None:
        jumps = f"$(grep -c 'the clock has jumped' {LOG})"
        before = watched.run(f"rm -f /root/events; echo {jumps}")
        watched.run("date -s '+1 hour'")
        watched.wait_for(f"test {jumps} -gt {before}")
        time.sleep(2)
        watched.run("! test -e /root/events")

    def test_resume(self, watched: DeviceMachine) -> None:
        watched.run("rm -f /root/events")
        watched.sleep_and_wake_up()
        watched.wait_for("grep -q resumed /root/events")
        assert watched.run("cat /root/events") == "resumed"

    def test_resume_while_the_daemon_is_killed(self, watched: DeviceMachine) -> None:
        watched.run(f"rm -f /root/events; kill -STOP {PID}")
        watched.sleep_and_wake_up()
        watched.run(f"kill -KILL {PID}")
        watched.wait_for("grep -q resumed /root/events")
        assert watched.run("cat /root/events") == "resumed"

    def test_a_second_daemon_ends(self, watched: DeviceMachine) -> None:
        said = watched.run("initeventd; test $? = 1")
        assert said == f"initeventd: already running, with pid {watched.run('cat /run/initeventd.pid')}"

    def test_it_does_not_wake_up_when_nothing_happens(self, powered: DeviceMachine) -> None:
        switches = f"grep ctxt /proc/{PID}/status"
        powered.run("udevadm settle; sleep 2")
        before = powered.run(switches)
        time.sleep(5)
        assert powered.run(switches) == before
