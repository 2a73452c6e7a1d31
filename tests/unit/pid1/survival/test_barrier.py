"""How often re-execution is to heal an error."""

from __future__ import annotations

import pytest

from sysvinit_py.pid1.survival.barrier import HEALED, ROW, Errors, describe


def test_so_many_in_a_row_are_healed() -> None:
    errors = Errors()
    assert [errors.healed(10.0 + n) for n in range(HEALED + 1)] == [True] * HEALED + [False]


def test_after_a_while_it_is_no_row_any_more() -> None:
    errors = Errors()
    assert all(errors.healed(100 * n * ROW) for n in range(1, 10))
    assert all(errors.healed(10_000 + n * (ROW + 1)) for n in range(10))


def test_the_next_process_image_goes_on_counting() -> None:
    now = 12345.678
    errors = Errors(["--init"])
    for n in range(HEALED):
        assert errors.healed(now + n)
        errors = Errors(["--init", errors.argument])
    assert not Errors(["--init", errors.argument]).healed(now + HEALED)


@pytest.mark.parametrize("argument", ["--errors=", "--errors=x@1", "--errors=1", "--errors=1@x", "2"])
def test_what_is_not_ours_counts_nothing(argument: str) -> None:
    assert Errors([argument]).healed(1.0)


def test_the_place_is_where_it_was_raised() -> None:
    def deep() -> None:
        raise ValueError("so")

    try:
        deep()
    except ValueError as error:
        said = describe(error)
    assert said.startswith("error in init: ValueError: so at ")
    assert f"{__file__}:{deep.__code__.co_firstlineno + 1}" in said
    assert describe(ValueError("never raised")).endswith("at ?")
