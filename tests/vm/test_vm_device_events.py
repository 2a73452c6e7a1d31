"""initeventd and init with real devices: power supplies, a suspend, a serial line that is plugged in."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from machine import Machine
from supplies import BuildError, module

from sysvinit_py.tools.vm.image import Image

REPOSITORY = Path(__file__).parents[2]
INITTAB = """\
ev:2345:respawn:+/usr/sbin/initeventd --foreground --verbose 2>>/root/initeventd.log
rs:2345:resume:echo resumed >>/root/events
u0:2345:respawn:/sbin/agetty -L ttyUSB0 115200 vt100
p1::powerfail:echo failed >>/root/power
p2::powerfailnow:echo low >>/root/power
p3::powerokwait:echo ok >>/root/power
"""
SUPPLIES = "/sys/module/test_supplies/parameters"
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
from sysvinit_py.tools.initeventd.cli import main
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
        self._command += ["-device", "qemu-xhci", "-chardev", "null,id=line"]

    def plug_in(self) -> None:
        """Plug in a serial line; nobody is at its other end."""
        self._ask("device_add", driver="usb-serial", chardev="line", id="serial", **{"always-plugged": True})

    def pull_out(self) -> None:
        """Pull it out."""
        self._ask("device_del", id="serial")

    def sleep_and_wake_up(self, seconds: float = 3) -> None:
        """Suspend it to RAM for a while."""
        self.type("echo mem >/sys/power/state; echo awa''ke")
        while json.loads(self._lines.readline()).get("event") != "SUSPEND":
            pass
        time.sleep(seconds)
        self._ask("system_wakeup")
        self.expect("awake")


@pytest.fixture(scope="class")
def machine(disk_image: Image) -> Iterator[DeviceMachine]:
    try:
        supplies = module(disk_image.kernel, REPOSITORY / ".cache" / "vm")
    except BuildError as reason:
        pytest.skip(f"no power supplies: {reason}")
    files = {
        "/usr/sbin/initeventd": program(),
        "/etc/inittab.d/devices.tab": INITTAB,
        "/root/supplies": base64.encodebytes(supplies).decode(),
    }
    with DeviceMachine(disk_image, files) as made:
        yield made


class TestDevices:
    GETTY: ClassVar = "pgrep -f '[t]tyUSB0'"

    def test_daemon_runs_and_the_getty_waits(self, machine: DeviceMachine) -> None:
        machine.log_in()
        assert 'Id "u0" waits for its terminal: /dev/ttyUSB0 does not exist' in machine.said
        machine.wait_for("grep -q 'sent: look at the terminals' /root/initeventd.log")
        assert machine.run(f"{self.GETTY} || echo none") == "none"

    def test_getty_comes_with_its_terminal(self, machine: DeviceMachine) -> None:
        machine.plug_in()
        machine.wait_for(f"{self.GETTY} >/dev/null")
        assert machine.run("test -c /dev/ttyUSB0 && echo there") == "there"

    def test_getty_goes_with_its_terminal(self, machine: DeviceMachine) -> None:
        machine.pull_out()
        machine.wait_for(f"! {self.GETTY} >/dev/null")
        machine.run("! test -e /dev/ttyUSB0")

    def test_getty_comes_back(self, machine: DeviceMachine) -> None:
        machine.plug_in()
        machine.wait_for(f"{self.GETTY} >/dev/null")
        assert machine.said.count('Id "u0" waits') == 1
        assert "respawning too fast" not in machine.said

    def test_mains_fail_and_come_back(self, machine: DeviceMachine) -> None:
        machine.run("base64 -d </root/supplies >/root/supplies.ko && insmod /root/supplies.ko")
        machine.run(f"echo 0 >{SUPPLIES}/online")
        machine.wait_for("grep -q failed /root/power")
        machine.run(f"echo 1 >{SUPPLIES}/online")
        machine.wait_for("grep -q ok /root/power")
        assert machine.run("cat /root/power").split() == ["failed", "ok"]

    def test_battery_is_nearly_used_up(self, machine: DeviceMachine) -> None:
        machine.run(f"rm /root/power; echo 4 >{SUPPLIES}/capacity; echo 0 >{SUPPLIES}/online")
        machine.wait_for("grep -q low /root/power")
        machine.run(f"echo 3 >{SUPPLIES}/capacity; echo 2 >{SUPPLIES}/capacity")
        machine.run(f"echo 1 >{SUPPLIES}/online")
        machine.wait_for("grep -q ok /root/power")
        assert machine.run("cat /root/power").split() == ["failed", "low", "ok"]

    def test_power_is_back_while_the_daemon_is_killed(self, machine: DeviceMachine) -> None:
        machine.run(f"rm /root/power; echo 50 >{SUPPLIES}/capacity; echo 0 >{SUPPLIES}/online")
        machine.wait_for("grep -q failed /root/power")
        machine.run("kill -STOP $(cat /run/initeventd.pid)")
        machine.run(f"echo 1 >{SUPPLIES}/online; kill -KILL $(cat /run/initeventd.pid)")
        machine.wait_for("grep -q ok /root/power")
        assert machine.run("cat /root/power").split() == ["failed", "ok"]

    def test_burst(self, machine: DeviceMachine) -> None:
        """However much happened: what init was told last is what is."""
        machine.wait_for("test -s /run/initeventd.pid")
        count = "grep -c 'change power_supply test_mains' /root/initeventd.log"
        before = int(machine.run(count))
        flap = f"echo 0 >{SUPPLIES}/online; echo 1 >{SUPPLIES}/online"
        machine.run(f"for i in $(seq 500); do {flap}; done; udevadm settle --timeout 300", 400)
        told = machine.run("grep -o '^initeventd: sent: power.*' /root/initeventd.log | tail -1")
        assert told.endswith("power ok")
        assert int(machine.run(count)) > before
        assert "cannot be told" not in machine.run("cat /root/initeventd.log")

    def test_clock_step_is_no_resume(self, machine: DeviceMachine) -> None:
        machine.run("date -s '+1 hour'")
        machine.wait_for("grep -q 'the clock has jumped' /root/initeventd.log")
        time.sleep(2)
        machine.run("! test -e /root/events")

    def test_resume(self, machine: DeviceMachine) -> None:
        machine.sleep_and_wake_up()
        machine.wait_for("grep -q resumed /root/events")
        assert machine.run("cat /root/events") == "resumed"

    def test_second_resume_with_the_daemon_killed(self, machine: DeviceMachine) -> None:
        machine.run("kill -STOP $(cat /run/initeventd.pid)")
        machine.sleep_and_wake_up()
        machine.run("kill -KILL $(cat /run/initeventd.pid)")
        machine.wait_for("test $(wc -l </root/events) = 2")

    def test_a_second_daemon_ends(self, machine: DeviceMachine) -> None:
        machine.wait_for("test -s /run/initeventd.pid")
        said = machine.run("initeventd; test $? = 1")
        assert said == f"initeventd: already running, with pid {machine.run('cat /run/initeventd.pid')}"

    def test_it_takes_no_time_when_nothing_happens(self, machine: DeviceMachine) -> None:
        stat = "awk '{print $14 + $15}' /proc/$(cat /run/initeventd.pid)/stat"
        before = int(machine.run(stat))
        time.sleep(5)
        assert int(machine.run(stat)) == before
