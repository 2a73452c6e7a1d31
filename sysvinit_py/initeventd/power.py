"""The state of the power, from the kernel's power supplies: OK, failed, or nearly used up.

Attributes are those of the kernel's Documentation/ABI/testing/sysfs-class-power. Drivers may omit them, or
give invalid values: these are treated as unknown, and ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sysvinit_py.value import Value

#: The states of the power, as ``power_of`` tells them.
OK, FAILED, LOW = "ok", "failed", "low"

MAINS_TYPE = "Mains"
BATTERY_TYPES = ("Battery", "UPS")
#: USB ports of desktops are such supplies, too, and always offline: they count only if there is a battery.
USB_TYPES = ("USB", "USB_DCP", "USB_CDP", "USB_ACA", "USB_C", "USB_PD", "USB_PD_DRP", "BrickID", "Wireless")
#: A mouse's battery.
SCOPE_OF_PERIPHERAL = "Device"
CRITICAL_LEVEL = "Critical"

_ONLINE = {"0": False, "1": True, "2": True}  # 2: at a voltage that can be programmed
_PERCENT = {str(percent): percent for percent in range(101)}
_CHARGED_BY_MAINS = {"Charging": True, "Full": True, "Discharging": False}


class Supply(Value):
    """A power supply."""

    type: str
    online: bool | None = None  # None: unknown
    charging: bool | None = None  # of a battery: charging or full; False: discharging
    capacity: int | None = None  # percent
    critical: bool = False  # it reports that it is nearly used up


def understand(read: Callable[[str], str | None]) -> tuple[Supply | None, list[str]]:
    """Return the supply with these attributes, None if it does not power this machine; and their faults."""
    kind = read("type")
    if kind is None:
        return None, ["has no type"]
    if read("scope") == SCOPE_OF_PERIPHERAL or read("present") == "0":
        return None, []
    if kind in BATTERY_TYPES:
        capacity, wrong = _percent(read("capacity"))
        critical = read("capacity_level") == CRITICAL_LEVEL
        if capacity is None and not wrong and read("capacity_level") is None:
            wrong = ["has neither capacity nor capacity_level"]
        charging = _CHARGED_BY_MAINS.get(read("status") or "")
        return Supply(kind, charging=charging, capacity=capacity, critical=critical), wrong
    if kind == MAINS_TYPE or kind in USB_TYPES:
        said = read("online")
        if said is None:
            return Supply(kind), ["has no online"]
        wrong = [] if said in _ONLINE else [f"is online={_shown(said)}"]
        return Supply(kind, online=_ONLINE.get(said)), wrong
    return None, []


def _percent(said: str | None) -> tuple[int | None, list[str]]:
    wrong = [] if said is None or said in _PERCENT else [f"has capacity={_shown(said)}"]
    return _PERCENT.get(said or ""), wrong


def _shown(said: str) -> str:
    return repr(said if len(said) <= 20 else said[:20] + "...")


def power_of(supplies: Iterable[Supply], limit: int) -> str | None:
    """Return OK, FAILED, LOW, or None if unknown. ``limit``: percent at which a battery is nearly used up."""
    supplies = tuple(supplies)
    on_mains = _on_mains(supplies)
    if on_mains is None:
        return None
    if on_mains:
        return OK
    return LOW if _used_up(supplies, limit) else FAILED


def _on_mains(supplies: tuple[Supply, ...]) -> bool | None:
    """Return whether the machine has mains power; without a mains supply, derived from its batteries."""
    batteries = [supply for supply in supplies if supply.type in BATTERY_TYPES]
    sources = {supply.online for supply in supplies if supply.type == MAINS_TYPE or batteries}
    if True in sources:
        return True
    if False in sources:
        return False
    charging = {battery.charging for battery in batteries}
    if False in charging:
        return False
    return True if True in charging else None


def _used_up(supplies: tuple[Supply, ...], limit: int) -> bool:
    """Return whether all batteries whose capacity is known are nearly used up."""
    used_up = [
        supply.critical or (supply.capacity is not None and supply.capacity <= limit)
        for supply in supplies
        if supply.critical or supply.capacity is not None
    ]
    return bool(used_up) and all(used_up)
