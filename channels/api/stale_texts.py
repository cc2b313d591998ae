"""What an earlier decision tells of items, looked at again with the catalogue of now."""

from collections.abc import Callable

from msgspec.structs import replace

from schemas.decisions import Decision
from schemas.items import Item
from schemas.rests_on import holds

Find = Callable[[str], Item | None]


def is_stale(decision: Decision, item: Find) -> bool:
    """Whether a text of the action tells of an item what is not so any more."""
    told = (one for one in decision.rests_on if not one.is_reason)
    return any(not holds(one, item(one.item_id)) for one in told)


def without_stale_reasons(decision: Decision, item: Find) -> Decision:
    """Without the reasons that tell of their item what is not so any more; the item itself stays."""
    told = (one for one in decision.rests_on if one.is_reason)
    stale = {one.item_id for one in told if not holds(one, item(one.item_id))}
    if not stale:
        return decision
    items = tuple(
        replace(one, reason="") if one.item_id in stale else one for one in decision.items
    )
    gone = {one.reason for one in decision.items if one.item_id in stale}
    explanation = "" if decision.explanation in gone else decision.explanation
    return replace(decision, items=items, explanation=explanation)
