"""Which decisions an event asks for: what the person step decides, and what the learn job knows was decided."""

from schemas.events import Event
from schemas.policy import Placement
from schemas.state.session import SessionNews
from udfs.draw import identify_decision
from udfs.policy.compiled_policy import CompiledPolicy


def asks_for(event: Event, placement: Placement, own_name: str = "") -> bool:
    """Whether the event asks for a decision of the placement, by its type, by what its sender called it, or by naming it."""
    asking = placement.event_types
    return event.event_type in asking or own_name in asking or placement.name in event.placements


def may_ask(news: SessionNews) -> bool:
    """Whether anything is decided on this news."""
    return (
        news.kind == "event"
        and news.event is not None
        and not news.is_late
        and not news.is_over_rate
        and bool(news.context)
    )


def asked_decisions(news: SessionNews, policy: CompiledPolicy | None) -> list[str]:
    """The ids of the decisions that this news asks for; some may not be made (a placement's own condition).

    Of every arm, because which one the person is in stands in their state only.
    """
    event = news.event
    if policy is None or event is None or not may_ask(news):
        return []
    asked = {
        one.placement.name: None
        for variant in (policy, *policy.variants.values())
        for one in variant.placements
        if asks_for(event, one.placement, news.own_name)
    }
    return [
        identify_decision(news.person, event.session_id, event.event_id, name) for name in asked
    ]
