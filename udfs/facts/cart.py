"""The cart: what lies in the visit's, and in the person's over all visits.

A visit's own cart ends with it. The person's stays until it is bought, emptied, or left alone for PERSON_CART_KEPT_MS: an
abandoned one is the person's affair.
"""

from math import isfinite
from typing import Final, cast

import numpy as np

from schemas.events import Event
from schemas.limits import PERSON_CART_KEPT_MS, PERSON_CART_MAX, SESSION_CART_MAX
from schemas.state.person import PersonState
from schemas.state.session import CartLine, SessionContext
from udfs.facts.fact import Apart, Kept, Room, item, person, session
from udfs.facts.keeping import first_known
from udfs.facts.merging import larger
from udfs.facts.reading import days_since, name_of, newest, newest_one, seconds_since
from udfs.facts.splitting import names_apart
from udfs.facts.types import BOOL, DOUBLE, INT, STRING, STRINGS
from udfs.knowledge.category_facts import LEVELS
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment

HALF_A_CENT: Final = 0.005
EVENTS: Final = frozenset(
    {"product_added_to_cart", "product_removed_from_cart", "purchase_completed"}
)


# --- lines --------------------------------------------------------------------------------------


def put_in(
    cart: dict[str, CartLine], item_id: str, pieces: int, price: float | None, now_ms: int
) -> None:
    """Adds pieces of an item, whose line is the newest then; `price` None = as it was."""
    line = cart.pop(item_id, None) or CartLine(0, None)
    put_ms = max(line.put_ms, now_ms)
    cart[item_id] = CartLine(line.quantity + pieces, first_known(price, line.price), put_ms)


def take_out(cart: dict[str, CartLine], event: Event) -> None:
    """Takes out what the event removes: so many pieces as it says, else all of them."""
    for item_id in event.item_ids:
        line = cart.pop(item_id, None)
        left = line.quantity - (event.quantity or line.quantity) if line else 0
        if line is not None and left > 0:
            cart[item_id] = CartLine(left, line.price, line.put_ms)


def drop_oldest(cart: dict[str, CartLine], kept: int) -> None:
    """Keeps the newest lines."""
    while len(cart) > kept:
        del cart[next(iter(cart))]


def value_of(cart: dict[str, CartLine]) -> float:
    """What a cart is worth, as far as its prices are known."""
    return sum(line.quantity * (line.price or 0.0) for line in cart.values())


def pieces_in(cart: dict[str, CartLine]) -> int:
    """How many pieces lie in a cart."""
    return sum(line.quantity for line in cart.values())


def pieces_of(event: Event) -> int:
    """How many pieces of each of its items an event puts in."""
    return (event.quantity or 1) if len(event.item_ids) == 1 else 1


def was_empty(event: Event) -> bool | None:
    """Whether the shop says that what was added is all that lies in the cart; None = it does not say.

    Where it tells the cart's total and the value of what was added, a total that is no more than that says so,
    whatever we thought: shops lose carts.
    """
    added = _amount(event.properties.get("items_value"))
    if event.value_amount is None or added is None:
        return None
    return abs(event.value_amount - added) < HALF_A_CENT


def is_emptied(event: Event, *, is_empty: bool) -> bool:
    """Whether nothing is left: by the total that the event tells, else as far as we know."""
    return is_empty if event.value_amount is None else abs(event.value_amount) < HALF_A_CENT


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text) if text is not None else None
    except ValueError:
        return None
    return amount if amount is not None and isfinite(amount) else None


