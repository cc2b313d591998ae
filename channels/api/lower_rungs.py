"""What the rungs below a fresh decision have: the last ones, and what trends."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from channels.api.event_of_request import Ask
from channels.api.services import Services
from channels.api.store_reader import Recent, StoreUnavailable
from channels.api.visitors import Visitor
from schemas.decisions import Decision


class LowerRungs(NamedTuple):
    """Decisions by placement, what trends, and why there is nothing recent."""

    recent: Mapping[str, Decision]
    why_not_recent: str
    category: str
    in_category: Sequence[str]
    everywhere: Sequence[str]


async def look_lower(services: Services, ask: Ask, timeout_s: float) -> LowerRungs:
    """The lower rungs, as far as they answer in time."""
    visitor = services.visitors.find(ask.session_id) if ask.session_id else None
    category = visitor.about if visitor else ""
    trends = asyncio.gather(
        _trends(services, category, timeout_s), _trends(services, "", timeout_s)
    )
    recent, why = await _recent(services, ask, timeout_s)
    in_category, everywhere = await trends
    if visitor is not None:
        recent, why = permitted(visitor, recent, why)
    return LowerRungs(recent, why, category, in_category if category else (), everywhere)


def permitted(
    visitor: Visitor, recent: Mapping[str, Decision], why: str
) -> tuple[Mapping[str, Decision], str]:
    """What of the last decisions the session has not taken back: the engine empties the store a moment later. And why there may be none."""
    if not visitor.may_be_personal:
        return {}, "The person did not consent to personal decisions."
    left = {name: one for name, one in recent.items() if one.event_time_ms >= visitor.withdrawn_ms}
    if len(left) < len(recent):
        why = "It was decided before the person took a consent back."
    return left, why


async def _recent(
    services: Services, ask: Ask, timeout_s: float
) -> tuple[Mapping[str, Decision], str]:
    """The last valid decisions by placement, and why there may be none."""
    now_ms = time.time_ns() // 1_000_000
    placements = [one.placement for one in ask.wanted]
    person = ask.person or (services.visitors.person_of(ask.session_id) if ask.session_id else None)
    # a new session of a known visitor: nothing has been decided in it yet
    visitor = ask.cause.anonymous_id if ask.cause else None
    try:
        found: Recent = await services.store.recent(
            ask.session_id, person, placements, now_ms, timeout_s, visitor
        )
    except StoreUnavailable:
        whose = person or visitor or ""
        own = ((name, services.decisions.newest(whose, name)) for name in placements)
        return {name: one for name, one in own if one is not None}, "The store does not answer."
    return found.decisions, ""


async def _trends(services: Services, category: str, timeout_s: float) -> Sequence[str]:
    try:
        return await services.store.trending(category, timeout_s)
    except StoreUnavailable:
        return ()
