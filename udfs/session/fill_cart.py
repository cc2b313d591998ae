"""The session's cart: what lies in it, how often it was filled and emptied."""

from math import isfinite
from typing import Final

from schemas.events import Event
from schemas.limits import SESSION_CART_MAX
from schemas.state.session import CartLine, SessionContext

HALF_A_CENT: Final = 0.005


def fill_cart(context: SessionContext, event: Event) -> None:
    """Adds what the event puts in, takes out what it removes or buys; in place."""
    if event.event_type == "product_added_to_cart":
        _add_lines(context, event)
    elif event.event_type == "product_removed_from_cart":
        _remove_lines(context, event)
    elif event.event_type == "purchase_completed":
        context.cart = {}
        context.cart_open = False


def _add_lines(context: SessionContext, event: Event) -> None:
    if _is_new_cart(context, event):
        context.cart = {}
        context.cart_open = True
        context.cart_created += 1
        time_ms = event.event_time_ms
        context.cart_created_first_ms = min(context.cart_created_first_ms or time_ms, time_ms)
        context.cart_created_last_ms = max(context.cart_created_last_ms or time_ms, time_ms)
    for item_id in event.item_ids:
        touch = context.items.get(item_id)
        put_in(context.cart, item_id, pieces_of(event), touch.price if touch else None)
    drop_oldest(context.cart, SESSION_CART_MAX)


def _is_new_cart(context: SessionContext, event: Event) -> bool:
    """Whether the event fills an empty cart: as the shop says, else where none is open."""
    said = was_empty(event)
    return not context.cart_open if said is None else said


def was_empty(event: Event) -> bool | None:
    """Whether the shop says that what was added is all that lies in the cart; None = it does not say.

    Where it tells the cart's total and the value of what was added, a total that is no more than that says so,
    whatever we thought: shops lose carts.
    """
    added = _amount(event.properties.get("items_value"))
    if event.value_amount is None or added is None:
        return None
    return abs(event.value_amount - added) < HALF_A_CENT


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text) if text is not None else None
    except ValueError:
        return None
    return amount if amount is not None and isfinite(amount) else None


def _remove_lines(context: SessionContext, event: Event) -> None:
    take_out(context.cart, event)
    if is_emptied(event, is_empty=context.cart_open and not context.cart):
        context.cart = {}
        context.cart_open = False
        context.cart_emptied += 1


def pieces_of(event: Event) -> int:
    """How many pieces of each of its items an event puts in."""
    return (event.quantity or 1) if len(event.item_ids) == 1 else 1


def put_in(cart: dict[str, CartLine], item_id: str, pieces: int, price: float | None) -> None:
    """Adds pieces of an item, whose line is the newest then; `price` None = as it was."""
    line = cart.pop(item_id, None) or CartLine(0, None)
    cart[item_id] = CartLine(line.quantity + pieces, first_known(price, line.price))


def take_out(cart: dict[str, CartLine], event: Event) -> None:
    """Takes out what the event removes: so many pieces as it says, else all of them."""
    for item_id in event.item_ids:
        line = cart.pop(item_id, None)
        left = line.quantity - (event.quantity or line.quantity) if line else 0
        if line is not None and left > 0:
            cart[item_id] = CartLine(left, line.price)


def is_emptied(event: Event, *, is_empty: bool) -> bool:
    """Whether nothing is left: by the total that the event tells, else as far as we know."""
    return is_empty if event.value_amount is None else abs(event.value_amount) < HALF_A_CENT


def drop_oldest(cart: dict[str, CartLine], kept: int) -> None:
    """Keeps the newest lines."""
    while len(cart) > kept:
        del cart[next(iter(cart))]


def value_of(cart: dict[str, CartLine]) -> float:
    """What a cart is worth, as far as its prices are known."""
    return sum(line.quantity * (line.price or 0.0) for line in cart.values())


def cart_value(context: SessionContext) -> float:
    """What the session's cart is worth."""
    return value_of(context.cart)


def first_known(*values: float | None) -> float | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)
