"""Events as udevd sends them, on a real netlink socket: as fast as the kernel takes them, and faster.

In a network of their own, so that nobody else hears them; whoever is to is started with ``Network.enter``.
"""

from __future__ import annotations

import errno
import json
import shutil
import socket
import struct
import subprocess
import sys
from types import TracebackType

NETLINK_KOBJECT_UEVENT, UDEV_GROUP = 15, 2
#: What libudev wants to see before it listens, in a /run that is not the host's.
SCRIPT = 'mount -t tmpfs none /run && mkdir /run/udev && touch /run/udev/control && exec "$@"'
#: struct monitor_netlink_header of libudev: prefix, magic, its size, where the properties are, filters.
HEADER = struct.Struct("=8s4sIII4s4s8x")
MAGIC = bytes.fromhex("feedcafe")

Event = dict[str, str]


def missing() -> str:
    """Why there can be no such network here; empty: there can."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return "util-linux is missing"
    refused = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode
    return "no network namespaces here" if refused else ""


def murmur(text: bytes) -> int:
    """MurmurHash2, by which the kernel is told what subsystems somebody listens to."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    value = len(text)
    whole = len(text) // 4 * 4
    for (word,) in struct.iter_unpack("<I", text[:whole]):
        word = word * m & mask
        word = (word ^ word >> 24) * m & mask
        value = value * m & mask ^ word
    if rest := text[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    return value ^ value >> 15


def message(event: Event) -> bytes:
    """One event as udevd sends it."""
    properties = b"".join(f"{key}={value}\0".encode() for key, value in event.items())
    subsystem = struct.pack(">I", murmur(event["SUBSYSTEM"].encode()))
    size = HEADER.size
    return HEADER.pack(b"libudev\0", MAGIC, size, size, len(properties), subsystem, bytes(4)) + properties


def supply(name: str, action: str = "change", **attributes: object) -> Event:
    """An event about a power supply."""
    path = f"/devices/virtual/power_supply/{name}"
    given = {f"POWER_SUPPLY_{key.upper()}": str(value) for key, value in attributes.items()}
    return {"ACTION": action, "DEVPATH": path, "SUBSYSTEM": "power_supply", "SEQNUM": "1"} | given


class Network:
    """The network, and somebody in it who sends."""

    def __enter__(self) -> Network:
        namespaces = ["unshare", "--mount", "--net", "--propagation", "private"]
        self._process = subprocess.Popen(
            [*namespaces, "sh", "-c", SCRIPT, "sh", sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)

    @property
    def enter(self) -> list[str]:
        """Words to put before a command, so that it hears the events."""
        return ["nsenter", "--target", str(self._process.pid), "--mount", "--net"]

    def send(self, *events: Event, times: int = 1) -> None:
        """Send the events, so many times, one after the other and without a pause."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([events, times]) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


def main() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as udev:
        udev.bind((0, 0))
        print("ready", flush=True)
        for line in sys.stdin:
            events, times = json.loads(line)
            messages = [message(event) for event in events]
            for _ in range(times):
                for one in messages:
                    try:
                        udev.sendto(one, (0, UDEV_GROUP))
                    except OSError as error:
                        if error.errno != errno.ENOBUFS:  # somebody has lost it, and is told
                            raise
            print("done", flush=True)


if __name__ == "__main__":
    main()
