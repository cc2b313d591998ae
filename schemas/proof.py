"""What an event counts for that came with a browser's public key (`Event.is_unproven`), by type: the one place that says so.

Anybody can read the key in a page, so such an event may be made up. It is folded into the state of the person who sent it,
as far as it can only change what that person is offered; what others are offered learns of it what a page can know, and
never money. The door may vouch for a response whose decision it handed out itself (channels/api/vouch.py): it is proven then.
"""

from typing import Final, Literal

from schemas.events import Event, EventType

Weight = Literal["full", "own", "vouched", "nothing"]
"""`full`: as if proven, within the bounds on touches (schemas/limits.py). `own`: it changes its person's own state, without
its amounts, and no statistics, budget or revenue. `vouched`: likewise, unless the door knows the decision. `nothing`: what
it tells is left out, the event itself is not."""

UNPROVEN: Final[dict[EventType, Weight]] = {
    "page_viewed": "full",
    "product_viewed": "full",
    "element_clicked": "full",
    "page_scrolled": "full",
    "video_played": "full",
    "search_performed": "full",
    "filter_applied": "full",
    "product_added_to_cart": "full",
    "product_removed_from_cart": "full",
    "cart_viewed": "full",
    "checkout_started": "full",
    "purchase_completed": "own",
    "purchase_refunded": "own",
    "content_read": "full",
    "item_skipped": "full",
    "review_read": "full",
    "item_rated": "full",
    "feedback_given": "full",
    "help_viewed": "full",
    "support_message": "full",
    "calculator_used": "full",
    "feature_opened": "full",
    "feature_activated": "full",
    "ranking_requested": "full",
    "ranking_clicked": "full",
    "decision_exposed": "vouched",
    "decision_clicked": "vouched",
    "decision_dismissed": "vouched",
    "not_interested": "full",
    "identified": "full",
    "signed_out": "full",
    "profile_updated": "nothing",
    "consent_changed": "full",
    "preference_stated": "full",
    "erasure_requested": "full",
    "session_ended": "full",
    "clock_ticked": "full",
}
"""`identified` is `full` because the door asks for the person's signed token; `clock_ticked` passes no door."""

OWN_NAME: Final = "own"
"""Of what has no role: it is activity, and a fact of its person's own where a policy declares one."""


def weight_of(event: Event) -> Weight:
    """What the event counts for."""
    return UNPROVEN.get(event.event_type, OWN_NAME) if event.is_unproven else "full"  # type: ignore[call-overload]  # any name


def is_for_all(event: Event) -> bool:
    """Whether statistics, budgets and revenue may learn of the event."""
    return weight_of(event) == "full"
