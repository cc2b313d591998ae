"""Shares of several touches: by each rule as worked out by hand, and by all of them whole."""

from math import fsum
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import MINUTE_MS
from schemas.policy import Attribution
from udfs.outcomes.attribution import RULES, shares

RULE_NAMES = get_args(Attribution)


@pytest.mark.parametrize(
    ("rule", "minutes", "expected"),
    [
        ("first_touch", [0, 5, 9], [1, 0, 0]),
        ("last_touch", [0, 5, 9], [0, 0, 1]),
        ("linear", [0, 5, 9, 9], [0.25, 0.25, 0.25, 0.25]),
        ("time_decay", [0, 10], [1 / 3, 2 / 3]),
        ("time_decay", [0, 10, 20], [1 / 7, 2 / 7, 4 / 7]),
        ("time_decay", [3, 3], [0.5, 0.5]),
        ("position", [4], [1]),
        ("position", [0, 9], [0.5, 0.5]),
        ("position", [0, 1, 2, 9], [0.4, 0.1, 0.1, 0.4]),
    ],
)
def test_a_rule_shares_as_it_says(
    rule: Attribution, minutes: list[int], expected: list[float]
) -> None:
    found = shares(rule, [one * MINUTE_MS for one in minutes], 10 * MINUTE_MS)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rule", RULE_NAMES)
@given(
    times=st.lists(st.integers(0, 10**13), max_size=32).map(sorted),
    half_life_ms=st.integers(1, 10**11),
)
def test_shares_add_up_to_one(rule: Attribution, times: list[int], half_life_ms: int) -> None:
    found = shares(rule, times, half_life_ms)
    assert len(found) == len(times)
    assert all(0 <= one <= 1 for one in found)
    assert fsum(found) == pytest.approx(1.0 if times else 0.0, abs=1e-9)


def test_every_rule_that_a_policy_may_name_is_there() -> None:
    assert set(RULES) == set(RULE_NAMES)
