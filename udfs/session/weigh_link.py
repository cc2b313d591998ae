"""What an `identified` links that is not certain, by the policy: before anything is folded, decided or learnt."""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.doors import confidence_of
from schemas.events import CONFIDENCE, IDENTIFIED, Event
from schemas.policy import Identity
from udfs.knowledge.knowledge import Knowledge

UNKNOWN = Identity()
"""Where no policy is in force only what is certain links."""


class Linked(NamedTuple):
    """The event as it is folded: one that does not sign in names nobody. `limits_of`: the person who it is perhaps, so that limits count; what to count."""

    event: Event
    limits_of: str | None = None
    counts: tuple[str, ...] = ()


def weigh_link(event: Event, knowledge: Knowledge) -> Linked:
    """The event by how sure it is who that is; the same object where there is no doubt."""
    if event.event_type != IDENTIFIED or CONFIDENCE not in event.properties:
        return Linked(event)
    confidence = confidence_of(event)
    in_force = knowledge.policy_at(event.event_time_ms)
    identity = in_force.policy.identity if in_force is not None else UNKNOWN
    if confidence >= 1.0 or (confidence >= identity.link_above and identity.allows == "all"):
        return Linked(event)
    nobody = replace(event, person_id=None)
    if confidence < identity.link_above:
        return Linked(nobody, counts=("links_too_weak",))
    return Linked(nobody, event.person_id)