# --- the visit's --------------------------------------------------------------------------------


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Adds what the event puts in, takes out what it removes or buys."""
    if event.event_type == "product_added_to_cart":
        _add_lines(context, event)
    elif event.event_type == "product_removed_from_cart":
        _remove_lines(context, event)
    elif event.event_type == "purchase_completed":
        context.cart = {}
        context.cart_open = False


def _add_lines(context: SessionContext, event: Event) -> None:
    time_ms = event.event_time_ms
    if _is_new(context, event):
        context.cart = {}
        context.cart_open = True
        context.cart_created += 1
        context.cart_created_first_ms = min(context.cart_created_first_ms or time_ms, time_ms)
        context.cart_created_last_ms = max(context.cart_created_last_ms or time_ms, time_ms)
    for item_id in event.item_ids:
        touch = context.items.get(item_id)
        put_in(context.cart, item_id, pieces_of(event), touch.price if touch else None, time_ms)
    drop_oldest(context.cart, SESSION_CART_MAX)


def _is_new(context: SessionContext, event: Event) -> bool:
    """Whether the event fills an empty cart: as the shop says, else where none is open."""
    said = was_empty(event)
    return not context.cart_open if said is None else said


def _remove_lines(context: SessionContext, event: Event) -> None:
    take_out(context.cart, event)
    if is_emptied(event, is_empty=context.cart_open and not context.cart):
        context.cart = {}
        context.cart_open = False
        context.cart_emptied += 1


# --- the person's -------------------------------------------------------------------------------


def on_person_event(state: PersonState, event: Event, knowledge: Knowledge) -> None:
    """Adds what the event puts in, takes out what it removes or buys."""
    now_ms = event.event_time_ms
    if event.event_type == "product_added_to_cart":
        if was_empty(event) or _is_forgotten(state, now_ms):
            state.cart = {}
        _fill(state, now_ms)
        for item_id in event.item_ids:
            price = _price(event, item_id, knowledge)
            put_in(state.cart, item_id, pieces_of(event), price, now_ms)
        drop_oldest(state.cart, PERSON_CART_MAX)
    elif event.event_type == "product_removed_from_cart":
        take_out(state.cart, event)
        if is_emptied(event, is_empty=not state.cart):
            state.cart = {}
        state.cart_ms = max(state.cart_ms, now_ms)
    elif event.event_type == "purchase_completed":
        state.cart = {}


def cart_of(state: PersonState, now_ms: int) -> dict[str, CartLine]:
    """What lies in the person's cart now, the newest line last."""
    return {} if _is_forgotten(state, now_ms) else state.cart


def _is_forgotten(state: PersonState, now_ms: int) -> bool:
    return now_ms >= state.cart_ms + PERSON_CART_KEPT_MS


def _fill(state: PersonState, now_ms: int) -> None:
    """Something is about to be put in."""
    if not state.cart:
        state.cart_since_ms = now_ms
    state.cart_ms = max(state.cart_ms, now_ms)


def _price(event: Event, item_id: str, knowledge: Knowledge) -> float | None:
    if len(event.item_ids) == 1 and event.price is not None:
        return event.price
    item = knowledge.item_at(item_id, event.event_time_ms)
    return item.price if item is not None else None


# --- two people's -------------------------------------------------------------------------------


def merge_carts(one: PersonState, other: PersonState, name: str) -> object:
    """The lines that were put in after the last purchase of either, of an item that both have the one put in last; the newest last."""
    lines: dict[str, CartLine] = {}
    bought_ms = max(one.last_purchase_ms or 0, other.last_purchase_ms or 0)
    for item_id, line in (*one.cart.items(), *other.cart.items()):
        # what is bought at the same moment is bought behind it
        if line.put_ms > bought_ms:
            lines[item_id] = _later(line, lines.get(item_id, line))
    names = sorted(lines, key=lambda item_id: (lines[item_id].put_ms, item_id))
    return {item_id: lines[item_id] for item_id in names[-PERSON_CART_MAX:]}


def merge_since(one: PersonState, other: PersonState, name: str) -> object:
    """When the oldest of the lines was put in."""
    lines = cast("dict[str, CartLine]", merge_carts(one, other, "cart"))
    return min((line.put_ms for line in lines.values()), default=0)


def split_carts(apart: Apart, name: str) -> object:
    """What lay in it before and was not taken out or bought since, and what was put in since; the newest line last."""
    now, joined, own = apart.now, apart.joined, apart.own
    lines = names_apart(now.cart, joined.cart, own.cart, _less)
    has_bought = now.last_purchase_ms != joined.last_purchase_ms
    bought_ms = (now.last_purchase_ms if has_bought else own.last_purchase_ms) or 0
    names = [key for key in lines if key in now.cart or lines[key].put_ms > bought_ms]
    names.sort(key=lambda key: (lines[key].put_ms, key))
    return {key: lines[key] for key in names[-PERSON_CART_MAX:]}


