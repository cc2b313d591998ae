"""What a session is up to, and how much it struggles: rules that say which values led to it."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

from schemas.limits import MINUTE_MS, SECOND_MS
from schemas.state.session import SessionContext

BROWSING: Final = "browsing"
COMPARING: Final = "comparing"
BUYING: Final = "buying"
LEAVING: Final = "leaving"
SEEKING_HELP: Final = "seeking_help"
INTENTS: Final = (BROWSING, COMPARING, BUYING, LEAVING, SEEKING_HELP)

# --- intent -----------------------------------------------------------------------------------
FRESH_MS: Final = 5 * MINUTE_MS
"""So long a sign speaks for what the person is up to: a text, a step towards buying, the way out."""
AWAY_MS: Final = 5 * MINUTE_MS
"""Silence before this event that says: was about to go; a step towards buying says: is back."""
AWAY_EVENTS_MIN: Final = 3
"""Somebody who has hardly come cannot leave."""
LOOKED_AT: Final = 6
"""Of so many items touched last ..."""
COMPARED_MIN: Final = 3
"""... so many in one category are a comparison; and two of them, if they were looked at again."""
RETURNS_MIN: Final = 2
STRUGGLE_FOR_HELP: Final = 0.6
"""Who struggles so much needs help, whatever else it looks like."""
STEPS_TO_BUY: Final = ("product_added_to_cart", "cart_viewed", "checkout_started")

# --- struggle ---------------------------------------------------------------------------------
PACE_MS: Final = 2 * MINUTE_MS
"""Going back counts within so long: it is the pace that tells."""
SIGNS_MS: Final = 10 * MINUTE_MS
"""Repeated searches, rage clicks and help pages count for so long after they happened."""
BACKS: Final = (1.0, 4.0)
"""One going back in two minutes is nothing, four are all there is to say; between them in proportion."""
REPEATS: Final = (0.0, 3.0)
"""Times that a search repeated the one before."""
RAGES: Final = (0.0, 2.0)
"""Series of three clicks on one thing within two seconds."""
HELP_S: Final = (20.0, 120.0)
"""Seconds on help pages in this session."""
SIGN_MAX: Final = 0.6
"""One kind of sign alone makes no more of a struggle than this: there is another explanation for each."""


class Sensed(NamedTuple):
    """An intent, and the values that led to it."""

    intent: str
    values: Mapping[str, str]


class Struggle(NamedTuple):
    """From 0 (none) to 1, and the values that led to it."""

    level: float
    values: Mapping[str, float]


def sense_intent(context: SessionContext, now_ms: int) -> Sensed:
    """The intent as of `now_ms`: the first of these that holds; `context` includes the event of that time.

    seeking_help: on a help page, a text that asks for help, a support message, or a struggle of STRUGGLE_FOR_HELP.
    leaving: the session's end, a way out, the cart's emptying, or a long silence just before.
    buying: a step towards it with something in the cart, or a text that says so.
    comparing: several items of one category, or again and again, or a text that says so.
    """
    for intent, rule in _RULES:
        values = rule(context, now_ms)
        if values:
            return Sensed(intent, values)
    return Sensed(BROWSING, {"events": str(context.event_count)})


def sense_struggle(context: SessionContext, now_ms: int) -> Struggle:
    """How much the session struggles: 1 - the product of (1 - each kind of sign), so that kinds add up."""
    values = {
        "back_navigations": float(_since(context.back_ms, now_ms - PACE_MS)),
        "repeated_searches": float(_since(context.repeat_ms, now_ms - SIGNS_MS)),
        "rage_clicks": float(_since(context.rage_ms, now_ms - SIGNS_MS)),
        "help_s": _recent_help_s(context, now_ms),
    }
    calm = 1.0
    for value, (low, high) in zip(values.values(), (BACKS, REPEATS, RAGES, HELP_S), strict=True):
        calm *= 1.0 - SIGN_MAX * min(1.0, max(0.0, (value - low) / (high - low)))
    return Struggle(1.0 - calm, values)


def help_s(context: SessionContext, now_ms: int) -> float:
    """Seconds on help pages so far, with the one that is open."""
    since_ms = context.help_since_ms
    open_ms = 0 if since_ms is None else max(0, now_ms - since_ms)
    return (context.help_ms + open_ms) / SECOND_MS


def _recent_help_s(context: SessionContext, now_ms: int) -> float:
    read = context.tallies.get("help_viewed")
    is_recent = read is not None and now_ms - read.last_ms <= SIGNS_MS
    return help_s(context, now_ms) if is_recent else 0.0


def _since(times: list[int], from_ms: int) -> int:
    return sum(ms > from_ms for ms in times)


def _needs_help(context: SessionContext, now_ms: int) -> dict[str, str]:
    if context.help_since_ms is not None:
        return {"help_s": f"{help_s(context, now_ms):.0f}"}
    if context.kind == "support_message":
        return {"event": context.kind}
    if _says(context, "needs_help", now_ms):
        return {"text_intent": context.text_intent}
    struggle = sense_struggle(context, now_ms).level
    return {"struggle": f"{struggle:.2f}"} if struggle >= STRUGGLE_FOR_HELP else {}


def _leaves(context: SessionContext, now_ms: int) -> dict[str, str]:
    if context.kind == "session_ended":
        return {"event": context.kind}
    if context.exit_ms and now_ms - context.exit_ms <= FRESH_MS:
        return {"exit_s": _seconds(now_ms - context.exit_ms)}
    if context.kind == "product_removed_from_cart" and not context.cart:
        return {"event": context.kind, "cart_items": "0"}
    is_back = context.kind in STEPS_TO_BUY
    if context.pause_ms >= AWAY_MS and context.event_count >= AWAY_EVENTS_MIN and not is_back:
        return {"pause_s": _seconds(context.pause_ms)}
    return {}


def _buys(context: SessionContext, now_ms: int) -> dict[str, str]:
    steps = [context.tallies.get(name) for name in STEPS_TO_BUY]
    last_ms = max((one.last_ms for one in steps if one is not None), default=None)
    if context.cart and last_ms is not None and now_ms - last_ms <= FRESH_MS:
        return {"cart_items": str(len(context.cart)), "step_s": _seconds(now_ms - last_ms)}
    is_said = _says(context, "ready_to_buy", now_ms)
    return {"text_intent": context.text_intent} if is_said else {}


def _compares(context: SessionContext, now_ms: int) -> dict[str, str]:
    if _says(context, "feature_comparing", now_ms):
        return {"text_intent": context.text_intent}
    last = [one for one in islice(reversed(context.items.values()), LOOKED_AT) if one.category]
    if not last:
        return {}
    category, count = Counter(one.category for one in last).most_common(1)[0]
    again = sum(one.views + one.clicks > 1 for one in last if one.category == category)
    if count >= COMPARED_MIN or again >= RETURNS_MIN:
        return {"category": str(category), "items": str(count), "again": str(again)}
    return {}


_RULES: Final = (
    (SEEKING_HELP, _needs_help),
    (LEAVING, _leaves),
    (BUYING, _buys),
    (COMPARING, _compares),
)


def _says(context: SessionContext, intent: str, now_ms: int) -> bool:
    return context.text_intent == intent and now_ms - context.text_ms <= FRESH_MS


def _seconds(length_ms: int) -> str:
    return f"{max(0, length_ms) / SECOND_MS:.0f}"
