"""What a browser's key can say: how it is taken, how often it counts, and what it never reaches."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import EVENT_TYPES, Event
from schemas.items import Item
from schemas.limits import DAY_MS, TOUCHED_ITEMS_MAX, TOUCHES_PER_DAY_MAX
from schemas.proof import UNPROVEN
from schemas.state.person import PersonState
from schemas.state.session import SESSION_CONTEXT, SESSION_STATE, SessionNews
from tests.builders import NOON, make_event, make_knowledge, make_record, track_all
from udfs.facts.activity import period_counts
from udfs.facts.rooms import fold_profile
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import action_facts, item_facts

SHOP = make_knowledge(Item("a", 0, category="Shoes", price=7.0), Item("b", 0))


def said(number: int, event_type: str, **fields: Any) -> Event:
    """An event of a browser's key, a millisecond after the one before."""
    named = {"event_id": f"e{number}", "event_time_ms": NOON + number, "is_unproven": True}
    return make_event(event_type=event_type, **named | fields)


def told(*events: Event, knowledge: Knowledge = SHOP) -> tuple[list[SessionNews], list[str]]:
    _, news, counts = track_all(list(events), knowledge)
    return news, counts


def person_of(*events: Event) -> PersonState:
    state = PersonState(NOON, NOON)
    for one in told(*events)[0]:
        fold_profile(state, one, SHOP)
    return state


def teaches(news: list[SessionNews]) -> int:
    return sum(len([*item_facts(one, SHOP), *action_facts(one)]) for one in news)


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES - {"clock_ticked"}))
def test_every_type_teaches_others_what_its_line_says(event_type: str) -> None:
    fields: dict[str, Any] = {
        "item_ids": ["a"], "person_id": "p", "value_amount": 0.5, "decision_id": "d1",
        "properties": {"action_id": "quiz", "placement": "hero"},
    }  # fmt: skip
    proven = told(said(1, event_type, is_unproven=False, **fields))[0]
    unproven = told(said(1, event_type, **fields))[0]
    is_full = UNPROVEN[event_type] == "full"  # type: ignore[index]  # walked as text
    assert teaches(unproven) == (teaches(proven) if is_full else 0)
    event = unproven[0].event
    assert event is not None
    assert (event.value_amount == 0.5) == is_full


def test_a_claimed_purchase_ends_offers_and_is_no_revenue() -> None:
    state = person_of(
        said(1, "product_added_to_cart", item_ids=["a"]),
        said(2, "purchase_completed", item_ids=["a"], value_amount=1e9),
    )
    assert [one.item_id for one in state.purchases] == ["a"]
    assert (state.purchase_count, state.purchase_value) == (1, 0.0)
    assert state.last_purchase_ms == NOON + 2
    news = told(
        said(1, "product_added_to_cart", item_ids=["a"]),
        said(2, "purchase_completed", item_ids=["a"], value_amount=1e9),
    )[0]
    context = SESSION_CONTEXT.decode(news[-1].context)
    assert (context.cart, context.cart_open) == ({}, False)
    assert context.tallies["purchase_completed"].amount == 0.0


def test_claimed_purchases_make_nobody_a_regular() -> None:
    claims = [said(n, "purchase_completed", item_ids=["a"]) for n in range(9)]
    state = person_of(*claims)
    assert state.purchase_count == 1
    assert period_counts(state, "daily", NOON, 30)[3] == 1
    state = person_of(*claims, said(9, "purchase_completed", is_unproven=False, value_amount=5.0))
    assert (state.purchase_count, state.purchase_value) == (1, 5.0), (
        "it is the one that was claimed"
    )
    more = [said(n, "purchase_completed", is_unproven=False, value_amount=5.0) for n in (10, 11)]
    assert person_of(*claims, *more).purchase_count == 2


def test_claims_that_are_handed_over_make_one_purchase() -> None:
    claims = [said(n, "purchase_completed", item_ids=["a"], value_amount=9.0) for n in range(3)]
    state = person_of(*claims, said(4, "identified", person_id="p"))
    assert (state.purchase_count, state.purchase_value) == (1, 0.0)
    bought = said(3, "purchase_completed", is_unproven=False, value_amount=9.0)
    fold = Fold(SHOP, FoldRules(EVENT.decode, "seed"))
    log = [*claims, bought, said(4, "identified", person_id="p")]
    assert list(fold.run(make_record(one, at) for at, one in enumerate(log)))
    hers = fold.members["p"]
    assert (hers.purchase_count, hers.purchase_value) == (1, 9.0)


def test_a_refund_without_proof_takes_no_value_back() -> None:
    bought = said(1, "purchase_completed", is_unproven=False, item_ids=["a"], value_amount=9.0)
    state = person_of(bought, said(2, "purchase_refunded", item_ids=["a"], value_amount=9.0))
    assert state.purchase_value == 9.0


