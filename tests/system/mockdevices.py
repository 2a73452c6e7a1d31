"""A /sys of our own making, and its uevents: umockdev, run in a process of its own, and driven from the test.

umockdev works by LD_PRELOAD, so what sees its devices must be started with ``MockDevices.environment``.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from types import TracebackType
from typing import Any

PRELOAD = "libumockdev-preload.so.0"
LIBRARY = "libumockdev.so.0"


def missing() -> str:
    """Why there are no mock devices to be had here; empty: there are."""
    return "" if shutil.which("umockdev-wrapper") else "umockdev is missing: apt-get install umockdev"


class MockDevices:
    """The devices of the test: power supplies, as the kernel and udev would show them."""

    def __enter__(self) -> MockDevices:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"LD_PRELOAD": PRELOAD},
        )
        assert self._process.stdout
        root = self._process.stdout.readline().strip()
        assert root, "umockdev does not start"
        self.environment = {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": root}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)

    def supply(self, name: str, **attributes: object) -> None:
        """Make a power supply, or give it these attributes; it is reported, by one uevent."""
        self._tell("supply", name, attributes)

    def gone(self, name: str) -> None:
        """Remove the power supply."""
        self._tell("gone", f"/sys/devices/{name}")

    def _tell(self, *command: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", command


class Testbed:
    """What runs in the process of its own: umockdev(3) by way of ctypes."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        for function in ("umockdev_testbed_new", "umockdev_testbed_get_root_dir"):
            getattr(self._library, function).restype = ctypes.c_void_p
        self._bed = ctypes.c_void_p(self._library.umockdev_testbed_new())
        self._made: set[str] = set()

    @property
    def root(self) -> str:
        address = self._library.umockdev_testbed_get_root_dir(self._bed)
        return ctypes.string_at(address).decode()

    def supply(self, name: str, attributes: dict[str, object]) -> None:
        if name not in self._made:
            lines = [f"P: /devices/{name}", "E: SUBSYSTEM=power_supply", f"E: POWER_SUPPLY_NAME={name}"]
            for key, value in attributes.items():
                lines += [f"E: POWER_SUPPLY_{key.upper()}={value}", f"A: {key}={value}"]
            self._make(name, lines)
            return
        path = f"/sys/devices/{name}"
        for key, value in attributes.items():
            self._call("set_attribute", path, key, str(value))
            self._call("set_property", path, f"POWER_SUPPLY_{key.upper()}", str(value))
        self._call("uevent", path, "change")

    def gone(self, path: str) -> None:
        self._call("uevent", path, "remove")
        self._call("remove_device", path)
        self._made.discard(path.rpartition("/")[2])

    def close(self) -> None:
        """Remove its folder."""
        self._library.g_object_unref(self._bed)

    def _make(self, name: str, lines: list[str]) -> None:
        """Make a device, which is reported."""
        self._made.add(name)
        text = "\n".join([*lines, ""]).encode()
        assert self._library.umockdev_testbed_add_from_string(self._bed, text, None), text

    def _call(self, function: str, *arguments: str) -> None:
        call: Any = getattr(self._library, f"umockdev_testbed_{function}")
        call(self._bed, *(argument.encode() for argument in arguments))


def main() -> None:
    bed = Testbed()
    print(bed.root, flush=True)
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        getattr(bed, what)(*arguments)
        print("done", flush=True)
    bed.close()


if __name__ == "__main__":
    main()
