"""The bounds of a session's context, and what a shop may say of its carts."""

from typing import Any

import pytest

from schemas.events import EVENT_TYPES, Event
from schemas.items import Item
from schemas.limits import (
    ATTENTION_MAX_MS,
    EXPOSURES_PER_EVENT_MAX,
    MINUTE_MS,
    SECOND_MS,
    SESSION_CART_MAX,
    SESSION_ITEMS_MAX,
    SESSION_NAMES_MAX,
    SESSION_TALLIES_MAX,
)
from schemas.state.session import SESSION_CONTEXT, SessionContext
from tests.builders import NOON, make_event, make_knowledge, track, track_all
from udfs.facts.cart import value_of
from udfs.facts.rooms import fold_context
from udfs.facts.touches import TAKES, TOUCHES
from udfs.facts.visit import VALUES_PER_TALLY_MAX, WINDOW_BUCKETS
from udfs.knowledge.category_facts import LEVELS

ADD = "product_added_to_cart"
REMOVE = "product_removed_from_cart"


def fold(*steps: tuple[str, dict[str, Any]]) -> SessionContext:
    context = SessionContext(1, NOON, NOON)
    for n, (event_type, fields) in enumerate(steps):
        event = make_event(
            **{"event_id": f"e{n}", "event_type": event_type, "event_time_ms": NOON + n} | fields
        )
        fold_context(context, event, make_knowledge())
    return context


def test_items_are_bounded_and_the_one_touched_longest_ago_goes() -> None:
    views = [("product_viewed", {"item_ids": [f"n{n}"]}) for n in range(SESSION_ITEMS_MAX)]
    again = ("product_viewed", {"item_ids": ["n0"]})
    context = fold(*views, again, ("product_viewed", {"item_ids": ["new"]}))
    assert len(context.items) == SESSION_ITEMS_MAX
    assert "n1" not in context.items
    assert list(context.items)[-2:] == ["n0", "new"]
    assert context.item_count == SESSION_ITEMS_MAX + 1


def test_names_are_bounded_and_the_first_ones_go_on_being_counted() -> None:
    queries = [("search_performed", {"query": f"q{n}"}) for n in range(SESSION_NAMES_MAX + 5)]
    context = fold(*queries, ("search_performed", {"query": "Q0"}))
    assert len(context.queries) == SESSION_NAMES_MAX
    assert context.queries["q0"] == 2
    assert context.tallies["search_performed"].count == SESSION_NAMES_MAX + 6


def test_named_values_are_bounded_and_the_first_ones_go_on_being_counted() -> None:
    steps = [
        ("checkout_started", {"attribute": "step", "value": str(n)})
        for n in range(VALUES_PER_TALLY_MAX + 3)
    ]
    tally = fold(*steps, steps[0]).tallies["checkout_started"]
    assert len(tally.named) == VALUES_PER_TALLY_MAX
    assert tally.named["step=0"].count == 2
    assert tally.count == VALUES_PER_TALLY_MAX + 4


def test_the_cart_is_bounded_and_the_oldest_line_goes() -> None:
    context = fold(*((ADD, {"item_ids": [f"n{n}"]}) for n in range(SESSION_CART_MAX + 1)))
    assert len(context.cart) == SESSION_CART_MAX
    assert "n0" not in context.cart


def test_an_event_older_than_the_windows_is_in_none_of_their_buckets() -> None:
    old = NOON - WINDOW_BUCKETS * 10_000
    context = fold(("page_viewed", {}), ("page_viewed", {"event_time_ms": old}))
    assert [one.events for one in context.buckets] == [1]
    assert context.event_count == 2


@pytest.mark.parametrize(
    ("total", "added", "carts"),
    [
        (5.0, "5.0", 2),  # the whole cart is what was added: the shop lost the one before
        (9.0, "5.0", 1),
        (5.0, "about five", 1),
        (5.0, "nan", 1),
        (5.0, "inf", 1),
        (5.0, None, 1),
        (None, "5.0", 1),
    ],
)
def test_a_total_that_is_what_was_added_starts_a_new_cart(
    total: float | None, added: str | None, carts: int
) -> None:
    said = {"value_amount": total, "properties": {"items_value": added} if added else {}}
    said = {name: value for name, value in said.items() if value is not None}
    context = fold((ADD, {"item_ids": ["a"]}), (ADD, {"item_ids": ["b"]} | said))
    assert context.cart_created == carts
    assert list(context.cart) == (["b"] if carts == 2 else ["a", "b"])


@pytest.mark.parametrize("value", ["nan", "inf", "?"])
def test_a_first_cart_is_new_whatever_else_is_said(value: str) -> None:
    said = {"value_amount": 5.0, "properties": {"items_value": value}}
    context = fold((ADD, {"item_ids": ["a"]} | said))
    assert (context.cart_created, context.cart_open) == (1, True)


@pytest.mark.parametrize(("total", "is_emptied"), [(0.0, True), (0.001, True), (3.0, False)])
def test_a_removal_empties_the_cart_if_the_shop_says_so(total: float, is_emptied: bool) -> None:
    context = fold(
        (ADD, {"item_ids": ["a", "b"]}), (REMOVE, {"item_ids": ["a"], "value_amount": total})
    )
    assert (context.cart == {}) == is_emptied
    assert context.cart_emptied == is_emptied


def test_removing_what_is_not_there_changes_nothing() -> None:
    context = fold((ADD, {"item_ids": ["a"]}), (REMOVE, {"item_ids": ["z"]}))
    assert list(context.cart) == ["a"]
    assert context.cart_emptied == 0


def test_a_cart_is_worth_what_is_known_of_its_prices() -> None:
    context = fold(
        (ADD, {"item_ids": ["a"], "quantity": 2, "price": 3.0}), (ADD, {"item_ids": ["b"]})
    )
    assert value_of(context.cart) == 6.0


