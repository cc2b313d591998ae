"""What may not be offered now, and why."""

import pytest

from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS
from schemas.policy import Suppression
from schemas.state.person import PersonState, Purchase
from tests.builders import NOON, make_event, make_knowledge
from udfs.items.retrieve_candidates import Retrieved
from udfs.items.suppress_candidates import PASSED, Verdict, suppress_candidates
from udfs.moment import NOBODY, Moment

RULES = Suppression()


def moment_of(event: Event, state: PersonState | None = None) -> Moment:
    knowledge = make_knowledge()
    return Moment(state or PersonState(NOON, NOON), NOBODY, event, knowledge, knowledge.at(NOON))


def verdict(
    candidate: Retrieved, state: PersonState | None = None, rules: Suppression = RULES
) -> Verdict:
    event = make_event(event_type="product_viewed", item_ids=["looked-at"])
    found = suppress_candidates([candidate], moment_of(event, state), rules)
    assert len(found) == 1
    return found[0]


def candidate(item_id: str = "i1", stock: int | None = None) -> Retrieved:
    return Retrieved(item_id, "trending", Item(item_id, stock=stock), None)


def bought(ago_ms: int) -> PersonState:
    return PersonState(NOON, NOON, purchases=[Purchase("i1", NOON - ago_ms, None)])


def dismissed(ago_ms: int) -> PersonState:
    return PersonState(NOON, NOON, dismissed={"i1": NOON - ago_ms})


def test_nothing_speaks_against_most() -> None:
    assert verdict(candidate()) is PASSED


def test_the_item_looked_at_is_not_offered() -> None:
    assert verdict(candidate("looked-at")) == ("current_item", {"event_type": "product_viewed"})
    assert verdict(candidate("looked-at"), rules=Suppression(current_item=False)) is PASSED


@pytest.mark.parametrize("stock", [None, 1, 100])
def test_unknown_or_some_stock_is_offered(stock: int | None) -> None:
    assert verdict(candidate(stock=stock)) is PASSED


def test_no_stock_is_not_offered() -> None:
    assert verdict(candidate(stock=0)) == ("out_of_stock", {"stock": "0"})
    assert verdict(candidate(stock=0), rules=Suppression(out_of_stock=False)) is PASSED


def test_an_unknown_item_is_offered_a_gone_one_is_not() -> None:
    assert verdict(Retrieved("i1", "recently_viewed", None, None)) is PASSED
    gone = Retrieved("i1", "recently_viewed", None, None, is_gone=True)
    assert verdict(gone) == ("gone", {})


def test_what_was_bought_rests_for_a_while() -> None:
    assert verdict(candidate(), bought(0)) == ("bought", {"bought_ms": str(NOON)})
    assert verdict(candidate(), bought(RULES.bought_ms - 1)).rule == "bought"
    assert verdict(candidate(), bought(RULES.bought_ms)) is PASSED
    assert verdict(candidate(), bought(1), Suppression(bought_ms=0)) is PASSED


def test_the_newest_of_two_purchases_counts() -> None:
    state = PersonState(
        NOON, NOON, purchases=[Purchase("i1", NOON - 40 * DAY_MS, None), Purchase("i1", NOON, 1.0)]
    )
    assert verdict(candidate(), state) == ("bought", {"bought_ms": str(NOON)})


def test_what_was_dismissed_rests_for_longer() -> None:
    assert verdict(candidate(), dismissed(RULES.dismissed_ms - 1)).rule == "dismissed"
    assert verdict(candidate(), dismissed(RULES.dismissed_ms)) is PASSED
    assert verdict(candidate(), dismissed(1), Suppression(dismissed_ms=0)) is PASSED
    assert verdict(candidate("i2"), dismissed(1)) is PASSED


def test_one_verdict_per_candidate_in_their_order() -> None:
    event = make_event(item_ids=["i2"])
    found = suppress_candidates(
        [candidate("i1"), candidate("i2"), candidate("i3", stock=0)], moment_of(event), RULES
    )
    assert [one.rule for one in found] == ["", "current_item", "out_of_stock"]
