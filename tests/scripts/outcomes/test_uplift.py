"""What personal recommendations change, by the holdout: what is said of it, of whom, and what is not."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from models.experiments.difference import Interval
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL
from schemas.kpis import KPIS
from schemas.limits import DAY_MS
from schemas.outcomes import Outcome
from scripts.outcomes import uplift
from scripts.outcomes.uplift import PHRASES, Lift, Uplift, sentence
from tests.builders import NOON
from tests.models.experiments.outcomes import make_outcome, went
from udfs.outcomes.count_kpis import ALL

GERMANY, FRANCE = ("segment", "country: DE"), ("segment", "country: FR")


def shop(people: int, chances: dict[str, float], seed: int = 3) -> list[Outcome]:
    """Visits of one day each; `chances` to buy, by side of the holdout; of one country clicks are for the personal alone."""
    chance, found = Random(seed), []
    for number in range(people):
        who, side = f"p{number}", (HELD_OUT, PERSONAL)[number % 2]
        country = (GERMANY, FRANCE)[number // 2 % 2]
        about: dict[str, Any] = {"arm": {HOLDOUT: side}, "segments": (country[1],), "at_ms": NOON + number % 5 * DAY_MS}  # fmt: skip
        spent = 10.0 + 20 * chance.random() if chance.random() < chances[side] else 0.0
        found.append(make_outcome("exposed", who, **about))
        clicks = 0.8 if country == GERMANY and side == PERSONAL else 0.4
        if chance.random() < clicks:
            found.append(make_outcome("clicked", who, **about))
        found.append(make_outcome("visited", who, measures=went(3, spent), **about))
        if spent:
            found.append(make_outcome("converted", who, value=spent, **about))
    return found


def told_of(outcomes: Iterable[Outcome]) -> Uplift:
    found = Uplift("EUR")
    for one in outcomes:
        found.add(one)
    return found


def test_a_planted_effect_is_said_and_none_is_not() -> None:
    found = told_of(shop(1_600, {PERSONAL: 0.5, HELD_OUT: 0.25})).told()
    spends, buys, clicks = found["sentences"][:3]
    assert spends.startswith("People with personal recommendations spend ")
    assert "% more a visit than people without (between " in spends
    (one,) = (each for each in found["kpis"] if each["name"] == "conversion")
    assert one["is_sure"]
    assert one["interval"][0] < 1.0 < one["interval"][1], "it was planted"
    assert buys == sentence("conversion", Lift(one["lift"], one["interval"], is_sure=True))
    assert clicks.startswith("People with personal recommendations click on ")
    same = told_of(shop(800, {PERSONAL: 0.2, HELD_OUT: 0.2})).told()
    assert same["sentences"][0].startswith("Whether people with personal recommendations spend more or less a visit than people without is not sure yet: between ")  # fmt: skip
    assert not any("a visit than" in one for one in same["sentences"] if one.startswith("People"))


def test_each_segment_has_its_own_figures() -> None:
    found = told_of(shop(1_600, {PERSONAL: 0.2, HELD_OUT: 0.2}))
    assert {GERMANY, FRANCE, ("action", "recommend_items"), ("placement", "home")} < set(found.scopes())  # fmt: skip
    german, french = (found.told(one) for one in (GERMANY, FRANCE))
    assert german["people"] == [400, 400]
    clicks = [next(one for one in each["kpis"] if one["name"] == "click_rate") for each in (german, french)]  # fmt: skip
    assert [one["is_sure"] for one in clicks] == [True, False]
    assert clicks[0]["interval"][0] < 1.0 < clicks[0]["interval"][1]


def test_days_tell_all_and_both_sides() -> None:
    found = told_of(shop(50, {PERSONAL: 1.0, HELD_OUT: 0.0})).told()
    assert [one["day"] for one in found["days"]] == [f"2023-11-{14 + day}" for day in range(5)]
    assert {name for one in found["days"] for name in one["values"]} == {one.name for one in KPIS}
    assert found["days"][0]["values"]["conversion"] == [0.5, 1.0, 0.0]
    assert found["days"][0]["values"]["order_value"][2] is None, "nobody ordered"


def test_who_did_not_agree_is_on_neither_side() -> None:
    outcomes = [replace(one, arm={}) for one in shop(300, {PERSONAL: 0.3, HELD_OUT: 0.2})]
    found = told_of(outcomes).told()
    assert found["people"] == [0, 0]
    assert all(one["lift"] is None for one in found["kpis"])
    assert found["days"][0]["values"]["pages"] == [3.0, None, None]
    assert found["sentences"][0].endswith("is not known yet: too little was seen.")


def test_before_anything_was_seen_nothing_is_said() -> None:
    found = Uplift("EUR")
    assert found.scopes() == [ALL]
    assert (found.told()["sentences"], found.told()["days"]) == ([], [])


def test_too_few_say_nothing() -> None:
    found = told_of(shop(398, {PERSONAL: 0.9, HELD_OUT: 0.1})).told()
    assert all(one["lift"] is None for one in found["kpis"])


def test_of_many_values_the_largest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplift, "VALUES_MAX", 2)
    shown = [("rare", 1), ("often", 3), ("most", 9)]
    outcomes = [
        make_outcome("exposed", f"{name}{at}", action_id=name, placement="home")
        for name, count in shown
        for at in range(count)
    ]
    found = told_of(outcomes).scopes()
    assert [value for by, value in found if by == "action"] == ["most", "often"]


@pytest.mark.parametrize(
    ("name", "lift", "said"),
    [
        ("revenue_per_visit", Lift(0.04, Interval(0.01, 0.07), is_sure=True), "People with personal recommendations spend 4.0% more a visit than people without (between 1.0% and 7.0%)."),
        ("bounce", Lift(-0.04, Interval(-0.07, -0.01), is_sure=True), "People with personal recommendations leave at once in 4.0% fewer of their visits than people without (between 1.0% and 7.0%)."),
        ("conversion", Lift(0.02, Interval(-0.03, 0.08), is_sure=False), "Whether people with personal recommendations buy in more or fewer of their visits than people without is not sure yet: between 3.0% fewer and 8.0% more."),
        ("pages", Lift(0.02, Interval(None, None), is_sure=False), "Whether people with personal recommendations look at more or fewer pages a visit than people without is not known yet: too little was seen."),
        ("pages", None, "Whether people with personal recommendations look at more or fewer pages a visit than people without is not known yet: too little was seen."),
    ],
)  # fmt: skip
def test_a_sentence_is_one_that_a_marketer_reads(name: str, lift: Lift | None, said: str) -> None:
    assert sentence(name, lift) == said


def test_every_phrase_is_of_a_kpi_with_an_interval() -> None:
    known = {one.name for one in KPIS}
    assert set(PHRASES) < known
    assert known - set(PHRASES) == {"revenue_per_person", "time_to_conversion", "time_to_repeat", "retention", "satisfaction"}  # fmt: skip