# --- touches and attention ----------------------------------------------------------------------


@pytest.mark.parametrize(("event_type", "raised"), TOUCHES.items())
def test_a_touch_is_counted_as_what_it_is(event_type: str, raised: str | None) -> None:
    touch = fold((event_type, {"item_ids": ["a"]})).items["a"]
    assert (touch.touches, touch.last_kind) == (1, event_type)
    counts = {name: getattr(touch, name) for name in ("views", "clicks", "carts", "purchases")}
    assert counts == dict.fromkeys(counts, 0) | ({raised: 1} if raised else {})
    assert touch.taken == (event_type in TAKES)


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES - TOUCHES.keys()))
def test_other_events_touch_nothing(event_type: str) -> None:
    context = fold((event_type, {"item_ids": ["a"], "candidates": [{"item_id": "b"}]}))
    assert (context.items, context.touch_count) == ({}, 0)


def test_touches_are_in_the_order_of_the_last_and_remember_the_first() -> None:
    view = "product_viewed"
    context = fold(*((view, {"item_ids": [name]}) for name in "abca"))
    assert list(context.items) == ["b", "c", "a"]
    orders = {name: (one.first_order, one.order) for name, one in context.items.items()}
    assert orders == {"b": (2, 2), "c": (3, 3), "a": (1, 4)}
    assert (context.item_count, context.touch_count) == (3, 4)
    first, last = context.items["a"].first_ms, context.items["a"].last_ms
    assert (first, last) == (NOON, NOON + 3)


def test_the_time_until_the_next_event_goes_to_the_item_touched_last() -> None:
    after_s = (0, 10, 15, 12, 1_000, 1_007)  # the fourth came late: no time passed
    types = (
        "page_viewed",
        "product_viewed",
        "page_viewed",
        "page_viewed",
        "product_viewed",
        "page_viewed",
    )
    context = fold(
        *(
            (kind, {"item_ids": [f"i{n}"], "event_time_ms": NOON + seconds * SECOND_MS})
            for n, (kind, seconds) in enumerate(zip(types, after_s, strict=True))
        )
    )
    assert context.items["i1"].attention_ms == 5 * SECOND_MS + ATTENTION_MAX_MS
    assert context.items["i4"].attention_ms == 7 * SECOND_MS


def test_an_item_has_the_price_level_of_its_category() -> None:
    items = [Item(f"i{n}", 0, category="Shoes", price=10.0 * n) for n in (1, 2, 3)]
    context = SessionContext(1, NOON, NOON)
    said_of: list[dict[str, Any]] = [{}, {"price": 29.0}, {"price": 9.0}, {"category": "Sale"}]
    for n, said in enumerate(said_of):
        event = make_event(
            event_id=f"e{n}", event_type="product_viewed", item_ids=[f"i{n}"], **said
        )
        fold_context(context, event, make_knowledge(*items))
    levels = {item_id: LEVELS[one.level] for item_id, one in context.items.items()}
    assert levels == {"i0": "", "i1": "premium", "i2": "budget", "i3": ""}


# --- the list that was asked to be ranked -------------------------------------------------------


def asked(event_id: str, *item_ids: str) -> Event:
    return make_event(
        event_id=event_id, event_type="ranking_requested",
        candidates=[{"item_id": one} for one in item_ids],
    )  # fmt: skip


def test_a_decision_sees_the_list_before_never_its_own() -> None:
    events = [asked("e1", "a", "b"), make_event(event_id="e2"), asked("e3", "c")]
    state, news, _ = track_all(events)
    told = [SESSION_CONTEXT.decode(one.context) for one in news]
    assert [one.slate for one in told] == [[], ["a", "b"], ["a", "b"]]
    assert [one.slate_count for one in told] == [0, 1, 1]
    assert state is not None
    kept = SESSION_CONTEXT.decode(state.context)
    assert (kept.slate, kept.slate_count) == (["c"], 2)


def test_the_list_is_bounded_by_what_was_seen_of_it() -> None:
    state, _, _ = track_all([asked("e1", *(f"i{n}" for n in range(EXPOSURES_PER_EVENT_MAX + 5)))])
    assert state is not None
    slate = SESSION_CONTEXT.decode(state.context).slate
    assert slate == [f"i{n}" for n in range(EXPOSURES_PER_EVENT_MAX)]


def test_a_full_session_refuses_more_and_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.track_session.SESSION_EVENTS_MAX", 2)
    state, _, _ = track_all([make_event(), make_event(event_id="e2")])
    assert state is not None
    before = (state.newest_ms, state.seen, state.context, state.position, state.timer_ms)
    more = make_event(event_id="e3", event_time_ms=NOON + MINUTE_MS)
    result = track(state, more)
    assert [letter.reason for letter in result.dead_letters] == ["session_full"]
    assert result.counts == ("session_full",)
    after = result.state
    assert after is not None
    assert (after.newest_ms, after.seen, after.context, after.position, after.timer_ms) == before
    assert SESSION_CONTEXT.decode(after.context).event_count == 2


def test_names_of_senders_own_are_tallied_up_to_a_bound_and_never_keep_ours_out() -> None:
    context = SessionContext(1, NOON, NOON)
    for number in range(SESSION_TALLIES_MAX + 9):
        fold_context(context, make_event(event_type=f"own_{number}"), make_knowledge())
    assert len(context.tallies) == SESSION_TALLIES_MAX
    fold_context(context, make_event(event_type="page_viewed"), make_knowledge())
    assert context.tallies["page_viewed"].count == 1
    assert context.event_count == SESSION_TALLIES_MAX + 10
