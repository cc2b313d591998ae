"""An event with what its sender left out and the door can know. What it says itself stands, but for one thing: a bot is one."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from msgspec import ValidationError, convert, to_builtins
from msgspec.structs import replace

from schemas.enrich.origins import CAMPAIGN, campaign_in, place_of
from schemas.enrich.places import NOWHERE, Place, Places
from schemas.enrich.user_agents import BOT, NO_AGENT, Agent, agent_of
from schemas.events import TRUE, Context, Event
from schemas.limits import EVENT_TIME_MAX_MS, PROPERTIES_PER_EVENT_MAX
from schemas.times import utc_offset_min

INTERNAL: Final = "internal"
"""Property, `true` of what the operator's own people and machines do (KAIROS_INTERNAL_NETWORKS)."""
ADDRESSES: Final = ("http://", "https://")
LOOKED_UP: Final = frozenset({"user_agent", "ip"})
"""What a context in JSON may hold beside its fields: these are made of it, and it is not kept."""
NOT_SAID: Final = Context()


class Came(NamedTuple):
    """How a request reached the door: what its browser says, where its address is, and whether it is the operator's own."""

    agent: Agent = NO_AGENT
    place: Place = NOWHERE
    is_internal: bool = False


FROM_NOWHERE: Final = Came()


def enriched(event: Event, came: Came) -> Event:
    """The event with what is known of how it came; the same object where that is nothing new."""
    if came is FROM_NOWHERE:
        return event
    context = completed(event.context or NOT_SAID, came, event.event_time_ms)
    properties = event.properties
    if came.is_internal and _has_room(properties, INTERNAL):
        properties = properties | {INTERNAL: TRUE}
    if context == (event.context or NOT_SAID) and properties is event.properties:
        return event
    return replace(event, context=context, properties=properties)


def completed(context: Context, came: Came, time_ms: int) -> Context:
    """The context, likewise."""
    agent, place = came.agent, came.place
    offset_min, is_there = context.utc_offset_min, _is_there(context, place)
    has_point = context.latitude is not None or context.longitude is not None
    near = place if is_there and not has_point else NOWHERE
    return replace(
        context,
        device=BOT if agent.device == BOT else context.device or agent.device,
        os=context.os or agent.os,
        browser=context.browser or agent.browser,
        country=context.country or place.country,
        city=context.city or (place.city if is_there else None),
        region=context.region or (place.region if is_there else None),
        latitude=near.latitude if near.latitude is not None else context.latitude,
        longitude=near.longitude if near.longitude is not None else context.longitude,
        utc_offset_min=utc_offset_min(place.time_zone, time_ms) if offset_min is None else offset_min,
    )  # fmt: skip


def look_up(fields: dict[str, Any], time_ms: object, places: Places | None) -> None:
    """Puts what is known by user agent and address of the `context` among the fields into it, and takes these out.

    Addresses are looked up among the `places` that are known. What is no context is left to be refused.
    """
    context = fields.get("context")
    if not isinstance(context, dict) or LOOKED_UP.isdisjoint(context):
        return
    kept = {name: value for name, value in context.items() if name not in LOOKED_UP}
    fields["context"] = kept
    try:
        said = convert(kept, Context)
    except (ValidationError, RecursionError, OverflowError):
        return
    at_ms = time_ms if type(time_ms) is int and 0 < time_ms < EVENT_TIME_MAX_MS else 0
    found = to_builtins(completed(said, _came(context, places), at_ms))
    fields["context"] = {name: value for name, value in found.items() if value is not None}


def _came(context: Mapping[str, object], places: Places | None) -> Came:
    agent, address = context.get("user_agent"), context.get("ip")
    return Came(
        agent_of(agent) if isinstance(agent, str) else NO_AGENT,
        places.of(address) if places is not None and isinstance(address, str) else NOWHERE,
    )


def _is_there(context: Context, place: Place) -> bool:
    """Whether the place may be the one that the sender means."""
    return context.country in (None, place.country)


def of_page(event: Event) -> Event:
    """The event whose `page` is a path, where it was a whole address; what that says of a campaign stands where the sender says nothing of one.

    The rest of the query is left out: nobody knows what it holds.
    """
    page = event.page
    if page is None or not page.startswith(ADDRESSES):
        return event
    said = campaign_in(page)
    context, properties = event.context, event.properties
    if said and not any(name.startswith("utm_") for name in properties):
        campaign = said.pop(CAMPAIGN, None)
        if campaign is not None and (context is None or context.campaign is None):
            context = replace(context or NOT_SAID, campaign=campaign)
        for name, value in said.items():
            if _has_room(properties, name):
                properties = properties | {name: value}
    return replace(event, page=place_of(page)[1], context=context, properties=properties)


def _has_room(properties: dict[str, str], name: str) -> bool:
    return name in properties or len(properties) < PROPERTIES_PER_EVENT_MAX
