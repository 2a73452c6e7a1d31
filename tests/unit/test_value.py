"""Value, the base of all records."""

from __future__ import annotations

import pytest

from sysvinit_py.value import Value


class Point(Value):
    """Two numbers, one with a default."""

    x: int
    y: int = 0


class Named(Point):
    """A point with a further field."""

    name: str = "origin"


def test_fields_and_defaults() -> None:
    """Guards that a class keeps the defaults of its base."""
    assert Point(1) == Point(1, 0) == Point(x=1, y=0) == Point(1, y=0)
    assert Named(1).astuple() == (1, 0, "origin")
    assert not hasattr(Point(1), "__dict__")


def test_equal_only_within_a_class() -> None:
    assert Point(1) != Point(2)
    assert Point(1, 2) != (1, 2)
    assert Point(1, 0) != Named(1, 0)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2


def test_it_does_not_change() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"Point\.x: a value does not change"):
        point.x = 2  # type: ignore[misc]
    assert point.replace(y=3) == Point(1, 3)
    assert point == Point(1)


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [
        ((), {}, "Point needs the field 'x'"),
        ((1, 2, 3), {}, "Point takes 2 fields, 3 given"),
        ((1,), {"z": 1}, "Point has no field 'z' to give"),
        ((1,), {"x": 1}, "Point has no field 'x' to give"),
    ],
)
def test_what_does_not_fit_is_refused(args: tuple[int, ...], kwargs: dict[str, int], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        Point(*args, **kwargs)


def test_it_is_shown_as_it_is_made() -> None:
    assert repr(Named(1, 2, "a'b")) == 'Named(x=1, y=2, name="a\'b")'
    assert eval(repr(Named(1))) == Named(1)
