"""What a `track` call of Segment's is about: products, amounts, and details worth keeping."""

from typing import Any, Final, NamedTuple

from schemas.errors import InvalidEvent
from schemas.formats.field_names import NEED_ITEMS
from schemas.formats.foreign_json import (
    Given,
    carried,
    first_number,
    first_of,
    id_of,
    number,
    parts,
    text,
    whole,
)
from schemas.formats.segment_names import CLICKED, OURS
from schemas.limits import QUANTITY_MAX

AT: Final = "properties."
UNNAMED: Final = "unnamed"
ITEM_IDS: Final = ("product_id", "sku")
PAID: Final = ("total", "revenue", "value")
"""What was paid, or given back, in all: the first that is there."""
RENAMED: Final = {
    "order_id": "transaction_id", "payment_method": "payment_method", "shipping": "shipping", "tax": "tax",
    "discount": "discount_amount", "coupon": "discount_code", "cart_id": "cart_id", "shipping_method": "delivery_method",
}  # fmt: skip
"""Their property, ours: the names that Snowplow's have here."""
VALUES: Final = {
    "list": ("list_id", "category"),
    "promotion": ("promotion_id", "name"),
    "coupon": ("coupon_id", "coupon_name"),
    "wishlist": ("wishlist_id", "wishlist_name"),
    "share": ("share_via",),
}
OWN: Final = ("attribute", "value", "query")
"""Fields of ours, which calls under our own names may have."""
READ: Final = frozenset(
    {
        *ITEM_IDS, *PAID, *RENAMED, *OWN, "decision_id", "request_id", "products", "category", "price", "quantity", "currency", "step",
        "filters", "sorts", "list_id", "promotion_id", "placements", "path", "referrer", "search", "session_id", "sessionId",
    }
)  # fmt: skip
Fields = dict[str, Any]


class Product(NamedTuple):
    """What is said of one product, and the path at which it stands."""

    fields: Given
    at: str


NO_PRODUCT: Final = Product({}, AT)


def goods_of(name: str, event_type: str, given: Given) -> Fields:
    """Fields of the event that the properties of a call say; `name` in its plain form."""
    products = _products(given)
    ids = [one for product in products if (one := _item_id(product)) is not None]
    if event_type in NEED_ITEMS and not ids:
        raise InvalidEvent("invalid_value", f"{AT}product_id: missing, and so is sku")
    only, at = products[0] if len(products) == 1 else NO_PRODUCT
    is_bought = event_type in ("purchase_completed", "purchase_refunded")
    categories = {text(one, "category", path) for one, path in products}
    fields: Fields = {
        "item_ids": ids,
        "category": (categories.pop() if len(categories) == 1 else None)
        or text(given, "category", AT),
        "price": number(only, "price", at),
        "quantity": _pieces(products) if is_bought else whole(only, "quantity", at),
        "currency": text(given, "currency", AT) or text(only, "currency", at),
        "value_amount": first_number(given, PAID, AT) if is_bought else None,
        "decision_id": id_of(given, "decision_id", AT),
        "request_id": id_of(given, "request_id", AT),
        "properties": _properties(given),
    }
    return fields | _said(name, event_type, given)


def _products(given: Given) -> list[Product]:
    """The products with their paths: those of a list, else the properties themselves where they name one."""
    listed = parts(given, "products", AT)
    if listed:
        return [Product(one, f"{AT}products[{at}].") for at, one in enumerate(listed)]
    return [Product(given, AT)] if any(given.get(one) is not None for one in ITEM_IDS) else []


def _item_id(product: Product) -> str | None:
    fields, at = product
    return id_of(fields, "product_id", at) or id_of(fields, "sku", at)


def _pieces(products: list[Product]) -> int | None:
    """How many pieces in all, where each product says it."""
    counts = [whole(one, "quantity", at) for one, at in products]
    known = [one for one in counts if one is not None]
    return min(sum(known), QUANTITY_MAX) if known and len(known) == len(counts) else None


def _said(name: str, event_type: str, given: Given) -> Fields:
    """What was searched for, filtered, seen or clicked."""
    if event_type == "search_performed":
        return {"query": text(given, "query", AT)}
    if name == "product_list_filtered":
        return _filter(given)
    if event_type == "checkout_started":
        step = text(given, "step", AT) or ("payment" if name == "payment_info_entered" else None)
        return {"attribute": "checkout_step", "value": step} if step else {}
    if name == "product_reviewed":
        return {"value": text(given, "rating", AT)}
    if name in CLICKED:
        what = CLICKED[name]
        return {"attribute": what, "value": first_of(given, VALUES[what], AT) or UNNAMED}
    return {one: text(given, one, AT) for one in OWN} if name in OURS else {}


def _filter(given: Given) -> Fields:
    """The last of the filters that hold: a list of all of them is sent each time, the newest at its end; else how it is sorted."""
    for field in ("filters", "sorts"):
        chosen = parts(given, field, AT)
        if chosen:
            last, at = chosen[-1], f"{AT}{field}[{len(chosen) - 1}]."
            kind, value = text(last, "type", at), text(last, "value", at)
            return {"attribute": kind, "value": value} if field == "filters" else {
                "attribute": "sort", "value": " ".join(one for one in (kind, value) if one) or None
            }  # fmt: skip
    raise InvalidEvent("invalid_value", f"{AT}filters: none, and no sorts")


def _properties(given: Given) -> dict[str, str]:
    found = {
        ours: said
        for theirs, ours in RENAMED.items()
        if theirs in given and (said := text(given, theirs, AT)) is not None
    }
    return carried(given, READ, found)
