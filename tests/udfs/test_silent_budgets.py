"""Budgets where nothing is told back: drawn by lot, with a bound of overshoot that needs no count."""

from typing import Any, Final

import pytest

from schemas.actions import Budget
from schemas.limits import DAY_MS
from tests.builders import NOON
from tests.udfs.test_contact_limits import Person
from tests.udfs.test_next_best_action import action, knowing
from udfs.actions.pace_budgets import beyond_audience
from udfs.draw import draw
from udfs.policy.compile_policy import PolicyError

PEOPLE: Final = 1_000
LETTER: Final = {"name": "hero", "actions": [], "channel": "email"}


def sent(people: int, days: int = 1, **budget: Any) -> list[int]:
    """How many of these people get the action by e-mail on each day, nobody telling that it was shown."""
    offer = action(budget=budget, limits={"times": 1, "within_ms": DAY_MS})
    knowledge = knowing(offer, placement=LETTER)
    found = [0] * days
    for number in range(people):
        one = Person(knowledge, name=f"person-{number}")
        for day in range(days):
            found[day] += one.chosen(day * DAY_MS) == "banner"
    return found


def test_without_an_audience_nobody_knows_that_it_is_spent() -> None:
    """Why there is one: some 3 of 14 people, of however many."""
    assert 150 < sent(PEOPLE, total=3)[0] < 280


@pytest.mark.parametrize("total", [1, 3, 30])
def test_a_budget_that_nobody_reports_is_overshot_by_chance_alone(total: int) -> None:
    got = sent(PEOPLE, total=total, audience=PEOPLE)[0]
    assert got <= total + 2 * total**0.5


def test_three_of_a_thousand_is_three_in_the_mean_and_hardly_ever_more_than_seven() -> None:
    budget = Budget(total=3, audience=PEOPLE)
    got = [
        sum(
            beyond_audience(budget, 1, draw("seed", f"p{number}", f"offer-{lot}"), 0.0) is None
            for number in range(PEOPLE)
        )
        for lot in range(200)
    ]
    assert 2.6 < sum(got) / len(got) < 3.4
    assert sum(one <= 7 for one in got) >= 0.97 * len(got)


def test_who_may_have_it_twice_draws_half_as_often() -> None:
    budget = Budget(total=10, audience=100)
    assert beyond_audience(budget, 1, 0.099, 0.0) is None
    assert beyond_audience(budget, 2, 0.049, 0.0) is None
    for times, drawn in ((1, 0.1), (2, 0.05)):
        assert beyond_audience(budget, times, drawn, 0.0) is not None


def test_the_same_people_have_it_and_nobody_else_later() -> None:
    first, second = sent(PEOPLE, 2, total=30, audience=PEOPLE)
    assert first == second
    days = sent(PEOPLE, 3, per_day=30, audience=PEOPLE)
    assert len(set(days)) > 1, "each day is drawn anew"
    assert all(0 < got <= 30 + 2 * 30**0.5 for got in days)


def test_who_has_not_drawn_it_is_told_so() -> None:
    offer = action(budget={"total": 3, "audience": 10**9}, limits={"times": 1})
    one = Person(knowing(offer, placement=LETTER))
    assert one.chosen(0) == "nothing"
    stage, rule, values = one.rule()
    assert (stage, rule, values["audience"]) == ("budget", "budget_audience", str(10**9))
    web = Person(knowing(offer))
    assert web.chosen(0, channel="web") == "banner", "what is shown there is told"


def test_a_policy_says_how_often_and_is_warned_of_what_ends_never() -> None:
    with pytest.raises(PolicyError, match=r"limits\.times"):
        knowing(action(budget={"total": 3, "audience": 9}))
    endless = knowing(action(budget={"total": 3}), placement=LETTER).policy_at(NOON)
    assert endless is not None
    assert ["say `audience`" in str(one) for one in endless.warnings if "budget" in str(one)] == [
        True
    ]
    lot = action(budget={"total": 3, "audience": 9}, limits={"times": 1})
    drawn = knowing(lot, placement=LETTER).policy_at(NOON)
    assert drawn is not None
    assert [one for one in drawn.warnings if "budget" in str(one)] == []
