"""What a piece of news tells that may be an outcome. Pure; what counts of it is for the memory of its person to say."""

from typing import Final

from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import EXPOSURES_PER_EVENT_MAX, ID_LENGTH_MAX, SECOND_MS
from schemas.outcome_limits import SEGMENTS_MAX, SHOWN_MAX
from schemas.outcomes import CONVERSION, OutcomeKind
from schemas.proof import is_for_all
from schemas.state.outcomes import SESSION_SHOWN, Deed, SessionShown
from schemas.state.session import SessionNews, SessionSummary
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import named_action
from udfs.session.deduplicate import hash_of, hashes_in, seconds_in

RESPONSES: Final[dict[str, OutcomeKind]] = {
    "decision_exposed": "exposed",
    "decision_clicked": "clicked",
    "decision_dismissed": "dismissed",
}
OTHERS: Final[dict[str, OutcomeKind]] = {
    "product_added_to_cart": "carted",
    CONVERSION: "converted",
    "purchase_refunded": "refunded",
    "feedback_given": "felt",
}
BOUNCE_EVENTS: Final = 1
"""A visit of so many page or product views at most, without a click, is a bounce."""
VIEWS: Final = ("page_viewed", "product_viewed", "content_read")
ENGAGED: Final = (
    "element_clicked", "product_added_to_cart", "purchase_completed", "decision_clicked",
    "search_performed", "ranking_clicked",
)  # fmt: skip
"""Types of events after which a visit is no bounce."""


def deed_of(asked: bytes, news: SessionNews, knowledge: Knowledge) -> Deed | None:
    """What the news tells that may be an outcome; None where it is none, or nobody can prove it. `asked`: the decisions that the open session has asked for."""
    event = news.event
    if news.kind == "ended":
        return None if news.summary is None else _visit(news.summary)
    if event is None or news.kind != "event" or not is_for_all(event):
        return None
    kind = RESPONSES.get(event.event_type)
    if kind is not None:
        return _response(kind, event, news, asked)
    kind, name = OTHERS.get(event.event_type), event.event_type
    if kind in (None, "felt") or news.own_name:
        policy = knowledge.policy_at(event.event_time_ms)
        named = policy.policy.outcomes.conversions if policy is not None else ()
        found = next((one for one in (news.own_name, event.event_type) if one in named), None)
        kind, name = ("converted", found) if found is not None and kind != "converted" else (kind, name)  # fmt: skip
    return None if kind is None else _deed(kind, name, event, news)


def session_shown(shown: bytes, news: SessionNews, deed: Deed | None) -> bytes:
    """What the open session has seen and clicked of what it asked for itself by now (it was `shown` before); nothing once it has ended."""
    if news.kind == "ended":
        return b""
    if deed is None or not deed.decided_ms:
        return shown
    before = SESSION_SHOWN.decode(shown).deeds if shown else []
    return SESSION_SHOWN.encode(SessionShown([*before, deed][-SHOWN_MAX:]))


def deeds_in(shown: bytes) -> tuple[Deed, ...]:
    """The deeds that are kept."""
    return tuple(SESSION_SHOWN.decode(shown).deeds) if shown else ()


def _response(kind: OutcomeKind, event: Event, news: SessionNews, asked: bytes) -> Deed | None:
    """Of a response that names its decision and what was done by it; any other is history."""
    if event.decision_id is None or named_action(event) is None:
        return None
    decided_ms = asked_ms(asked, hash_of(event.decision_id))
    return replace(_deed(kind, event.event_type, event, news), decided_ms=decided_ms)


def asked_ms(asked: bytes, decision: bytes) -> int:
    """When a decision was asked for, by its hash, in whole seconds; 0 where that is not known."""
    for one, second in zip(hashes_in(asked), seconds_in(asked), strict=True):
        if one == decision:
            return second * SECOND_MS
    return 0


def _deed(kind: OutcomeKind, name: str, event: Event, news: SessionNews) -> Deed:
    said, placement = event.properties, event.properties.get("placement", "")
    is_response = kind in RESPONSES.values()
    return Deed(
        kind, event.session_id, event.event_id, name, event.event_time_ms, event.channel,
        event.decision_id or "",
        said.get("action_id", "")[:ID_LENGTH_MAX] if is_response else "",
        placement[:ID_LENGTH_MAX] if is_response else "",
        event.item_ids[:EXPOSURES_PER_EVENT_MAX],
        _value(kind, event), event.currency, segments_of(event, news),
    )  # fmt: skip


def _value(kind: OutcomeKind, event: Event) -> float:
    if kind == "carted":
        return (event.price or 0.0) * (1 if event.quantity is None else event.quantity)
    return event.value_amount or 0.0 if kind in ("converted", "refunded", "felt") else 0.0


def segments_of(event: Event, news: SessionNews) -> tuple[str, ...]:
    """By what the event itself tells: device, country, and whether somebody has signed in."""
    context = event.context
    device = context.device if context is not None else None
    country = context.country if context is not None else None
    found = (
        ("country", country),
        ("device", device),
        ("known", "member" if news.is_member else "visitor"),
    )
    return tuple(f"{name}:{value}"[:ID_LENGTH_MAX] for name, value in found if value)[:SEGMENTS_MAX]


def _visit(summary: SessionSummary) -> Deed:
    """A visit that has ended: how many pages, how long in milliseconds, how many events, 1 where it bounced."""
    tallies = summary.tallies
    pages = sum(tallies[one].count for one in VIEWS if one in tallies)
    is_bounce = pages <= BOUNCE_EVENTS and not any(one in tallies for one in ENGAGED)
    bought = tallies.get(CONVERSION)
    measures = {
        "pages": float(pages),
        "length_ms": float(summary.ended_ms - summary.started_ms),
        "events": float(summary.event_count),
        "bounced": float(is_bounce),
        "bought": float(bool(bought and bought.count)),
    }
    return Deed(
        "visited", summary.session_id, "", "", summary.ended_ms, measures=measures, number=summary.number
    )  # fmt: skip
