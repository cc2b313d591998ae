"""Sums of units: in any order and whatever was taken back, the same to the last digit; moments as numpy has them."""

from functools import reduce
from math import isclose
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.experiments.sums import Sums, Values, add, moments, replace, total
from tests.models.experiments.made import made

MONEY = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
UNITS = st.lists(st.builds(Values, MONEY, st.integers(0, 50).map(float), MONEY), max_size=12)


@given(UNITS, st.randoms())
def test_the_order_of_units_makes_no_difference_at_all(units: list[Values], chance: Random) -> None:
    mixed = [*units]
    chance.shuffle(mixed)
    assert total(mixed) == total(units)
    assert reduce(Sums.__add__, (total([one]) for one in units), Sums()) == total(units)


@given(UNITS, UNITS)
def test_parts_add_up_and_what_is_taken_out_leaves_nothing(
    one: list[Values], other: list[Values]
) -> None:
    both = total(one + other)
    assert total(one) + total(other) == both
    assert both - total(other) == total(one)


@given(UNITS, st.builds(Values, MONEY, MONEY, MONEY), st.builds(Values, MONEY, MONEY, MONEY))
def test_a_unit_that_comes_to_more_counts_as_what_it_is_now(
    others: list[Values], before: Values, after: Values
) -> None:
    assert replace(add(total(others), before), before, after) == add(total(others), after)


def test_moments_are_those_of_numpy() -> None:
    units = made(60)
    found = moments(total(units))
    columns = np.array(units).T
    means, spread = columns.mean(axis=1), np.cov(columns)
    assert found.units == 60
    told = (found.y, found.d, found.x)
    assert all(isclose(one, other, rel_tol=1e-12) for one, other in zip(told, means, strict=True))
    pairs = {"yy": (0, 0), "dd": (1, 1), "xx": (2, 2), "yd": (0, 1), "yx": (0, 2), "dx": (1, 2)}
    for name, place in pairs.items():
        assert isclose(getattr(found, name), spread[place], rel_tol=1e-12), name


def test_small_differences_of_large_values_lose_no_digits() -> None:
    """Where plain sums of squares in floats would have none left."""
    found = moments(total(Values(1e9 + at % 2 * 0.01) for at in range(1_000)))
    assert isclose(found.yy, 0.005**2 * 1_000 / 999, rel_tol=1e-12)


def test_one_unit_varies_in_nothing_and_no_unit_has_no_mean() -> None:
    found = moments(total([Values(3.0, 2.0, 1.0)]))
    assert (found.y, found.d, found.x, found.yy, found.yd) == (3.0, 2.0, 1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="no unit"):
        moments(Sums())
