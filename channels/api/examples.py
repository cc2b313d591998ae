"""The examples of the API's document: they run on the demo shop as they stand, in this order, and fit each other."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.event_examples import EVENT_EXAMPLES

SESSION: Final = "docs-1"
PERSON: Final = "docs"
ITEM: Final = "SKU-402"
CATEGORY: Final = "Sports/Running/Shoes"
PLACEMENT: Final = "list"
DECISION: Final = "9c57f13284427ebbcc29477811027930"
"""Of what DECIDED asks for: an id is made of person, session, event and placement."""
WHOSE: Final = {"session_id": SESSION, "anonymous_id": PERSON}
VIEWED: Final = {"event_id": "docs-e1", "event_type": "product_viewed", "item_ids": [ITEM], "page": f"/shop/p/{ITEM}"}  # fmt: skip

RECOMMENDED: Final = {
    "session_id": "docs-2", "anonymous_id": PERSON, "current_page": f"/shop/p/{ITEM}", "placement": PLACEMENT,
    "events_in_session": [{"event_type": "product_viewed", "item_ids": [ITEM]}],
}  # fmt: skip
DECIDED: Final[dict[str, Any]] = WHOSE | {"placements": [PLACEMENT], "events": [VIEWED]}
RERANKED: Final = {
    "session_id": "docs-3", "anonymous_id": PERSON, "placements": ["rerank"],
    "candidates": [{"item_id": "SKU-402"}, {"item_id": "SKU-403"}, {"item_id": "SKU-404"}],
}  # fmt: skip
REACTED: Final = WHOSE | {"placement": PLACEMENT, "action_id": "recommend_items"}
DECISIONS: Final = {"a list on the event": DECIDED, "your own list in a better order": RERANKED}


def _event(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(fields)
    if "decision_id" in own:
        own["decision_id"] = DECISION
    return {**WHOSE, "event_type": name, **own}


SEVERAL: Final = {
    "events": [
        _event("page_viewed", {"page": "/shop/"}),
        _event("search_performed", EVENT_EXAMPLES["search_performed"].fields),
    ]
}
EVENTS: Final[dict[str, dict[str, Any]]] = {
    "several at once": SEVERAL,
    **{name: _event(name, one.fields) for name, one in EVENT_EXAMPLES.items()},
}
"""One of each type, as `POST /v1/events` takes it."""
