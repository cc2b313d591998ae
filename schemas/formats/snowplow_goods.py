"""What a Snowplow e-commerce event is about: products, amounts, and details worth keeping."""

from typing import Final, NamedTuple

from schemas.errors import InvalidEvent
from schemas.formats.snowplow_row import (
    Entities,
    Entity,
    number_of,
    one_of,
    text_of,
    whole_of,
)
from schemas.limits import AMOUNT_MAX

CART_ACTIONS: Final = ("add_to_cart", "remove_from_cart")

PROPERTIES: Final = (
    ("cart", "cart_id", "cart_id"),
    ("transaction", "transaction_id", "transaction_id"),
    ("transaction", "payment_method", "payment_method"),
    ("transaction", "shipping", "shipping"),
    ("transaction", "tax", "tax"),
    ("transaction", "discount_amount", "discount_amount"),
    ("transaction", "discount_code", "discount_code"),
    ("refund", "transaction_id", "transaction_id"),
    ("refund", "refund_reason", "refund_reason"),
    ("checkout_step", "account_type", "account_type"),
    ("checkout_step", "delivery_method", "delivery_method"),
    ("checkout_step", "payment_method", "payment_method"),
    ("checkout_step", "coupon_code", "coupon_code"),
    ("page", "type", "page_type"),
    ("user", "is_guest", "is_guest"),
)
"""Entity, its field, our property. Addresses, e-mails and IP addresses are never taken over."""


class Product(NamedTuple):
    """One product entity of an event."""

    item_id: str
    name: str | None
    category: str | None
    brand: str | None
    price: float | None
    currency: str | None
    quantity: int | None


def products_of(entities: Entities) -> list[Product]:
    """The products of an event that have an id, in their order."""
    products = entities.get("product", [])
    return [_product(item_id, one) for one in products if (item_id := text_of(one.get("id")))]


def _product(item_id: str, entity: Entity) -> Product:
    return Product(
        item_id,
        text_of(entity.get("name")),
        text_of(entity.get("category")),
        text_of(entity.get("brand")),
        number_of(entity, "price"),
        text_of(entity.get("currency")),
        whole_of(entity, "quantity"),
    )


def goods_of(action: str | None, entities: Entities) -> dict[str, object]:
    """Items, amounts and properties; a price in another currency than the amount is left out."""
    products = products_of(entities)
    money, amount_name = _money(action, entities)
    currency = text_of(money.get("currency")) or _common([one.currency for one in products])
    priced = [one for one in products if one.currency in (None, currency)]
    only = products[0] if len(products) == 1 else None
    quantity = whole_of(money, "total_quantity") if action == "transaction" else None
    return {
        "item_ids": [one.item_id for one in products],
        "category": _common([one.category for one in products]),
        "price": only.price if only and priced else None,
        "quantity": only.quantity if quantity is None and only else quantity,
        "currency": currency,
        "value_amount": number_of(money, amount_name),
        "properties": _properties(action, entities, priced if priced == products else []),
    }


def _money(action: str | None, entities: Entities) -> tuple[Entity, str]:
    """The entity that says how much: of the order, the refund, or the cart after the event."""
    if action == "transaction":
        return one_of(entities, "transaction"), "revenue"
    if action == "refund":
        return one_of(entities, "refund"), "refund_amount"
    if action in CART_ACTIONS:
        return one_of(entities, "cart"), "total_value"
    return {}, ""


def _common(values: list[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _properties(action: str | None, entities: Entities, products: list[Product]) -> dict[str, str]:
    found = {
        name: text
        for entity, field, name in PROPERTIES
        if (text := text_of(one_of(entities, entity).get(field))) is not None
    }
    user_id = text_of(one_of(entities, "user").get("id"))
    if user_id is not None and "@" not in user_id:
        found["shop_user_id"] = user_id
    if action in CART_ACTIONS:
        found |= _items_value(products)
    return found


def _items_value(products: list[Product]) -> dict[str, str]:
    """Price times quantity (one if not given) of the event's products, if every price is known.

    Beside the cart's total it tells whether the cart holds more than what was just added.
    """
    prices = [one.price for one in products if one.price is not None]
    if not prices or len(prices) < len(products):
        return {}
    quantities = (1 if one.quantity is None else one.quantity for one in products)
    value = sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
    if not abs(value) <= AMOUNT_MAX:
        raise InvalidEvent("invalid_value", "the products are worth more than an amount can be")
    return {"items_value": str(round(value, 6))}