def split_since(apart: Apart, name: str) -> object:
    """When it was first filled: what it was while something of before lies in it."""
    lines = cast("dict[str, CartLine]", split_carts(apart, "cart"))
    if apart.own.cart.keys() & lines.keys():
        return apart.own.cart_since_ms
    return min((line.put_ms for line in lines.values()), default=apart.own.cart_since_ms)


def _less(now: CartLine, was: CartLine | None, mine: CartLine | None) -> CartLine | None:
    left = now.quantity - (was.quantity if was else 0) + (mine.quantity if mine else 0)
    return CartLine(left, now.price, now.put_ms) if left > 0 else None


def _later(line: CartLine, other: CartLine) -> CartLine:
    """The line put in last, of one moment the larger at the higher price."""
    if line.put_ms != other.put_ms:
        return max(line, other, key=lambda one: one.put_ms)
    price = max((one.price for one in (line, other) if one.price is not None), default=None)
    return CartLine(max(line.quantity, other.quantity), price, line.put_ms)


# --- facts --------------------------------------------------------------------------------------


def cart_price_level(m: Moment) -> str | None:
    """The level of the cart's dearest item."""
    lines = [(line.price or 0.0, item_id) for item_id, line in m.context.cart.items()]
    touch = m.context.items.get(max(lines)[1]) if lines else None
    return LEVELS[touch.level] if touch is not None and touch.level else None


def cart_categories(m: Moment) -> list[str]:
    """The categories in the cart, that of the newest line first."""
    touched = (m.context.items.get(item_id) for item_id in reversed(m.context.cart))
    found = (one.category for one in touched if one is not None and one.category)
    return list(dict.fromkeys(found))


def person_cart(m: Moment) -> dict[str, CartLine]:
    """What lies in the person's cart, over all visits."""
    return cart_of(m.state, m.now_ms)


FACTS: Final = (
    session("cart_value", DOUBLE, "value of the cart, as far as prices are known", lambda m: float(value_of(m.context.cart)), "session_cart_value"),
    session("cart_items", STRINGS, "ids of the items in the cart", lambda m: newest(m.context.cart)),
    session("cart_size", INT, "pieces in the cart", lambda m: pieces_in(m.context.cart)),
    session("cart_item", STRING, "id of the item put into the cart last", lambda m: newest_one(m.context.cart)),
    session("cart_item_name", STRING, "its name", lambda m: name_of(m, newest_one(m.context.cart))),
    session("cart_categories", STRINGS, "categories of the items in the cart", cart_categories),
    session("cart_price_level", STRING, "budget, middle or premium: the dearest item in the cart within its category", cart_price_level),
    session("cart_s", DOUBLE, "seconds since an empty cart was last filled", lambda m: seconds_since(m, m.context.cart_created_last_ms)),
    person("cart_items", STRINGS, "ids of the items in the person's cart, over all visits, the newest first", lambda m: newest(person_cart(m))),
    person("cart_size", INT, "pieces in it", lambda m: pieces_in(person_cart(m))),
    person("cart_value", DOUBLE, "its value, as far as prices are known", lambda m: float(value_of(person_cart(m)))),
    person("cart_item", STRING, "id of the item put into it last", lambda m: newest_one(person_cart(m))),
    person("cart_item_name", STRING, "its name", lambda m: name_of(m, newest_one(person_cart(m)))),
    person("cart_days", DOUBLE, "days since it was filled, missing where it is empty", lambda m: days_since(m, m.state.cart_since_ms) if person_cart(m) else None),
    item(
        "is_in_cart", BOOL, "whether it is in the cart", lambda m, one: one.item_id in m.context.cart,
        feature="in_cart", column=lambda v: np.array([item_id in v.context.cart for item_id in v.ids], dtype=np.float64),
    ),
)  # fmt: skip

ROOM: Final = Room(
    "cart", FACTS, on_event=on_event, events=EVENTS, on_person_event=on_person_event, person_events=EVENTS,
    visit=(
        "cart", "cart_created", "cart_emptied", "cart_open", "cart_created_first_ms", "cart_created_last_ms",
    ),
    person={
        "cart": Kept(merge_carts, split=split_carts), "cart_since_ms": Kept(merge_since, split=split_since),
        "cart_ms": Kept(larger),
    },
)  # fmt: skip
