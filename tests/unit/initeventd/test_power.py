"""What power supplies say about the power."""

from __future__ import annotations

import pytest

from sysvinit_py.initeventd.power import FAILED, LOW, OK, Supply, power_of, understand

Attributes = dict[str, str]

AC_ON: Attributes = {"type": "Mains", "online": "1"}
AC_OFF: Attributes = {"type": "Mains", "online": "0"}
USB_ON: Attributes = {"type": "USB", "online": "1"}
USB_OFF: Attributes = {"type": "USB", "online": "0"}


def battery(capacity: object = None, level: str | None = None, **others: str) -> Attributes:
    given = {"capacity": None if capacity is None else str(capacity), "capacity_level": level}
    return {"type": "Battery"} | {name: said for name, said in given.items() if said is not None} | others


def power(*supplies: Attributes, limit: int = 5) -> str | None:
    understood = [understand(attributes.get)[0] for attributes in supplies]
    return power_of([supply for supply in understood if supply is not None], limit)


@pytest.mark.parametrize(
    ("supplies", "wanted"),
    [
        pytest.param([], None, id="nothing that tells"),
        pytest.param([AC_ON], OK, id="mains"),
        pytest.param([{"type": "Mains", "online": "2"}], OK, id="mains, programmable"),
        pytest.param([AC_OFF], FAILED, id="no mains"),
        pytest.param([AC_OFF, AC_ON], OK, id="one of two mains"),
        pytest.param([AC_OFF, AC_OFF], FAILED, id="the last mains"),
        pytest.param([AC_ON, battery(1)], OK, id="an empty battery at the mains"),
        pytest.param([AC_OFF, battery(80)], FAILED, id="on battery"),
        pytest.param([AC_OFF, battery(6)], FAILED, id="above the limit"),
        pytest.param([AC_OFF, battery(5)], LOW, id="at the limit"),
        pytest.param([AC_OFF, battery(0)], LOW, id="empty"),
        pytest.param([AC_OFF, battery(3), battery(60)], FAILED, id="one battery of two"),
        pytest.param([AC_OFF, battery(3), battery(2)], LOW, id="both batteries"),
        pytest.param([AC_OFF, battery(3), battery(60, present="0")], LOW, id="an empty bay"),
        pytest.param([AC_OFF, battery(level="Critical")], LOW, id="critical by its own account"),
        pytest.param([AC_OFF, battery(50, "Critical")], LOW, id="critical, whatever its capacity"),
        pytest.param([AC_OFF, battery(level="Low")], FAILED, id="low by its own account"),
        pytest.param([AC_OFF, battery(2, scope="Device")], FAILED, id="a mouse"),
        pytest.param([AC_OFF, battery()], FAILED, id="a battery that says nothing"),
        pytest.param([AC_OFF, battery(), battery(4)], LOW, id="one that says nothing has no say"),
        pytest.param([AC_OFF, {"type": "UPS", "capacity": "4"}], LOW, id="a UPS"),
        pytest.param([USB_OFF], None, id="an empty USB socket of a desktop"),
        pytest.param([USB_OFF, battery(4)], LOW, id="USB is what charges the battery"),
        pytest.param([USB_ON, battery(4)], OK, id="charged over USB"),
        pytest.param([AC_OFF, USB_ON, battery(4)], OK, id="charged over USB, no mains"),
        pytest.param([battery(80, status="Discharging")], FAILED, id="only the battery tells"),
        pytest.param([battery(4, status="Discharging")], LOW, id="only the battery tells, empty"),
        pytest.param([battery(80, status="Charging")], OK, id="it is charging"),
        pytest.param([battery(100, status="Full")], OK, id="it is full"),
        pytest.param([battery(80, status="Unknown")], None, id="it does not know"),
        pytest.param([battery(80)], None, id="it says nothing about it"),
        pytest.param([{"type": "Mains", "online": "banana"}], None, id="mains: nonsense"),
        pytest.param([{"type": "Mains"}, battery(3)], None, id="mains: no word"),
        pytest.param(
            [{"type": "Mains"}, battery(3, status="Discharging")], LOW, id="mains: the battery knows"
        ),
        pytest.param([{"type": "Toaster", "online": "0"}], None, id="something else"),
    ],
)
def test_power(supplies: list[Attributes], wanted: str | None) -> None:
    assert power(*supplies) == wanted


@pytest.mark.parametrize(("limit", "wanted"), [(0, FAILED), (9, FAILED), (10, LOW), (100, LOW)])
def test_limit(limit: int, wanted: str) -> None:
    assert power(AC_OFF, battery(10), limit=limit) == wanted


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [
        ({}, "has no type"),
        ({"type": "Mains"}, "has no online"),
        ({"type": "Mains", "online": ""}, "is online=''"),
        ({"type": "Mains", "online": "yes"}, "is online='yes'"),
        ({"type": "USB", "online": "-1"}, "is online='-1'"),
        (battery("101"), "has capacity='101'"),
        (battery("-3"), "has capacity='-3'"),
        (battery("٥"), "has capacity='٥'"),
        (battery("9" * 5000), "has capacity='" + "9" * 20 + "...'"),
        (battery("full"), "has capacity='full'"),
        (battery(), "has neither capacity nor capacity_level"),
    ],
)
def test_nonsense_is_named_and_has_no_say(attributes: Attributes, wrong: str) -> None:
    supply, faults = understand(attributes.get)
    assert faults == [wrong]
    assert supply is None or (supply.online is None and supply.capacity is None)


@pytest.mark.parametrize(
    "attributes",
    [
        AC_ON,
        battery(30),
        battery(level="Normal"),
        battery(present="0"),
        battery(scope="Device"),
        {"type": "Unknown"},
    ],
)
def test_sense_is_not_complained_of(attributes: Attributes) -> None:
    assert understand(attributes.get)[1] == []


def test_supply() -> None:
    assert understand(battery(7, "Low", status="Discharging").get)[0] == Supply(
        "Battery", charging=False, capacity=7
    )
