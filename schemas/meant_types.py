"""Which type of event was meant by one that is none: a name of another system's, or one that was mistyped. Pure."""

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

LIKENESS: Final = 0.75
"""From here on a name is taken for another that was mistyped."""
LENGTH_MAX: Final = 60
HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
MEANT_TYPES: Final = {
    "view_item": "product_viewed", "product_view": "product_viewed", "view_content": "product_viewed",
    "add_to_cart": "product_added_to_cart", "product_added": "product_added_to_cart",
    "remove_from_cart": "product_removed_from_cart", "product_removed": "product_removed_from_cart",
    "view_cart": "cart_viewed", "begin_checkout": "checkout_started", "initiate_checkout": "checkout_started",
    "purchase": "purchase_completed", "order_completed": "purchase_completed", "order": "purchase_completed",
    "refund": "purchase_refunded", "order_refunded": "purchase_refunded",
    "search": "search_performed", "products_searched": "search_performed", "click": "element_clicked",
    "scroll": "page_scrolled", "page": "page_viewed", "screen": "page_viewed", "screen_view": "page_viewed",
    "login": "identified", "identify": "identified", "sign_in": "identified", "logout": "signed_out",
    "impression": "decision_exposed", "dismiss": "decision_dismissed",
}  # fmt: skip
"""Names that analytics, shops and tag managers use, in the form that `meant_type` gives them."""


@lru_cache(maxsize=1_024)
def meant_type(written: str, known: frozenset[str]) -> str | None:
    """The type among the `known` ones that was probably meant; None where nothing is near."""
    plain = HUMP.sub("_", written[:LENGTH_MAX]).strip("_").lower()
    if plain in known:
        return plain
    if plain in MEANT_TYPES:
        return MEANT_TYPES[plain]
    close = get_close_matches(plain, sorted(known | MEANT_TYPES.keys()), 1, LIKENESS)
    return MEANT_TYPES.get(close[0], close[0]) if close else None
