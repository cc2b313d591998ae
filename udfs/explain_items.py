"""Why an item is there: one sentence for the person."""

from typing import Final

from schemas.session import SessionContext
from udfs.knowledge import Knowledge
from udfs.retrieve_candidates import Retrieved, category_of_interest

SENTENCES: Final = {
    "caller": "From your list",
    "nearest_sessions": "People on a visit like yours looked at this",
    "viewed_next": "Often looked at next",
    "viewed_together": "Often looked at together",
    "bought_together": "Often bought together",
    "trending_category": "Popular with other people",
    "trending": "Popular with other people",
    "new": "New in our catalogue",
}
"""What a source alone knows of an item."""


def explain_items(
    candidates: list[Retrieved], context: SessionContext, knowledge: Knowledge, now_ms: int
) -> list[str]:
    """One sentence per candidate, saying no more than its source really knew."""
    category = category_of_interest(context)
    viewed = _name_of_interest(context, knowledge, now_ms)
    return [_sentence(candidate, context, category, viewed) for candidate in candidates]


def _sentence(
    candidate: Retrieved, context: SessionContext, category: str | None, viewed: str | None
) -> str:
    touch = context.items.get(candidate.item_id)
    if touch is not None and touch.carts:
        return "You had this in your cart"
    if touch is not None or candidate.source in ("recently_viewed", "viewed_before"):
        return "You looked at this recently"
    own = candidate.item.category if candidate.item else None
    if category and own == category:
        leaf = category.rsplit("/", 1)[-1]
        return f"Because you viewed {viewed}" if viewed else f"Because you looked at {leaf}"
    return SENTENCES.get(candidate.source, "From our catalogue")


def _name_of_interest(context: SessionContext, knowledge: Knowledge, now_ms: int) -> str | None:
    """The name of the item that the category of interest is from."""
    touched = reversed(context.items.items())
    last = next((item_id for item_id, touch in touched if touch.category), None)
    item = knowledge.item_at(last, now_ms) if last is not None else None
    return item.name if item is not None else None
