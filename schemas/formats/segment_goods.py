"""What a `track` call of Segment's is about: products, amounts, and details worth keeping."""

from typing import Any, Final

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
from schemas.formats.segment_names import CLICKED
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
OWN: Final = ("attribute", "value", "decision_id", "request_id")
"""Fields of ours, which calls under our own names may have."""
READ: Final = frozenset(
    {
        *ITEM_IDS, *PAID, *RENAMED, *OWN, "products", "category", "price", "quantity", "currency", "query", "step",
        "filters", "sorts", "list_id", "promotion_id", "placements", "path", "referrer", "search", "session_id", "sessionId",
    }
)  # fmt: skip
Fields = dict[str, Any]


def goods_of(name: str, event_type: str, given: Given) -> Fields:
    """Fields of the event that the properties of a call say; `name` in its plain form."""
    products = parts(given, "products", AT)
    if not products and any(given.get(one) is not None for one in ITEM_IDS):
        products = [given]
    is_within = bool(products) and products[0] is not given
    ids = _item_ids(products, is_within)
    if event_type in NEED_ITEMS and not ids:
        raise InvalidEvent("invalid_value", f"{AT}product_id: missing, and so is sku")
    only = products[0] if len(products) == 1 else {}
    at = f"{AT}products[0]." if is_within else AT
    is_bought = event_type in ("purchase_completed", "purchase_refunded")
    fields: Fields = {
        "item_ids": ids,
        "category": _category(products, is_within) or text(given, "category", AT),
        "price": number(only, "price", at),
        "quantity": _pieces(products) if is_bought else whole(only, "quantity", at),
        "currency": text(given, "currency", AT) or text(only, "currency", at),
        "value_amount": first_number(given, PAID, AT) if is_bought else None,
        "properties": _properties(name, given),
    }
    return fields | _said(name, event_type, given)


def _item_ids(products: list[Given], is_within: bool) -> list[str]:
    found = []
    for at, one in enumerate(products):
        path = f"{AT}products[{at}]." if is_within else AT
        item_id = id_of(one, "product_id", path) or id_of(one, "sku", path)
        if item_id is not None:
            found.append(item_id)
    return found


def _category(products: list[Given], is_within: bool) -> str | None:
    """That of all products, where they have the same."""
    if not is_within:
        return None
    found = {text(one, "category", f"{AT}products[].") for one in products}
    return found.pop() if len(found) == 1 else None


def _pieces(products: list[Given]) -> int | None:
    """How many pieces in all, where each product says it."""
    counts = [whole(one, "quantity", f"{AT}products[{at}].") for at, one in enumerate(products)]
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
    if name != event_type:
        return {}
    own: Fields = {one: text(given, one, AT) for one in OWN}
    return own | {"query": text(given, "query", AT)}


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


def _properties(name: str, given: Given) -> dict[str, str]:
    found = {
        ours: said
        for theirs, ours in RENAMED.items()
        if theirs in given and (said := text(given, theirs, AT)) is not None
    }
    return carried(given, READ, found)
