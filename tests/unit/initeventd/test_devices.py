"""What is made of udev's reports; udev itself is tested in tests/system/test_device_events.py."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sysvinit_py.initeventd import devices
from sysvinit_py.initeventd.devices import Devices
from sysvinit_py.initeventd.power import Supply

LOST = OSError(errno.ENOBUFS, "No buffer space available")
POLL_FAILED = OSError("Error while polling fd: 4")  # as pyudev has it


class Attributes(dict[str, str]):
    """Of sysfs."""

    def asstring(self, name: str) -> str:
        return self[name]


class Unreadable(Attributes):
    """Of a driver that is not well."""

    def asstring(self, name: str) -> str:
        if name == "scope":
            raise OSError(errno.EIO, "Input/output error")
        return b"\xff".decode()


class Device:
    """As pyudev has it."""

    def __init__(
        self, name: str, action: str | None = None, subsystem: str = "power_supply", **properties: str
    ):
        self.sys_name = name
        self.action = action
        self.subsystem = subsystem
        self.properties = {f"POWER_SUPPLY_{key.upper()}": value for key, value in properties.items()}
        self.attributes = Attributes()


class Udev:
    """In the place of pyudev."""

    def __init__(self) -> None:
        self.there: list[Device] = []
        self.reports: list[Device | OSError] = []
        self.filters: list[str] = []
        self.looks = 0
        self.Context = lambda: self
        self.Monitor = SimpleNamespace(from_netlink=lambda context: self)

    def list_devices(self, subsystem: str) -> Iterator[Device]:
        self.looks += 1
        return (device for device in self.there if device.subsystem == subsystem)

    def filter_by(self, subsystem: str) -> None:
        self.filters.append(subsystem)

    def set_receive_buffer_size(self, size: int) -> None:
        raise PermissionError

    def start(self) -> None:
        assert not self.looks, "what happens between the look and the start is missed"

    def fileno(self) -> int:
        return 99

    def poll(self, timeout: float) -> Device | None:
        assert timeout == 0
        report = self.reports.pop(0) if self.reports else None
        if isinstance(report, OSError):
            raise report
        return report


class World:
    def __init__(self, udev: Udev) -> None:
        self.udev = udev
        self.said: list[str] = []
        self.noted: list[str] = []
        self.devices = Devices(self.said.append, self.noted.append)

    def report(self, *reports: Device | OSError) -> int:
        self.udev.reports += reports
        return len(list(self.devices.changes()))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    udev = Udev()
    monkeypatch.setattr(devices, "pyudev", udev)
    monkeypatch.setattr(devices, "CONTROL", tmp_path)
    udev.there = [Device("AC", type="Mains", online="1")]
    return World(udev)


def test_what_is_there_at_the_start(world: World) -> None:
    assert world.devices.supplies == {"AC": Supply("Mains", online=True)}
    assert world.udev.filters == ["power_supply"]
    assert world.devices.fileno() == 99


def test_no_udev(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be started later."""
    monkeypatch.setattr(devices, "CONTROL", Path("/nowhere/control"))
    world.udev.looks = 0
    (said,) = World(world.udev).said
    assert said.startswith("udev does not run, there is no /nowhere/control:")


def test_each_report_is_taken_in_before_the_next(world: World) -> None:
    """So that whoever looks after each sees each."""
    world.udev.reports += [
        Device("AC", "change", type="Mains", online="0"),
        Device("BAT0", "add", type="Battery", capacity="50"),
        Device("AC", "change", type="Mains", online="1"),
        Device("BAT0", "remove"),
    ]
    seen = [dict(world.devices.supplies) for _ in world.devices.changes()]
    battery = Supply("Battery", capacity=50)
    off, on = Supply("Mains", online=False), Supply("Mains", online=True)
    assert seen == [{"AC": off}, {"AC": off, "BAT0": battery}, {"AC": on, "BAT0": battery}, {"AC": on}]


def test_a_supply_that_powers_us_no_more(world: World) -> None:
    world.report(Device("AC", "change", type="Mains", present="0"))
    assert world.devices.supplies == {}


def test_what_the_event_leaves_out_is_read_from_sysfs(world: World) -> None:
    device = Device("AC", "change", online="0")
    device.attributes["type"] = "Mains\n"
    world.report(device)
    assert world.devices.supplies == {"AC": Supply("Mains", online=False)}


def test_attributes_that_cannot_be_read_are_missing(world: World) -> None:
    device = Device("AC", "change", online="0")
    device.attributes = Unreadable()
    assert world.report(device) == 1
    assert world.devices.supplies == {}
    assert world.said == ["power supply AC has no type: ignored"]


def test_nonsense_is_complained_of_once(world: World) -> None:
    for nonsense in ("maybe", "perhaps", "1", "maybe"):
        world.report(Device("AC", "change", type="Mains", online=nonsense))
    assert world.said == ["power supply AC is online='maybe': ignored"]


def test_lost_events(world: World) -> None:
    """Those that are still there are older than the look, and must not have the last word."""
    world.udev.there = [Device("AC", type="Mains", online="0")]
    old = Device("AC", "change", type="Mains", online="1")
    assert world.report(LOST, old, LOST) == 2
    assert world.devices.supplies == {"AC": Supply("Mains", online=False)}
    assert world.said == ["too many events at once, some were lost: reading all devices again"]
    assert world.report() == 0


def test_lost_events_as_pyudev_tells_of_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = [errno.ENOBUFS, 0]
    monkeypatch.setattr(devices, "_take_error", lambda fd: pending.pop(0))
    assert world.report(POLL_FAILED) == 1
    with pytest.raises(OSError, match="polling"):
        world.report(POLL_FAILED)


def test_pending_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        address = server.getsockname()
        server.close()
        client.setblocking(False)
        client.connect_ex(address)
        select.select([], [client], [], 5)
        assert devices._take_error(client.fileno()) == errno.ECONNREFUSED
        assert devices._take_error(client.fileno()) == 0


def test_a_look_is_at_what_is_now(world: World) -> None:
    """It does not overtake the events that are still to be read."""
    world.udev.there = [Device("AC2", type="Mains", online="0"), Device("usb", type="nothing for us")]
    assert world.devices.look() == {"AC2": Supply("Mains", online=False)}
    assert world.devices.supplies == {"AC": Supply("Mains", online=True)}


def test_any_other_error_is_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_take_error", lambda fd: 0)
    with pytest.raises(OSError, match="gone"):
        world.report(OSError(errno.EBADF, "gone"))
