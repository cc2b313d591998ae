"""The session's cart: what lies in it, how often it was filled and emptied."""

from math import isfinite
from typing import Final

from schemas.events import Event
from schemas.limits import SESSION_CART_MAX
from schemas.session import CartLine, SessionContext

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
    quantity = (event.quantity or 1) if len(event.item_ids) == 1 else 1
    for item_id in event.item_ids:
        touch = context.items.get(item_id)
        line = context.cart.pop(item_id, None) or CartLine(0, None)
        price = first_known(touch.price if touch else None, line.price)
        context.cart[item_id] = CartLine(line.quantity + quantity, price)
    while len(context.cart) > SESSION_CART_MAX:
        del context.cart[next(iter(context.cart))]


def _is_new_cart(context: SessionContext, event: Event) -> bool:
    """Whether the event fills an empty cart.

    Where the shop tells the cart's total and the value of what was added, a total that is no more
    than that says so, whatever we thought: shops lose carts. Else it is new if none is open.
    """
    added = _amount(event.properties.get("items_value"))
    if event.value_amount is None or added is None:
        return not context.cart_open
    return abs(event.value_amount - added) < HALF_A_CENT


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text) if text is not None else None
    except ValueError:
        return None
    return amount if amount is not None and isfinite(amount) else None


def _remove_lines(context: SessionContext, event: Event) -> None:
    for item_id in event.item_ids:
        line = context.cart.pop(item_id, None)
        left = line.quantity - (event.quantity or line.quantity) if line else 0
        if line is not None and left > 0:
            context.cart[item_id] = CartLine(left, line.price)
    if event.value_amount is not None:
        is_emptied = abs(event.value_amount) < HALF_A_CENT
    else:
        is_emptied = context.cart_open and not context.cart
    if is_emptied:
        context.cart = {}
        context.cart_open = False
        context.cart_emptied += 1


def cart_value(context: SessionContext) -> float:
    """What the cart is worth, as far as its prices are known."""
    return sum(line.quantity * (line.price or 0.0) for line in context.cart.values())


def first_known(*values: float | None) -> float | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)
