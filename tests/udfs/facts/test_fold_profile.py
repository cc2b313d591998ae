"""The profile: what each kind of news adds to its person."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import EVENT_TYPES
from schemas.items import Item
from schemas.limits import (
    DAY_MS,
    DISMISSALS_MAX,
    EXPOSURES_MAX,
    HOUR_MS,
    MINUTE_MS,
    PURCHASES_MAX,
    RECENT_ITEMS_MAX,
    TAKEN_ITEMS_MAX,
)
from schemas.state.person import PERSON_STATE, Exposure, PersonState, Purchase
from schemas.state.session import SessionNews
from tests.builders import NOON, make_event, make_knowledge, make_record
from udfs.facts.activity import PERIOD_COUNTS, period_counts
from udfs.facts.affinity import WEIGHTS, price_level
from udfs.facts.rooms import fold_profile
from udfs.facts.touches import TAKEN, TOUCHES
from udfs.knowledge.knowledge import Knowledge

KNOWLEDGE = make_knowledge(
    Item("i1", 0, category="Shop/Shoes", brand="Acme", price=10.0),
    Item("i2", 0, category="Shop/Pans", brand="Bolt", price=40.0),
    Item("bare", 0),
)


def fold(*steps: tuple[str, dict[str, Any]], knowledge: Knowledge = KNOWLEDGE) -> PersonState:
    """The profile after some events, by type and fields."""
    state = PersonState(NOON, NOON)
    for n, (event_type, fields) in enumerate(steps):
        event = make_event(**{"event_id": f"e{n}", "event_type": event_type} | fields)
        news = SessionNews("event", "a1", event.event_time_ms, "s1", n, event, b"")
        fold_profile(state, news, knowledge)
    return state


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_event_counts_and_the_state_survives_its_codec(event_type: str) -> None:
    state = fold((event_type, {"item_ids": ["i1"], "value_amount": 5.0}))
    assert state.event_count == 1
    assert period_counts(state, "hourly", NOON, 24)[0] == 1
    assert PERSON_STATE.decode(PERSON_STATE.encode(state)) == state


@pytest.mark.parametrize(("event_type", "weight"), WEIGHTS.items())
def test_an_event_leans_the_person_by_its_weight(event_type: str, weight: float) -> None:
    state = fold((event_type, {"item_ids": ["i1"]}))
    assert {name: one.long for name, one in state.categories.items()} == {"Shop/Shoes": weight}
    assert {name: one.short for name, one in state.brands.items()} == {"Acme": weight}
    assert list(state.price_levels) == [price_level(10.0)]


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES - WEIGHTS.keys()))
def test_other_events_lean_the_person_nowhere(event_type: str) -> None:
    state = fold((event_type, {"item_ids": ["i1"], "category": "Shop/Shoes", "price": 5.0}))
    assert (state.categories, state.brands, state.price_levels) == ({}, {}, {})


def test_what_the_event_says_of_its_one_item_comes_before_the_catalogue() -> None:
    state = fold(("product_viewed", {"item_ids": ["i1"], "category": "Sale", "price": 90.0}))
    assert list(state.categories) == ["Sale"]
    assert list(state.price_levels) == [price_level(90.0)]
    assert list(state.brands) == ["Acme"]


def test_what_the_event_says_of_several_items_is_nobodys() -> None:
    state = fold(("product_viewed", {"item_ids": ["i1", "i2"], "category": "Sale", "price": 90.0}))
    assert list(state.categories) == ["Shop/Shoes", "Shop/Pans"]
    assert list(state.price_levels) == [price_level(10.0), price_level(40.0)]


@pytest.mark.parametrize("item_id", ["bare", "unknown"])
def test_an_item_of_which_nothing_is_known_leans_nowhere(item_id: str) -> None:
    state = fold(("product_viewed", {"item_ids": [item_id]}))
    assert (state.categories, state.brands, state.price_levels) == ({}, {}, {})
    assert state.recent_items == {item_id: NOON}


def test_the_catalogue_of_the_events_time_counts() -> None:
    knowledge = make_knowledge(Item("i1", 0, category="Old"), Item("i1", NOON + 1, category="New"))
    state = fold(("product_viewed", {"item_ids": ["i1"]}), knowledge=knowledge)
    assert list(state.categories) == ["Old"]


def test_windows_count_by_event_time() -> None:
    now_ms = NOON + 40 * DAY_MS
    ages = [0, 4 * MINUTE_MS, 50 * MINUTE_MS, 5 * HOUR_MS, 6 * DAY_MS, 25 * DAY_MS, 35 * DAY_MS]
    types = sorted(PERIOD_COUNTS)
    steps = [(types[n % len(types)], {"event_time_ms": now_ms - age}) for n, age in enumerate(ages)]
    for order in (steps, steps[::-1]):
        state = fold(*order)
        assert period_counts(state, "fine", now_ms, 12)[0] == 3
        assert period_counts(state, "hourly", now_ms, 24)[0] == 4
        assert period_counts(state, "daily", now_ms, 7)[0] == 5
        assert period_counts(state, "daily", now_ms, 30)[0] == 6


def test_windows_count_views_carts_and_purchases_apart() -> None:
    state = fold(
        ("product_viewed", {}), ("content_read", {}), ("product_added_to_cart", {}),
        ("purchase_completed", {}), ("page_viewed", {}),
    )  # fmt: skip
    assert period_counts(state, "daily", NOON, 30) == (5, 2, 1, 1)


def test_windows_hold_no_more_than_their_periods() -> None:
    state = fold(*(("page_viewed", {"event_time_ms": NOON + n * HOUR_MS}) for n in range(2000)))
    assert (len(state.fine), len(state.hourly), len(state.daily)) == (1, 24, 30)


def test_recency_frequency_and_value_of_purchases() -> None:
    state = fold(
        ("purchase_completed", {"item_ids": ["i1"], "value_amount": 12.0, "price": 12.0}),
        ("purchase_completed", {"item_ids": ["i2", "i3"], "event_time_ms": NOON + 5, "price": 1.0}),
        ("purchase_completed", {"value_amount": 8.0, "event_time_ms": NOON + 2}),
    )
    assert (state.purchase_count, state.purchase_value) == (3, 20.0)
    assert state.last_purchase_ms == NOON + 5
    assert state.purchases == [
        Purchase("i1", NOON, 12.0), Purchase("i2", NOON + 5, None), Purchase("i3", NOON + 5, None),
    ]  # fmt: skip


def test_a_refund_takes_value_and_item_back() -> None:
    state = fold(
        ("purchase_completed", {"item_ids": ["i1", "i2"], "value_amount": 12.0}),
        ("purchase_refunded", {"item_ids": ["i1"], "value_amount": 4.0}),
        ("purchase_refunded", {}),
    )
    assert state.purchase_value == 8.0
    assert [one.item_id for one in state.purchases] == ["i2"]


def test_purchases_are_bounded_and_the_oldest_goes_not_the_first_to_come() -> None:
    newest = [
        ("purchase_completed", {"item_ids": [f"n{n}"], "event_time_ms": NOON + n})
        for n in range(PURCHASES_MAX)
    ]
    late = ("purchase_completed", {"item_ids": ["late"], "event_time_ms": NOON - DAY_MS})
    state = fold(*newest, late)
    assert [one.item_id for one in state.purchases] == [f"n{n}" for n in range(PURCHASES_MAX)]
    state = fold(late, *newest)
    assert [one.item_id for one in state.purchases] == [f"n{n}" for n in range(PURCHASES_MAX)]
    assert state.purchase_count == PURCHASES_MAX + 1


def test_recent_items_are_bounded_and_the_one_seen_longest_ago_goes() -> None:
    views = [
        ("product_viewed", {"item_ids": [f"n{n}"], "event_time_ms": NOON + n})
        for n in range(RECENT_ITEMS_MAX)
    ]
    again = ("content_read", {"item_ids": ["n0"], "event_time_ms": NOON + 100})
    one_more = ("product_viewed", {"item_ids": ["new"], "event_time_ms": NOON + 101})
    state = fold(*views, again, one_more)
    assert len(state.recent_items) == RECENT_ITEMS_MAX
    assert list(state.recent_items)[-2:] == ["n0", "new"]
    assert "n1" not in state.recent_items


def test_an_item_seen_out_of_order_keeps_its_newest_time() -> None:
    state = fold(
        ("product_viewed", {"item_ids": ["i1"], "event_time_ms": NOON + 5}),
        ("product_viewed", {"item_ids": ["i1"]}),
    )
    assert state.recent_items == {"i1": NOON + 5}


@pytest.mark.parametrize(("event_type", "raised"), TOUCHES.items())
def test_touched_items_are_remembered_and_apart_those_that_were_taken(
    event_type: str, raised: str | None
) -> None:
    state = fold((event_type, {"item_ids": ["i1"]}))
    assert state.recent_items == {"i1": NOON}
    assert state.taken_items == ({"i1": NOON} if raised in TAKEN else {})


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES - TOUCHES.keys()))
def test_items_that_other_events_name_are_not_touched(event_type: str) -> None:
    state = fold((event_type, {"item_ids": ["i1"]}))
    assert (state.recent_items, state.taken_items) == ({}, {})


def test_taken_items_are_bounded_and_the_one_taken_longest_ago_goes() -> None:
    clicks = [
        ("ranking_clicked", {"item_ids": [f"n{n}"], "event_time_ms": NOON + n})
        for n in range(TAKEN_ITEMS_MAX)
    ]
    again = ("product_added_to_cart", {"item_ids": ["n0"], "event_time_ms": NOON - 5})
    state = fold(*clicks, again, ("ranking_clicked", {"item_ids": ["new"]}))
    assert len(state.taken_items) == TAKEN_ITEMS_MAX
    assert list(state.taken_items.items())[-2:] == [("n0", NOON), ("new", NOON)]
    assert "n1" not in state.taken_items


def test_exposures_and_their_clicks_are_counted() -> None:
    state = fold(
        ("decision_exposed", {"item_ids": ["i1", "i2"]}),
        ("decision_exposed", {"item_ids": ["i1"], "event_time_ms": NOON + 5}),
        ("decision_clicked", {"item_ids": ["i1"], "event_time_ms": NOON + 2}),
    )
    assert state.exposures == {"i2": Exposure(1, 0, NOON), "i1": Exposure(2, 1, NOON + 5)}


def test_exposures_are_bounded_and_the_one_shown_longest_ago_goes() -> None:
    state = fold(*(("decision_exposed", {"item_ids": [f"n{n}"]}) for n in range(EXPOSURES_MAX + 1)))
    assert len(state.exposures) == EXPOSURES_MAX
    assert "n0" not in state.exposures


@pytest.mark.parametrize("event_type", ["decision_dismissed", "not_interested"])
def test_a_dismissal_is_remembered_with_its_newest_time(event_type: str) -> None:
    state = fold(
        (event_type, {"item_ids": ["i1"], "event_time_ms": NOON + 5}),
        (event_type, {"item_ids": ["i1", "i2"]}),
    )
    assert state.dismissed == {"i1": NOON + 5, "i2": NOON}


def test_dismissals_are_bounded_and_the_oldest_goes() -> None:
    state = fold(*(("not_interested", {"item_ids": [f"n{n}"]}) for n in range(DISMISSALS_MAX + 1)))
    assert len(state.dismissed) == DISMISSALS_MAX
    assert "n0" not in state.dismissed


def test_a_session_that_ended_is_counted() -> None:
    state = PersonState(NOON, NOON)
    fold_profile(state, SessionNews("ended", "a1", NOON, "s1", 1, None, b""), KNOWLEDGE)
    assert (state.session_count, state.event_count) == (1, 0)


def test_news_without_an_event_adds_nothing() -> None:
    state = PersonState(NOON, NOON)
    fold_profile(state, SessionNews("event", "a1", NOON, "s1", 1, None, b""), KNOWLEDGE)
    assert state == PersonState(NOON, NOON)


# --- price levels, statements, features ---------------------------------------------------------

LEVELLED = make_knowledge(
    *(Item(f"shoe{n}", 0, category="Shoes", price=50.0 * n) for n in (1, 2, 3)),
    *(Item(f"pan{n}", 0, category="Pans", price=500.0 * n) for n in (1, 2, 3)),
)


def test_a_person_leans_to_price_levels_within_categories() -> None:
    """150 is premium for a shoe, 500 is budget for a pan."""
    state = fold(
        ("product_viewed", {"item_ids": ["shoe3"]}),
        ("product_added_to_cart", {"item_ids": ["pan1"]}),
        ("product_viewed", {"item_ids": ["unknown"], "price": 5.0}),
        knowledge=LEVELLED,
    )
    leanings = {name: one.long for name, one in state.price_bands.items()}
    assert leanings == {"premium": 1.0, "budget": 3.0}
    assert state.bought_bands == {}


def test_what_is_bought_is_counted_by_price_level() -> None:
    state = fold(
        ("purchase_completed", {"item_ids": ["shoe3", "pan3", "pan2", "unknown"]}),
        knowledge=LEVELLED,
    )
    assert state.bought_bands == {"premium": 2, "middle": 1}


def test_what_a_profile_states_is_kept_until_it_is_stated_otherwise() -> None:
    state = fold(
        ("profile_updated", {"attribute": "role", "value": "buyer"}),
        ("profile_updated", {"properties": {"role": "founder", "loyalty_tier": "gold"}}),
        ("profile_updated", {"attribute": "loyalty_tier", "value": ""}),
        ("preference_stated", {"attribute": "style", "value": "plain"}),
    )
    assert state.statements == {"role": "founder"}
    assert state.preferences == {"style": "plain"}


def test_features_are_counted_over_sessions() -> None:
    opened = ("feature_opened", {"attribute": "forecast"})
    state = fold(opened, opened, ("feature_activated", {"attribute": "export"}), opened)
    assert state.features_opened == {"forecast": 3}
    assert state.features_activated == {"export": 1}


def test_only_who_said_so_is_identified() -> None:
    assert not fold(("page_viewed", {"person_id": "p1"})).is_identified
    assert fold(("identified", {"person_id": "p1"})).is_identified


def test_what_an_anonymous_session_said_goes_over_to_the_person() -> None:
    steps: list[tuple[str, dict[str, Any]]] = [
        ("profile_updated", {"attribute": "role", "value": "buyer"}),
        ("preference_stated", {"attribute": "style", "value": "plain"}),
        ("feature_opened", {"attribute": "forecast"}),
        ("feature_activated", {"attribute": "export"}),
        ("product_viewed", {"item_ids": ["shoe3"]}),
        ("purchase_completed", {"item_ids": ["pan1"]}),
        ("identified", {"person_id": "p1"}),
    ]
    events = [
        make_event(event_id=f"e{n}", event_type=kind, event_time_ms=NOON + n, **fields)
        for n, (kind, fields) in enumerate(steps)
    ]
    before = PersonState(NOON - 9, NOON - 9, timer_ms=2 * NOON)
    before.statements, before.features_opened = {"role": "old", "tier": "gold"}, {"forecast": 2}
    fold = Fold(LEVELLED, FoldRules(EVENT.decode, "seed"))
    fold.members["p1"] = before
    assert list(fold.run(make_record(one, n) for n, one in enumerate(events)))
    state = fold.members["p1"]
    assert state.statements == {"tier": "gold", "role": "buyer"}
    assert state.preferences == {"style": "plain"}
    assert (state.features_opened, state.features_activated) == ({"forecast": 3}, {"export": 1})
    assert {name: one.long for name, one in state.price_bands.items()} == {
        "premium": 1.0, "budget": 5.0
    }  # fmt: skip
    assert state.bought_bands == {"budget": 1}
    assert state.is_identified
