"""The person's cart: over visits and devices, until it is bought, emptied, or left alone for long enough."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from schemas.items import Item
from schemas.limits import DAY_MS, HOUR_MS, PERSON_CART_KEPT_MS, PERSON_CART_MAX
from schemas.state.person import PERSON_STATE, PersonState
from tests.builders import NOON, make_event, make_knowledge, make_record
from udfs.facts.cart import cart_of, on_person_event
from udfs.facts.rooms import merge_persons

SHOES, PAN = Item("shoes", 0, price=80.0), Item("pan", 0, price=30.0)
KNOWLEDGE = make_knowledge(SHOES, PAN)


def added(*item_ids: str, **more: Any) -> Event:
    fields = {"event_type": "product_added_to_cart", "event_time_ms": NOON, "item_ids": item_ids}
    return make_event(**(fields | more))


def removed(*item_ids: str, **more: Any) -> Event:
    return added(*item_ids, event_type="product_removed_from_cart", **more)


def bought(*item_ids: str, **more: Any) -> Event:
    return added(*item_ids, event_type="purchase_completed", **more)


def after(*events: Event) -> PersonState:
    state = PersonState(NOON, NOON)
    for one in events:
        on_person_event(state, one, KNOWLEDGE)
    return PERSON_STATE.decode(PERSON_STATE.encode(state))


def pieces(state: PersonState, now_ms: int = NOON) -> dict[str, int]:
    return {name: one.quantity for name, one in cart_of(state, now_ms).items()}


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([added("shoes"), added("pan", quantity=2)], {"shoes": 1, "pan": 2}),
        ([added("shoes"), added("shoes", quantity=2)], {"shoes": 3}),
        ([added("shoes", quantity=3), removed("shoes", quantity=1)], {"shoes": 2}),
        ([added("shoes", "pan"), removed("shoes")], {"pan": 1}),
        ([added("shoes"), removed("pan")], {"shoes": 1}),
        ([added("shoes", "pan"), removed("pan", value_amount=0.0)], {}),
        ([added("shoes", "pan"), bought("shoes")], {}),
        ([bought("shoes"), added("pan")], {"pan": 1}),
        # the shop says that the cart is worth what was just put in: it has lost the rest
        ([added("shoes"), added("pan", value_amount=30.0, properties={"items_value": "30"})], {"pan": 1}),
        ([added("shoes"), added("pan", value_amount=110.0, properties={"items_value": "30"})], {"shoes": 1, "pan": 1}),
    ],
    ids=["two", "more", "less", "out", "not there", "emptied", "bought", "next", "lost", "kept"],
)  # fmt: skip
def test_what_lies_in_it(events: list[Event], left: dict[str, int]) -> None:
    assert pieces(after(*events)) == left


def test_prices_are_the_events_else_the_catalogues() -> None:
    cart = after(added("shoes"), added("pan", price=25.0), added("unknown")).cart
    assert {name: one.price for name, one in cart.items()} == {
        "shoes": 80.0, "pan": 25.0, "unknown": None,
    }  # fmt: skip


def test_one_that_is_left_alone_is_forgotten_and_begins_anew() -> None:
    state = after(added("shoes"))
    assert pieces(state, NOON + PERSON_CART_KEPT_MS - 1) == {"shoes": 1}
    assert pieces(state, NOON + PERSON_CART_KEPT_MS) == {}
    later_ms = NOON + PERSON_CART_KEPT_MS + DAY_MS
    on_person_event(state, added("pan", event_time_ms=later_ms), KNOWLEDGE)
    assert (pieces(state, later_ms), state.cart_since_ms) == ({"pan": 1}, later_ms)


@given(st.lists(st.sampled_from([f"i{n}" for n in range(2 * PERSON_CART_MAX)]), max_size=300))
def test_it_holds_the_newest_lines(item_ids: list[str]) -> None:
    state = after(*(added(one) for one in item_ids))
    newest = list(dict.fromkeys(reversed(item_ids)))[:PERSON_CART_MAX]
    assert list(reversed(state.cart)) == newest


def test_of_two_carts_all_lines_stay_and_of_one_item_the_line_put_in_last() -> None:
    laptop = after(added("shoes", quantity=2), added("pan", event_id="p"))
    phone = after(added("shoes", quantity=1, event_time_ms=NOON + 5))
    both = merge_persons(laptop, phone)
    assert pieces(both) == {"shoes": 1, "pan": 1}
    assert list(both.cart) == ["pan", "shoes"]
    assert both.cart_since_ms == NOON


def test_what_was_bought_on_one_device_lies_in_no_cart_of_another() -> None:
    laptop = after(added("shoes"), added("pan", event_id="p", event_time_ms=NOON + 9))
    phone = after(bought("rug", event_time_ms=NOON + 5))
    phone.last_purchase_ms = NOON + 5
    assert pieces(merge_persons(laptop, phone)) == {"pan": 1}
    assert pieces(merge_persons(phone, laptop)) == {"pan": 1}


def test_an_abandoned_cart_is_still_there_on_the_next_visit_and_on_another_device() -> None:
    """The session's cart dies with it: at 91563e6 nothing of it was left for a rule to read."""
    laptop = {"session_id": "s1", "anonymous_id": "laptop"}
    phone = {"session_id": "s2", "anonymous_id": "phone", "event_time_ms": NOON + 30 * HOUR_MS}
    events = [
        added("shoes", event_id="e1", **laptop),
        make_event(event_id="e2", event_type="identified", event_time_ms=NOON + 1, person_id="ada", **laptop),
        make_event(event_id="e3", event_type="page_viewed", **phone),
        make_event(event_id="e4", event_type="identified", person_id="ada", **phone),
    ]  # fmt: skip
    fold = Fold(KNOWLEDGE, FoldRules(EVENT.decode, "seed"))
    assert list(fold.run(make_record(one, n) for n, one in enumerate(events)))
    assert pieces(fold.persons["ada"], NOON + 30 * HOUR_MS) == {"shoes": 1}
