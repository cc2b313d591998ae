"""One example of each type of event, with what it says, and of an item: the pages of documentation and the API's document show them.

They are of the demo shop's visitor `mia`, in the order in which such things happen, but for what only other businesses have.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.events import EventType


class Example(NamedTuple):
    """What a type says, and the fields of one that says it, without id, time and whose it is."""

    says: str
    fields: Mapping[str, Any] = {}


REACTION: Final[Mapping[str, Any]] = {
    "decision_id": "b3a9a015b26979281ce089a83399f95a",
    "properties": {"action_id": "express_shipping", "placement": "offer_bar"},
}
EVENT_EXAMPLES: Final[dict[EventType, Example]] = {
    "page_viewed": Example("A page was opened.", {"page": "/shop/", "placements": ["home"]}),
    "product_viewed": Example("The page of an item was opened.", {"item_ids": ["SKU-402"], "page": "/shop/p/SKU-402"}),
    "element_clicked": Example(
        "Something on a page was clicked; `attribute` says what. Three quick clicks on one thing are a sign of struggle.",
        {"attribute": "size-chart", "page": "/shop/p/SKU-402"},
    ),
    "page_scrolled": Example("The page was scrolled; `value` says how far.", {"page": "/shop/p/SKU-402", "value": "75"}),
    "video_played": Example("A film was started.", {"item_ids": ["SKU-402"]}),
    "search_performed": Example("A search.", {"query": "running shoes"}),
    "filter_applied": Example("A filter was chosen: its name and its value.", {"attribute": "size", "value": "10"}),
    "product_added_to_cart": Example(
        "So many pieces were put into the cart, at this price each.",
        {"item_ids": ["SKU-402"], "quantity": 1, "price": 119.95, "currency": "EUR"},
    ),
    "product_removed_from_cart": Example("So many were taken out again.", {"item_ids": ["SKU-402"], "quantity": 1}),
    "cart_viewed": Example("The cart was opened.", {"page": "/shop/cart"}),
    "checkout_started": Example("The person is about to pay.", {"page": "/shop/checkout"}),
    "purchase_completed": Example(
        "Items were bought. `value_amount` is what was paid in all.",
        {"item_ids": ["SKU-402"], "quantity": 1, "price": 119.95, "value_amount": 123.9, "currency": "EUR"},
    ),
    "purchase_refunded": Example(
        "Money was given back: `value_amount`.", {"item_ids": ["SKU-402"], "value_amount": 123.9, "currency": "EUR"}
    ),
    "content_read": Example("An article was read.", {"item_ids": ["ART-201"], "page": "/shop/a/ART-201"}),
    "item_skipped": Example("An item was passed over or turned away.", {"item_ids": ["SKU-402"]}),
    "review_read": Example("A review was read. Topics that its text names count.", {"item_ids": ["SKU-402"], "value": "Good arch support"}),
    "feedback_given": Example(
        "Somebody said how they liked it, from -1 (not at all) to 1, on the whole or of the decision that is named.",
        {"value_amount": 0.5, "decision_id": "0123456789abcdef0123456789abcdef"},
    ),
    "item_rated": Example("An item was rated.", {"item_ids": ["SKU-402"], "value": "4"}),
    "help_viewed": Example(
        "A help page was opened. The time on it lasts until the next event.", {"page": "/help/shipping", "value": "Shipping and returns"}
    ),
    "support_message": Example("A message to support.", {"value": "Where is my parcel?"}),
    "calculator_used": Example("A calculator was used: what was entered.", {"attribute": "amount", "value": "280000"}),
    "feature_opened": Example("A feature of a product was opened.", {"attribute": "forecasting"}),
    "feature_activated": Example("It was switched on.", {"attribute": "forecasting"}),
    "ranking_requested": Example(
        "A list of the caller's is to be put into a better order.",
        {"placements": ["rerank"], "candidates": [{"item_id": "SKU-402", "position": 0}, {"item_id": "SKU-403", "position": 1}]},
    ),
    "ranking_clicked": Example("An item of such a list was clicked.", {"item_ids": ["SKU-403"], "request_id": "r1"}),
    "decision_exposed": Example(
        "A decision was shown. `decision_id` is as the answer gave it; `properties` say which action and where. It is what a budget pays for.", REACTION
    ),
    "decision_clicked": Example("It was clicked.", REACTION),
    "decision_dismissed": Example("It was closed.", REACTION),
    "not_interested": Example("The person does not want to see an item: it is not offered for 90 days.", {"item_ids": ["SKU-402"]}),
    "identified": Example("The person signed in: what the browser did is theirs from now on. A property `confidence` below 1: perhaps; the policy's `identity` says what that links.", {"person_id": "mia@shop"}),
    "signed_out": Example("The person signed out. With the property `unmerge` = `true` they were somebody else: what the browser did before is not theirs (docs/consent.md)."),
    "profile_updated": Example("A fact of the person: its name and its value.", {"person_id": "mia@shop", "attribute": "loyalty_tier", "value": "gold"}),
    "consent_changed": Example("What the person agrees to from now on; an empty list: to nothing.", {"consent": ["personalisation", "analytics"]}),
    "preference_stated": Example("What the person prefers. A `category`, `topic`, `brand`, `price_level` or `size` is heeded in ranking; `-` is less of it.", {"attribute": "category", "value": "Sports/Running, -Kitchen"}),
    "erasure_requested": Example("The person wants to be forgotten: all that is kept of them goes.", {"person_id": "mia@shop"}),
    "session_ended": Example("The visit is over, before 30 minutes of silence say so."),
}  # fmt: skip
"""By type; `clock_ticked` is the engine's own."""
ITEM_EXAMPLE: Final[Mapping[str, Any]] = {
    "item_id": "SKU-402", "name": "Loppentarn Brook cushioned running shoe", "category": "Sports/Running/Shoes",
    "brand": "Loppentarn", "price": 119.95, "currency": "EUR", "stock": 59, "tags": ["running", "cushioned"],
    "attributes": {"colour": "white", "sizes": "7 8 9 10 11 12"}, "text": "A thick, springy midsole takes the shock out of long runs.",
    "image": "https://shop.example/SKU-402.jpg",
}  # fmt: skip


def example_of(event_type: EventType) -> dict[str, Any]:
    """The whole event of a type, as a line of a file or a body of the API has it."""
    return {
        "event_id": f"mia-{event_type}", "event_type": event_type, "event_time_ms": 1_763_700_000_000,
        "session_id": "mia-1", "anonymous_id": "mia", **EVENT_EXAMPLES[event_type].fields,
    }  # fmt: skip
