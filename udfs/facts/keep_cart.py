"""The person's cart, over all visits: until it is bought, emptied, or left alone for PERSON_CART_KEPT_MS.

A session's own cart (udfs/session/fill_cart.py) ends with it; an abandoned one is the person's affair.
"""

from typing import Final

from schemas.events import Event
from schemas.limits import PERSON_CART_KEPT_MS, PERSON_CART_MAX
from schemas.state.person import PersonState
from schemas.state.session import CartLine, SessionContext
from udfs.knowledge.knowledge import Knowledge
from udfs.session.fill_cart import (
    drop_oldest,
    first_known,
    is_emptied,
    pieces_of,
    put_in,
    take_out,
    was_empty,
)

CART_EVENTS: Final = frozenset(
    {"product_added_to_cart", "product_removed_from_cart", "purchase_completed"}
)


def keep_cart(state: PersonState, event: Event, knowledge: Knowledge) -> None:
    """Adds what the event puts in, takes out what it removes or buys; in place."""
    now_ms = event.event_time_ms
    if event.event_type == "product_added_to_cart":
        if was_empty(event) or _is_forgotten(state, now_ms):
            state.cart = {}
        _touched(state, now_ms)
        for item_id in event.item_ids:
            put_in(state.cart, item_id, pieces_of(event), _price(event, item_id, knowledge))
        drop_oldest(state.cart, PERSON_CART_MAX)
    elif event.event_type == "product_removed_from_cart":
        take_out(state.cart, event)
        if is_emptied(event, is_empty=not state.cart):
            state.cart = {}
        state.cart_ms = max(state.cart_ms, now_ms)
    elif event.event_type == "purchase_completed":
        state.cart = {}


def take_over_cart(state: PersonState, context: SessionContext) -> None:
    """Adds the cart of a visit that belonged to nobody until now, and takes out what it bought.

    A line that both have stays the larger one: told twice it is the same.
    """
    now_ms = context.last_ms
    if _is_forgotten(state, now_ms):
        state.cart = {}
    for item_id, touch in context.items.items():
        if touch.purchases:
            state.cart.pop(item_id, None)
    if context.cart:
        _touched(state, context.cart_created_last_ms or now_ms)
    for item_id, line in context.cart.items():
        before = state.cart.pop(item_id, None) or CartLine(0, None)
        price = first_known(line.price, before.price)
        state.cart[item_id] = CartLine(max(before.quantity, line.quantity), price)
    drop_oldest(state.cart, PERSON_CART_MAX)


def cart_of(state: PersonState, now_ms: int) -> dict[str, CartLine]:
    """What lies in the cart now, the newest line last."""
    return {} if _is_forgotten(state, now_ms) else state.cart


def _is_forgotten(state: PersonState, now_ms: int) -> bool:
    return now_ms >= state.cart_ms + PERSON_CART_KEPT_MS


def _touched(state: PersonState, now_ms: int) -> None:
    """Something is about to be put in."""
    if not state.cart:
        state.cart_since_ms = now_ms
    state.cart_ms = max(state.cart_ms, now_ms)


def _price(event: Event, item_id: str, knowledge: Knowledge) -> float | None:
    if len(event.item_ids) == 1 and event.price is not None:
        return event.price
    item = knowledge.item_at(item_id, event.event_time_ms)
    return item.price if item is not None else None
