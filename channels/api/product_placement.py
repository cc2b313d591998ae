"""The placement that a list of products is for, where the caller names none. Pure."""

from channels.api.bodies import PRODUCTS
from schemas.policy import RECOMMEND_ITEMS, Placement, Policy


def product_placement(policy: Policy | None, event_type: str) -> str:
    """The placement that a list of products is for, where the caller names none.

    One with a slate of at least PRODUCTS that the event asks for by its type, else one with a slate.
    """
    slates = [one for one in policy.placements if has_slate(policy, one)] if policy else []
    of_size = [one for one in slates if one.size >= PRODUCTS]
    asked = [one for one in of_size if event_type in one.event_types]
    found = [*asked, *of_size, *slates]
    return found[0].name if found else "recommendations"


def has_slate(policy: Policy, placement: Placement) -> bool:
    """Whether items of our own may be shown there; a rerank of the caller's list is something else."""
    if placement.event_types == ("ranking_requested",):
        return False
    slates = {RECOMMEND_ITEMS} | {one.id for one in policy.actions if one.kind == "slate"}
    own = {one.id for one in policy.actions if placement.name in one.placements}
    return bool(slates & ({*placement.actions} | own))