def test_nobody_gives_themselves_a_status() -> None:
    gold = {"attribute": "loyalty_tier", "value": "gold", "properties": {"employees": "9000"}}
    assert person_of(said(1, "profile_updated", **gold)).statements == {}
    news, counts = told(said(1, "profile_updated", **gold))
    assert "unproven_untold" in counts
    assert SESSION_CONTEXT.decode(news[-1].context).statements == {}
    proven = said(1, "profile_updated", is_unproven=False, **gold)
    assert person_of(proven).statements["loyalty_tier"] == "gold"


def test_what_a_person_prefers_dismisses_or_allows_counts_without_proof() -> None:
    state = person_of(
        said(1, "preference_stated", attribute="style", value="plain"),
        said(2, "not_interested", item_ids=["b"]),
        said(3, "consent_changed", consent=[]),
    )
    assert state.preferences == {"style": "plain"}
    assert set(state.dismissed) == {"b"}


def test_a_page_does_not_say_what_an_item_of_the_catalogue_is() -> None:
    lie = said(1, "product_viewed", item_ids=["a"], category="Buy at evil.example", price=0.01)
    facts = list(item_facts(told(lie)[0][0], SHOP))
    assert {one.category for one in facts if one.kind == "item"} == {"Shoes"}
    assert {one.item_id for one in facts if one.kind == "category"} == {"Shoes"}
    assert {one.price for one in facts if one.kind == "item"} == {7.0}
    unnamed = said(1, "product_viewed", item_ids=["b"], category="Buy at evil.example")
    assert {one.kind for one in item_facts(told(unnamed)[0][0], SHOP)} == {"item"}


# --- how often ------------------------------------------------------------------------------------


def views(facts: list[SessionNews], item_id: str = "a") -> int:
    found = [fact for one in facts for fact in item_facts(one, SHOP) if fact.kind == "item"]
    return sum(fact.item_id == item_id and fact.count == "views" for fact in found)


def test_touches_of_an_item_count_so_often_a_day_and_all_are_folded() -> None:
    count = TOUCHES_PER_DAY_MAX + 15
    events = [said(n, "product_viewed", item_ids=["a"]) for n in range(count)]
    news, counts = told(*events)
    assert views(news) == TOUCHES_PER_DAY_MAX
    assert counts.count("touches_uncounted") == 15
    assert SESSION_CONTEXT.decode(news[-1].context).items["a"].views == count
    tomorrow = said(0, "product_viewed", item_ids=["a"], event_id="t", event_time_ms=NOON + DAY_MS)
    assert views(told(*events, tomorrow)[0]) == TOUCHES_PER_DAY_MAX + 1


def test_yesterdays_times_do_not_begin_the_day_anew() -> None:
    midnight = NOON // DAY_MS * DAY_MS + DAY_MS
    events = [
        said(n, "product_viewed", item_ids=["a"], event_time_ms=midnight + n * (-1) ** n)
        for n in range(4 * TOUCHES_PER_DAY_MAX)
    ]
    assert views(told(*events)[0]) <= TOUCHES_PER_DAY_MAX + 1


def test_lists_that_are_shown_again_and_again_count_so_often() -> None:
    asked = [
        said(n, "ranking_requested", candidates=[{"item_id": "a"}])
        for n in range(TOUCHES_PER_DAY_MAX + 5)
    ]
    found = [fact for one in told(*asked)[0] for fact in item_facts(one, SHOP)]
    assert sum(one.count == "exposures" for one in found) == TOUCHES_PER_DAY_MAX


def test_events_with_proof_all_count() -> None:
    events = [
        said(n, "product_viewed", item_ids=["a"], is_unproven=False)
        for n in range(2 * TOUCHES_PER_DAY_MAX)
    ]
    assert views(told(*events)[0]) == 2 * TOUCHES_PER_DAY_MAX


def test_what_is_kept_of_touches_is_bounded() -> None:
    names = [f"i{n}" for n in range(TOUCHED_ITEMS_MAX + 150)]
    events = [
        said(n, "product_viewed", item_ids=names[n : n + 50]) for n in range(0, len(names), 50)
    ]
    state, news, counts = track_all(events, Knowledge())
    assert state is not None
    assert len(state.touches) == TOUCHED_ITEMS_MAX
    assert len(SESSION_STATE.encode(state)) < 30_000
    assert counts.count("touches_uncounted") == 3
    taught = {fact.item_id for one in news for fact in item_facts(one, Knowledge()) if fact.count}
    assert len(taught) == TOUCHED_ITEMS_MAX


def test_a_name_of_the_senders_own_counts_for_its_person_without_its_amount() -> None:
    news, counts = told(said(1, "level_completed", value_amount=99.0, properties={"score": "7"}))
    event = news[0].event
    assert event is not None
    assert (event.value_amount, event.properties) == (None, {"score": "7"})
    assert counts.count("unproven") == 1
    assert teaches(news) == 0
