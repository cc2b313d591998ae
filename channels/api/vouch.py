"""What the door can say of a page's exposures, clicks and dismissals: it knows which decisions it could hand out. Pure.

A response is vouched for, so that it counts as if a server had sent it, where its decision was read from the log
lately (`DecisionStream.find_id`: the newest 10,000), was made in the event's own session, is for the action and placement
that the event names, holds those items and is valid at the event's time. It is then named by its decision: the engine
takes no name twice in a session, so each counts once. What is not vouched for stays unproven, which the log keeps: a replay
says the same.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from channels.api.read_events import hashed
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import ID_LENGTH_MAX
from schemas.proof import weight_of

EXPOSED: Final = "decision_exposed"


Find = Callable[[str], Decision | None]
"""A decision by its id."""


class ToBeLogged(NamedTuple):
    """Events as they go into the log. `is_page`: a page sent them, so they go at a page's pace."""

    events: list[Event]
    is_page: bool


def to_be_logged(events: Sequence[Event], find: Find) -> ToBeLogged:
    """The events, those that are vouched for proven."""
    is_page = any(one.is_unproven for one in events)
    return ToBeLogged([vouched(one, find) for one in events], is_page)


def vouched(event: Event, find: Find) -> Event:
    """The event, proven where it responds to a decision that `find` knows."""
    if weight_of(event) != "vouched" or event.decision_id is None or event.placements:
        return event
    decision = find(event.decision_id)
    if decision is None or not _is_of(event, decision):
        return event
    which = () if event.event_type == EXPOSED else event.item_ids
    name = "/".join((decision.decision_id, event.event_type.removeprefix("decision_"), *which))
    event_id = name if len(name) <= ID_LENGTH_MAX else hashed(name)
    return replace(event, is_unproven=False, event_id=event_id)


def _is_of(event: Event, decision: Decision) -> bool:
    said = event.properties.get("action_id"), event.properties.get("placement")
    shown = {one.item_id for one in decision.items}
    return (
        decision.kind == "decided"
        and decision.session_id == event.session_id
        and said == (decision.action_id, decision.placement)
        and len(set(event.item_ids)) == len(event.item_ids)
        and shown.issuperset(event.item_ids)
        and decision.event_time_ms <= event.event_time_ms < decision.valid_until_ms
    )
