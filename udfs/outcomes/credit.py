"""What a cart or a conversion is credited to, and what is told of it: recomputed whenever something that bears on it comes, in whatever order."""

from collections.abc import Iterator

from msgspec.structs import replace

from schemas.outcome_limits import CLOCKS_MS, SHOWN_MAX
from schemas.policy import Attribution
from schemas.state.outcomes import Deed, Said, Shown, Sold, Touch
from udfs.outcomes.attribution import shares


def is_in_time(shown: Shown, deed: Deed | None) -> bool:
    """Whether a response came within the reward window; one before the exposure did, for clocks of channels differ."""
    if deed is None:
        return False
    seen_ms = shown.exposed.time_ms if shown.exposed is not None else shown.facts.decided_ms
    return deed.time_ms <= seen_ms + shown.window_ms


def touch_of(shown: Shown, sold: Sold) -> Touch | None:
    """When the decision was touched in a way that may have led to this; None where it was not."""
    clicked = shown.clicked if is_in_time(shown, shown.clicked) else None
    touched = clicked if sold.touch == "clicked" or shown.exposed is None else shown.exposed
    if touched is None:
        return None
    after_ms = sold.deed.time_ms - touched.time_ms
    if not -CLOCKS_MS <= after_ms <= shown.window_ms:
        return None
    if sold.kind == "carted" and not _holds(shown, sold.deed):
        return None
    return Touch(touched.time_ms, shown.facts)


def _holds(shown: Shown, deed: Deed) -> bool:
    """Whether the decision was about an item that was put into the cart."""
    seen = [one.item_ids for one in (shown.exposed, shown.clicked) if one is not None]
    return any(item_id in ids for ids in seen for item_id in deed.item_ids)


def find_touches(sold: Sold, shown: list[Shown]) -> None:
    """Renews, in place, what may have led to it; a decision that is remembered no more stays as it was."""
    known = {one.facts.decision_id for one in shown}
    kept = [one for one in sold.touches if one.facts.decision_id not in known]
    found = [touch for one in shown if (touch := touch_of(one, sold)) is not None]
    ordered = sorted([*kept, *found], key=lambda one: (one.time_ms, one.facts.decision_id))
    sold.touches = ordered[-SHOWN_MAX:]


def said_of_sold(sold: Sold) -> dict[str, Said]:
    """What is to be told of it, by cause and decision: the event with its shares, then what was given back with the same."""
    rule: Attribution = sold.attribution  # type: ignore[assignment]  # as it was kept
    found = shares(rule, [one.time_ms for one in sold.touches], sold.half_life_ms)
    credited = [
        (touch.facts, share) for touch, share in zip(sold.touches, found, strict=True) if share
    ] or [(sold.none, 1.0)]
    told = {}
    for deed, kind in ((sold.deed, sold.kind), *((one, "refunded") for one in given_back(sold))):
        for facts, share in credited:
            said = Said(deed, facts, kind, sold.attribution, share)
            told[f"{kind}/{deed.session_id}/{deed.event_id}/{facts.decision_id}"] = said
    return told


def given_back(sold: Sold) -> Iterator[Deed]:
    """The refunds with what each took back, in the order of time: together no more than was paid. One without an amount takes all that is left."""
    left = max(0.0, sold.deed.value)
    for one in sorted(sold.refunds, key=lambda one: (one.time_ms, one.event_id)):
        amount = min(one.value if one.value > 0 else left, left)
        left -= amount
        yield replace(one, value=amount, currency=sold.deed.currency)


def is_refund_of(refund: Deed, sold: Sold) -> bool:
    """Whether it may be a refund of this purchase: of one before it, of its currency where both say one, with one of its items where it names any."""
    bought = sold.deed
    is_same_money = None in (refund.currency, bought.currency) or refund.currency == bought.currency
    has_item = not refund.item_ids or any(one in bought.item_ids for one in refund.item_ids)
    is_before = bought.time_ms <= refund.time_ms + CLOCKS_MS
    return sold.kind == "converted" and is_before and is_same_money and has_item
