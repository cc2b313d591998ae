"""Why an item is there: one sentence for the person."""

from schemas.state.session import SessionContext
from udfs.items.retrieve_candidates import Retrieved, category_in_mind
from udfs.language.sentences import say
from udfs.moment import Moment


def explain_items(candidates: list[Retrieved], moment: Moment, language: str = "en") -> list[str]:
    """One sentence per candidate in the person's language, saying no more than its source really knew."""
    context = moment.context
    category, viewed = category_in_mind(moment), _name_of_interest(moment)
    return [say(*_reason(one, context, category, viewed), language) for one in candidates]


def _reason(
    candidate: Retrieved, context: SessionContext, category: str | None, viewed: str | None
) -> tuple[str, str]:
    """The reason (a line of SENTENCES) and what it is about."""
    touch = context.items.get(candidate.item_id)
    if touch is not None and touch.carts:
        return "in_cart", ""
    if touch is not None or candidate.source in ("recently_viewed", "viewed_before"):
        return "viewed", ""
    own = candidate.item.category if candidate.item else None
    if category and own == category:
        leaf = category.rsplit("/", 1)[-1]
        return ("because_item", viewed) if viewed else ("because_category", leaf)
    return candidate.source, ""


def _name_of_interest(moment: Moment) -> str | None:
    """The name of the item that the category of interest is from."""
    touched = reversed(moment.context.items.items())
    item = moment.item(next((item_id for item_id, touch in touched if touch.category), None))
    return item.name if item is not None else None
