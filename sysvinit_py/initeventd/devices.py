"""The power supplies, as reported by udev."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pyudev

from sysvinit_py.initeventd.power import Supply, understand

POWER_SUPPLY = "power_supply"
#: It exists while udev runs.
CONTROL = Path("/run/udev/control")
#: Bytes of the receive buffer; if it overflows, events are lost, and all devices are read again.
BUFFER = 8 << 20


class Devices:
    """The supplies, kept up to date by udev's events. Raises ImportError, OSError without udev."""

    def __init__(self, say: Callable[[str], None], note: Callable[[str], None]) -> None:
        self._say = say
        self._note = note
        self._complained_of: set[str] = set()  # supplies whose attributes were reported as invalid
        if not CONTROL.exists():
            say(f"udev does not run, there is no {CONTROL}: until it does, there are no events of devices")
        self._context = pyudev.Context()
        self._monitor = pyudev.Monitor.from_netlink(self._context)
        self._monitor.filter_by(POWER_SUPPLY)
        try:
            self._monitor.set_receive_buffer_size(BUFFER)
        except OSError:
            pass  # then the buffer is smaller
        self._monitor.start()  # before the devices are read, so that no change is missed
        self.supplies = self.look()  # as of the last event that was read

    def fileno(self) -> int:
        """Return a descriptor that is readable when something was reported."""
        return int(self._monitor.fileno())

    def look(self) -> dict[str, Supply]:
        """Return all power supplies by name, in their present state, which is newer than pending events."""
        seen = {
            device.sys_name: self._understand(device)
            for device in self._context.list_devices(subsystem=POWER_SUPPLY)
        }
        return {name: supply for name, supply in seen.items() if supply}

    def changes(self) -> Iterator[None]:
        """Handle pending events; yield after each.

        If some were lost, all devices are read again after the others.
        """
        lost = False
        while True:
            try:
                device = self._monitor.poll(0)
            except OSError as error:
                # Mostly pyudev only reports that poll(2) has seen an error; the socket has the error number.
                if error.errno != errno.ENOBUFS and _take_error(self.fileno()) != errno.ENOBUFS:
                    raise
                lost = True
                continue
            if device is None:
                break
            self._note(f"{device.action} {device.subsystem} {device.sys_name}")
            self._take(device)
            yield
        if lost:
            self._say("too many events at once, some were lost: reading all devices again")
            self.supplies = self.look()
            yield

    def _take(self, device: pyudev.Device) -> None:
        """Handle one event."""
        name = device.sys_name
        supply = None
        if device.action == "remove":
            self._complained_of.discard(name)
        else:
            supply = self._understand(device)
        if supply:
            self.supplies[name] = supply
        else:
            self.supplies.pop(name, None)

    def _understand(self, device: pyudev.Device) -> Supply | None:
        """Return the supply of a device; report invalid attributes once."""
        name = device.sys_name
        supply, faults = understand(_reader(device))
        if faults and name not in self._complained_of:
            self._complained_of.add(name)
            self._say(f"power supply {name} {', '.join(faults)}: ignored")
        return supply


def _take_error(fd: int) -> int:
    """Return and clear the pending error of a socket."""
    with socket.socket(fileno=os.dup(fd)) as same:
        return same.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _reader(device: pyudev.Device) -> Callable[[str], str | None]:
    """Return a reader of attributes as they were when the event was sent, or else as they are now."""

    def read(name: str) -> str | None:
        try:
            said: str | None = device.properties.get(f"POWER_SUPPLY_{name.upper()}")
            return (device.attributes.asstring(name) if said is None else said).strip()
        except (LookupError, ValueError, OSError):
            return None  # it does not exist, is not text, or the device is gone

    return read
